"""`python -m clients.generate`: write the client's modules anew from the schema of this very code."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import django

from clients.generate.writing import modules

HERE: Final = Path(__file__).resolve().parent.parent / "python" / "symphony_client" / "api"
RUFF: Final = Path(sys.executable).with_name("ruff")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m clients.generate", description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE, help="the folder of the modules")
    folder = parser.parse_args().out
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "symphony.settings")
    django.setup()
    write(folder, document())
    print(f"Written: {folder}")
    return 0


def document() -> dict[str, Any]:
    # Only here: views are imported, which needs the apps to be ready.
    from drf_spectacular.generators import SchemaGenerator  # noqa: PLC0415

    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    return dict(generator.get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


def write(folder: Path, schema: dict[str, Any]) -> None:
    """The modules, formatted; what an earlier schema had and this has not goes."""
    folder.mkdir(parents=True, exist_ok=True)
    written = modules(schema)
    for old in folder.glob("*.py"):
        if old.name not in written:
            old.unlink()
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
    # Of its own, so that it looks the same wherever it is written.
    style = ["--isolated", "--no-cache", "--config", "line-length=120", "--config", 'target-version="py311"']
    order = ["--select", "I,F401", "--fix", "--config", 'lint.isort.known-first-party=["symphony_client"]']
    for command in (["check", "--quiet", *style, *order], ["format", "--quiet", *style]):
        subprocess.run([RUFF, *command, folder], check=True)


if __name__ == "__main__":
    sys.exit(main())
