"""Looking into data: paths, comparison keys, the text of a value, and what a condition on an item can see."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

from apps.melodies.definition.expressions import Scope

_ABSENT = object()


def at(value: Any, path: str | None) -> Any:
    """The value at dotted keys and list indices; null when there is none. Without a path, the value itself."""
    if path is None or (path in ("", "value", "item", "@") and not isinstance(value, Mapping)):
        return value
    if isinstance(value, Mapping) and path in value:
        return value[path]
    for key in path.replace("[", ".").replace("]", "").split("."):
        value = _child(value, key)
        if value is _ABSENT:
            return None
    return value


def _child(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(key, _ABSENT)
    if isinstance(value, list) and key.removeprefix("-").isdecimal() and len(key) < 12:
        index = int(key)
        return value[index] if -len(value) <= index < len(value) else _ABSENT
    return _ABSENT


def put(data: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of a map with the value at a dotted path replaced."""
    head, _, rest = path.partition(".")
    if path in data or not rest:
        return {**data, path: value}
    inner = data.get(head)
    return {**data, head: put(inner if isinstance(inner, Mapping) else {}, rest, value)}


def identity(value: Any) -> Hashable:
    """A key under which equal values meet: numbers by value, but 1, "1" and true stay apart."""
    if isinstance(value, bool) or value is None:
        return ("plain", value)
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ("list", *(identity(item) for item in value))
    if isinstance(value, Mapping):
        return ("map", frozenset((key, identity(item)) for key, item in value.items()))
    return ("other", str(value))


def text_of(value: Any) -> str:
    """How a value is written as a map key or in a table: null as `null`, maps and lists as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def type_name(value: Any) -> str:
    """The language's name of a value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return "map" if isinstance(value, Mapping) else "list"


def is_number(value: Any) -> bool:
    """A finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def item_scope(scope: Scope, item: Any, *, field: str | None = None, key: Any = None) -> Scope:
    """What an expression about one item sees: its fields by name, the item as `item`, `record` and `@`; then `value`, its
    `field` or the item itself, and `key`, its name in a map."""
    names = {"value": at(item, field)} if key is None else {"value": at(item, field), "key": key}
    return replace(scope, item=item, loop={**(scope.loop or {}), **names})
