"""filter, unique, flatten, sort: the same items, fewer or in another order."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import Any

from apps.melodies.definition.expressions import Scope, compile_condition, compile_expression
from workers.steps.transform.formulas import allowance
from workers.steps.transform.operations import Filter, Flatten, Sort, Unique
from workers.steps.transform.values import at, identity, is_number, item_scope, text_of

_BARE_TEXT = re.compile(r"\s*([\w.@\[\]-]+\s+(?:==|!=|>=|<=|>|<|contains)\s+)([^\W\d][\w-]*)\s*")
_NO_TEXTS = frozenset({"true", "false", "null", "nil", "value", "item", "record", "key"})


def keep(operation: Filter, data: Any, field: str | None, scope: Scope) -> Any:
    """The items for which the condition holds; a single value or null when the data is no list."""
    condition, left = compile_condition(_with_text(operation.condition, data, scope)), allowance()

    def holds(item: Any) -> bool:
        return condition.test(item_scope(scope, item, field=field), left)

    if isinstance(data, list):
        return [item for item in data if holds(item)]
    return data if holds(data) else None


def _with_text(condition: Any, data: Any, scope: Scope) -> Any:
    """Older documents write `status == active` without quotes. The word is text when it is no name: no field of any
    item, no variable, step or input."""
    found = _BARE_TEXT.fullmatch(condition) if isinstance(condition, str) else None
    if found is None or found[2] in _NO_TEXTS:
        return condition
    items = data if isinstance(data, list) else [data]
    if any(isinstance(item, Mapping) and found[2] in item for item in items):
        return condition
    return condition if compile_expression(found[2]).evaluate(scope) is not None else f"{found[1]}'{found[2]}'"


def unique(operation: Unique, data: Any, field: str | None, scope: Scope) -> Any:
    """The first of each."""
    if not isinstance(data, list):
        return data
    seen: set[Hashable] = set()
    kept: list[Any] = []
    for item in data:
        key = identity(at(item, field))
        if key not in seen:
            seen.add(key)
            kept.append(item)
    return kept


def flatten(operation: Flatten, data: Any, field: str | None, scope: Scope) -> Any:
    """One level less, or several."""
    if not isinstance(data, list):
        return data
    for _ in range(operation.depth):
        if not any(isinstance(item, list) for item in data):
            break
        data = [inner for item in data for inner in (item if isinstance(item, list) else [item])]
    return data


def _rank(value: Any) -> tuple[int, Any]:
    """Values of different types have an order too: booleans, numbers, texts, the rest."""
    if isinstance(value, bool):
        return (0, value)
    if is_number(value):
        return (1, value)
    return (2, value) if isinstance(value, str) else (3, text_of(value))


def sort(operation: Sort, data: Any, field: str | None, scope: Scope) -> Any:
    """Stable in both directions; items without the field come last in both."""
    if not isinstance(data, list):
        return data
    items = list(data)
    for part in reversed((field or "").split(",")):
        name = part.strip() or None
        keyed = [(at(item, name), item) for item in items]
        present = [pair for pair in keyed if pair[0] is not None]
        present.sort(key=lambda pair: _rank(pair[0]), reverse=operation.order == "desc")
        items = [item for _, item in present] + [item for value, item in keyed if value is None]
    return items
