"""What kind of file a name suggests, and the bytes a value is written as."""

from __future__ import annotations

import json
import mimetypes
from typing import Any

_DOCUMENTS = frozenset({".md", ".html", ".txt", ".rst", ".pdf"})
_CODE = frozenset({".py", ".js", ".ts", ".ex", ".exs", ".rs", ".go", ".sh", ".sql", ".c", ".java"})
_SETTINGS = frozenset({".toml", ".ini", ".cfg", ".yaml", ".yml", ".env"})
_TEXT_TYPES = {
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".jsonl": "application/jsonl",
}


def content_type(name: str) -> str:
    """The media type a file name suggests."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return _TEXT_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def artifact_type(name: str) -> str:
    """documentation, code, config or data, by the file's name."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    if suffix in _DOCUMENTS:
        return "documentation"
    return "code" if suffix in _CODE else "config" if suffix in _SETTINGS else "data"


def as_bytes(content: Any) -> bytes:
    """Text as it is; anything else as JSON."""
    if isinstance(content, str):
        return content.encode("utf-8", "surrogatepass")
    return (json.dumps(content, ensure_ascii=False, indent=2, default=str) + "\n").encode()
