"""Prompt components: YAML files with named pieces of prompts, one of which a `file` part may name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from workers.contract import StepFailed
from workers.steps.files.formats import Style, convert

ReadFile = Callable[[str], str]


def component(text: str, name: str, path: str, read_file: ReadFile) -> str:
    """The text of one component, found at the top of the file or one level below. It is a text, a map with `content`, or
    a list of static and file parts; nothing else, since a document must show which steps its prompts read."""
    value = _find(json.loads(convert(text.encode(), "yaml_to_json", Style())), name, path)
    parts = value if isinstance(value, list) else [value]
    return "\n".join(_text(part, name, path, read_file) for part in parts)


def _find(document: Any, name: str, path: str) -> Any:
    groups = [document, *(document.values() if isinstance(document, Mapping) else ())]
    for group in groups:
        if isinstance(group, Mapping) and name in group:
            return group[name]
    known = ", ".join(str(key) for group in groups if isinstance(group, Mapping) for key in list(group)[:20])
    raise StepFailed(
        f"{path[:200]!r} has no component {name[:80]!r}; it has: {known or 'none'}", code="bad_params", final=True
    )


def _text(part: Any, name: str, path: str, read_file: ReadFile) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping) and part.get("type", "static") == "static" and isinstance(part.get("content"), str):
        return str(part["content"])
    if isinstance(part, Mapping) and part.get("type") == "file" and isinstance(part.get("path"), str):
        return read_file(part["path"])
    raise StepFailed(
        f"component {name[:80]!r} of {path[:200]!r} may hold static parts (with `content`) and file parts (with `path`)",
        code="bad_params",
        final=True,
    )
