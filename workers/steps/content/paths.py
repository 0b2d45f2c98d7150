"""Paths into a step's result: `data.items[0].name`, `items[*].name`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.contract import StepFailed

_TOKEN = re.compile(r"\.?([^.\[\]]+)|\[(-?\d{1,9}|\*)\]|\[\"([^\"\]]*)\"\]|\['([^'\]]*)'\]")
EVERY = "*"
_LONGEST = 1000
_MOST_ITEMS = 10_000
_WRAPPERS = ("result", "data", "individual_results", "results")
_TEXTS = ("text", "content")
_LONGEST_JSON = 4_000_000


@dataclass(frozen=True, slots=True)
class NotFound:
    """Where a path leads nowhere: the key, and the value it was looked for in."""

    key: str
    inside: Any


def tokens_of(path: str) -> list[str | int]:
    """The steps of a path; `*` is every item. A leading `$.` means nothing."""
    if len(path) > _LONGEST:
        raise StepFailed(f"the path {path[:80]!r}… is too long", code="bad_params", final=True)
    rest = path.strip().removeprefix("$").removeprefix(".")
    tokens: list[str | int] = []
    at = 0
    while at < len(rest):
        found = _TOKEN.match(rest, at)
        if found is None or found.end() == at:
            raise StepFailed(
                f"the path {path[:80]!r} cannot be read at {rest[at : at + 20]!r}; write it like data.items[0].name",
                code="bad_params",
                final=True,
            )
        name, index, quoted, single = found.groups()
        if index is not None:
            tokens.append(EVERY if index == EVERY else int(index))
        else:
            tokens.append(next(text for text in (name, quoted, single) if text is not None))
        at = found.end()
    return tokens


def follow(value: Any, tokens: list[str | int]) -> Any:
    """The value at the end of a path, or `NotFound`.

    A key that a map does not have is also looked for one level below, where results keep what people mean: in its
    `result`, `data`, `individual_results` or `results`, and in its text when that is JSON.
    """
    for number, key in enumerate(tokens):
        if key == EVERY:
            return _every(value, tokens[number + 1 :])
        found = _index(value, key) if isinstance(key, int) else _field(value, key)
        if isinstance(found, NotFound):
            return found
        value = found
    return value


def _every(value: Any, rest: list[str | int]) -> Any:
    items = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(items, list):
        return NotFound(EVERY, value)
    found = [follow(item, rest) for item in items[:_MOST_ITEMS]]
    return [None if isinstance(item, NotFound) else item for item in found]


def _index(value: Any, index: int) -> Any:
    if isinstance(value, list) and -len(value) <= index < len(value):
        return value[index]
    return NotFound(f"[{index}]", value)


def _field(value: Any, key: str) -> Any:
    if isinstance(value, list) and key.isascii() and key.isdigit() and len(key) < 9:
        return _index(value, int(key))
    if not isinstance(value, Mapping):
        return NotFound(key, value)
    if key in value:
        return value[key]
    for wrapper in _WRAPPERS:
        below = value.get(wrapper)
        if isinstance(below, Mapping) and key in below:
            return below[key]
    spoken = _spoken(value)
    return spoken[key] if isinstance(spoken, Mapping) and key in spoken else NotFound(key, value)


def _spoken(value: Mapping[str, Any]) -> Any:
    """What a model's text says when it is JSON."""
    for field in _TEXTS:
        text = value.get(field)
        if isinstance(text, str) and text.lstrip()[:1] in ("{", "[") and len(text) <= _LONGEST_JSON:
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                return None
    return None


def fields_of(value: Any) -> str:
    """What there is instead, for messages."""
    if isinstance(value, Mapping):
        return ", ".join(str(key) for key in list(value)[:30]) or "none"
    if isinstance(value, list):
        return f"[0] to [{len(value) - 1}]" if value else "none (an empty list)"
    return f"none (it is {'nothing' if value is None else type(value).__name__})"
