"""The version workers tell of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from symphony.version import version


def test_it_is_that_of_the_project() -> None:
    told = version(settings.BASE_DIR)
    assert re.fullmatch(r"\d+\.\d+\.\d+", told)
    assert f'version = "{told}"' in (settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", [None, "", "[project]", "nonsense ["])
def test_without_a_project_file_it_is_unknown(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert version(tmp_path) == "unknown"
