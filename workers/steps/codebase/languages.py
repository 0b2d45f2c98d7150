"""What a file is, by its name and place."""

from __future__ import annotations

import re
from typing import Literal

Role = Literal["main", "test", "config", "source", "other"]

LANGUAGES = {
    ".py": "python",
    ".pyi": "python",
    ".ex": "elixir",
    ".exs": "elixir",
    ".js": "javascript",
    ".jsx": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".ts": "javascript",
    ".tsx": "javascript",
    ".rs": "rust",
    ".go": "go",
}
"""Languages whose contents are understood; TypeScript counts as JavaScript."""

SKIPPED_FOLDERS = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        "node_modules",
        "__pycache__",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        ".import_linter_cache",
        ".tox",
        ".nox",
        ".eggs",
        ".symphony",
        ".idea",
        ".elixir_ls",
        "_build",
        "target",
        "deps",
    }
)
_TEST_FOLDERS = frozenset({"test", "tests", "spec", "__tests__", "testing"})
_TEST_NAME = re.compile(r"(?:test_.+|conftest|.+_test|.+\.test|.+\.spec|.+_spec)\.[A-Za-z]+\Z")
_CONFIG_SUFFIXES = frozenset(
    {".toml", ".ini", ".cfg", ".yaml", ".yml", ".json", ".conf", ".env", ".lock", ".properties"}
)
_CONFIG_NAMES = frozenset(
    {
        "Makefile",
        "Dockerfile",
        "mix.exs",
        "setup.py",
        "go.mod",
        "go.sum",
        ".gitignore",
        ".editorconfig",
        "requirements.txt",
    }
)
_MAIN_NAMES = frozenset(
    {
        "__main__.py",
        "main.py",
        "manage.py",
        "app.py",
        "wsgi.py",
        "asgi.py",
        "cli.py",
        "main.rs",
        "lib.rs",
        "main.go",
        "index.js",
        "index.ts",
        "main.js",
        "main.ts",
        "application.ex",
    }
)


def suffix_of(name: str) -> str:
    """The extension with its dot, in lower case; "" when there is none."""
    stem, dot, end = name.rpartition(".")
    return f".{end.lower()}" if dot and stem else ""


def language_of(name: str) -> str | None:
    """The language of a file, if it is one that is understood."""
    return LANGUAGES.get(suffix_of(name))


def is_test(parts: tuple[str, ...]) -> bool:
    """Whether a file belongs to the tests."""
    return any(part in _TEST_FOLDERS for part in parts[:-1]) or _TEST_NAME.match(parts[-1]) is not None


def role_of(parts: tuple[str, ...]) -> Role:
    """What part a file plays."""
    name = parts[-1]
    if is_test(parts):
        return "test"
    if name in _CONFIG_NAMES or suffix_of(name) in _CONFIG_SUFFIXES:
        return "config"
    if name in _MAIN_NAMES:
        return "main"
    return "source" if language_of(name) else "other"


def package_of(parts: tuple[str, ...], depth: int) -> str:
    """The folder a file is counted under, at most `depth` levels below the root; "." for the root's own files."""
    return "/".join(parts[:-1][:depth]) or "."
