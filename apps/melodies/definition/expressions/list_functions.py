"""Functions on lists and maps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apps.melodies.definition.expressions import operators
from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.function_table import MANY, function, list_of, map_of, number_of
from apps.melodies.definition.expressions.limits import MAX_LIST_ITEMS, Budget
from apps.melodies.definition.expressions.values import (
    bounded,
    canonical_json,
    is_list,
    is_number,
    to_text,
)


@function("length(value)", 1)
def _length(budget: Budget, value: Any) -> int:
    return len(value) if isinstance(value, (str, list, tuple, Mapping)) else 0


@function("append(list, value)", 2)
def _append(budget: Budget, values: Any, value: Any) -> list[Any]:
    items = list_of(budget, values, "append(list, value)")
    budget.fits(len(items) + 1)
    return [*items, value]


@function("concat(a, b, ...)", 1, MANY)
def _concat(budget: Budget, *values: Any) -> Any:
    """Joins lists when there is one among the values (others become items), else texts."""
    if not any(is_list(value) for value in values):
        return _joined(budget, values)
    joined: list[Any] = []
    for value in values:
        joined.extend(value if is_list(value) else [] if value is None else [value])
        budget.listed(len(joined))
    return joined


def _joined(budget: Budget, values: tuple[Any, ...]) -> str:
    text = ""
    for value in values:
        part = to_text(value, budget)
        budget.written(len(text) + len(part))
        text += part
    return text


@function("keys(map)", 1)
def _keys(budget: Budget, value: Any) -> list[Any]:
    return list(map_of(budget, value, "keys(map)"))


@function("values(map)", 1)
def _values(budget: Budget, value: Any) -> list[Any]:
    return list(map_of(budget, value, "values(map)").values())


@function("merge(map, map, ...)", 1, MANY)
def _merge(budget: Budget, *maps: Any) -> dict[str, Any]:
    """Later maps win; nested maps are replaced, not merged."""
    merged: dict[str, Any] = {}
    for value in maps:
        merged.update(map_of(budget, value, "merge(map, map, ...)"))
        budget.listed(len(merged))
    return merged


@function("range(first, last)", 2)
def _range(budget: Budget, first: Any, last: Any) -> list[int]:
    """Whole numbers, both ends included."""
    start, end = math.trunc(bounded(number_of(first))), math.trunc(bounded(number_of(last)))
    if end - start >= MAX_LIST_ITEMS:
        raise ExpressionError(f"The range would have more than {MAX_LIST_ITEMS} numbers")
    budget.listed(max(0, end - start + 1))
    return list(range(start, end + 1))


@function("is_empty(value)", 1, also=("empty",))
def _is_empty(budget: Budget, value: Any) -> bool:
    return operators.is_empty(value)


@function("exists(value)", 1)
def _exists(budget: Budget, value: Any) -> bool:
    return value is not None


@function("contains(value, part)", 2)
def _contains(budget: Budget, value: Any, part: Any) -> bool:
    return operators.contains(value, part, budget)


@function("between(value, low, high)", 3)
def _between(budget: Budget, value: Any, low: Any, high: Any) -> bool:
    return operators.between(value, low, high)


@function("first(list)", 1)
def _first(budget: Budget, values: Any) -> Any:
    return values[0] if is_list(values) and values else None


@function("last(list)", 1)
def _last(budget: Budget, values: Any) -> Any:
    return values[-1] if is_list(values) and values else None


@function("reverse(list)", 1)
def _reverse(budget: Budget, values: Any) -> list[Any]:
    return list_of(budget, values, "reverse(list)")[::-1]


@function("flatten(list)", 1)
def _flatten(budget: Budget, values: Any) -> list[Any]:
    """One level less."""
    flat: list[Any] = []
    for value in list_of(budget, values, "flatten(list)"):
        flat.extend(value if is_list(value) else [value])
        budget.fits(len(flat))
    budget.listed(len(flat))
    return flat


@function("unique(list)", 1)
def _unique(budget: Budget, values: Any) -> list[Any]:
    """The first of equal items."""
    items = list_of(budget, values, "unique(list)")
    budget.spend(len(items) >> 2)
    firsts: dict[Any, Any] = {}
    for item in items:
        firsts.setdefault(_identity(budget, item), item)
    return list(firsts.values())


def _identity(budget: Budget, value: Any) -> tuple[str, Any]:
    if is_number(value):
        return ("number", value)
    if value is None or isinstance(value, (str, bool, datetime)):
        return (type(value).__name__, value)
    text = canonical_json(value)
    budget.serialised(len(text))
    return ("json", text)


@function("sort(list)", 1)
def _sort(budget: Budget, values: Any) -> list[Any]:
    """Ascending: booleans, numbers, texts, dates, then lists and maps as they come; nulls last."""
    items = list_of(budget, values, "sort(list)")
    budget.spend(3 * len(items) >> 2)
    budget.scanned(sum(len(item) for item in items if isinstance(item, str)))
    return sorted(items, key=_rank)


def _rank(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool):
        return (0, value)
    if is_number(value):
        return (1, value)
    if isinstance(value, str):
        return (2, value)
    if isinstance(value, datetime):
        return (3, value)
    return (5 if value is None else 4, 0)


@function("coalesce(a, b, ...)", 1, MANY, also=("default",))
def _coalesce(budget: Budget, *values: Any) -> Any:
    """The first that is neither null nor an empty text."""
    return next((value for value in values if value is not None and value != ""), None)
