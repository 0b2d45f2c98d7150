"""`clients/python` says what the schema says: whoever changes the API writes the client anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.conf import settings

PACKAGE = settings.BASE_DIR / "clients" / "python"
STALE = "clients/python is not what the schema says: run `make client`"


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}


def test_is_fresh(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "clients.generate", "--out", tmp_path],
        cwd=settings.BASE_DIR,
        check=True,
        capture_output=True,
    )
    assert texts(PACKAGE / "symphony_client" / "api") == texts(tmp_path), STALE
