"""The version of Symphony, as pyproject.toml says it."""

from __future__ import annotations

import tomllib
from pathlib import Path


def version(base: Path) -> str:
    """`unknown` where Symphony runs without its project file."""
    try:
        told = tomllib.loads((base / "pyproject.toml").read_text(encoding="utf-8"))
        return str(told["project"]["version"])
    except (OSError, ValueError, KeyError):
        return "unknown"
