"""How values read inside a prompt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

BOOKKEEPING = frozenset(
    {"usage", "model", "provider", "mock", "stop_reason", "duration_ms", "claude_metadata", "gemini_metadata"}
)
"""Fields of a model's answer that say how it came about, not what it says."""
_TEXTS = ("text", "content")


def whole(value: Any) -> str:
    """A whole result: texts as they are, maps and lists as indented JSON, without the bookkeeping of model answers."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        answer = "mock" in value and "usage" in value
        value = {key: item for key, item in value.items() if not (answer and key in BOOKKEEPING)}
    return plain(value) if not isinstance(value, Mapping | list) else dumped(value, indent=2)


def plain(value: Any) -> str:
    """One value out of a result: texts as they are, null as `nil`, maps and lists as JSON on one line."""
    if isinstance(value, str):
        return value
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    return dumped(value) if isinstance(value, Mapping | list) else str(value)


def dumped(value: Any, indent: int | None = None) -> str:
    """JSON as people read it."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)


def spoken(value: Any) -> str:
    """What a step's result says: its `text`, else its `content`, else all of it."""
    if isinstance(value, Mapping):
        for field in _TEXTS:
            if isinstance(value.get(field), str):
                return str(value[field])
    return whole(value)
