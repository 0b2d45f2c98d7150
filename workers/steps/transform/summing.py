"""aggregate and group_by: fewer values that stand for many."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from apps.melodies.definition.expressions import Scope
from workers.steps.transform.operations import Aggregate, GroupBy, aggregation
from workers.steps.transform.values import at, identity, is_number, text_of


def _numbers(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if is_number(value)]


def _sum(values: Sequence[Any]) -> Any:
    """Whole numbers stay whole."""
    numbers = _numbers(values)
    return sum(numbers) if all(isinstance(number, int) for number in numbers) else math.fsum(numbers)


def _average(values: Sequence[Any]) -> float:
    numbers = _numbers(values)
    return math.fsum(numbers) / len(numbers) if numbers else 0.0


def _variance(values: Sequence[Any]) -> float:
    """Of the whole population."""
    numbers = _numbers(values)
    mean = _average(numbers)
    return math.fsum((number - mean) ** 2 for number in numbers) / len(numbers) if numbers else 0.0


def _distinct(values: Sequence[Any]) -> list[Any]:
    firsts: dict[Hashable, Any] = {}
    for value in values:
        firsts.setdefault(identity(value), value)
    return list(firsts.values())


FUNCTIONS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "sum": _sum,
    "average": _average,
    "count": len,
    "max": lambda values: max(_numbers(values), default=None),
    "min": lambda values: min(_numbers(values), default=None),
    "first": lambda values: values[0] if values else None,
    "last": lambda values: values[-1] if values else None,
    "unique": _distinct,
    "count_distinct": lambda values: len(_distinct(values)),
    "std_dev": lambda values: math.sqrt(_variance(values)),
    "variance": _variance,
}
"""Each takes values without nulls; the numeric ones leave out what is no number."""


def _value(function: str, items: Sequence[Any], field: str | None) -> Any:
    return FUNCTIONS[function]([value for value in (at(item, field) for item in items) if value is not None])


def aggregate(operation: Aggregate, data: Any, field: str | None, scope: Scope) -> Any:
    """One value, or with `group_by` a map with one for each group."""
    items = data if isinstance(data, list) else [data]
    if operation.group_by is None:
        return _value(operation.function, items, field)
    groups = grouped(items, operation.group_by)
    return {name: _value(operation.function, group, field) for name, group in groups.items()}


def grouped(items: Sequence[Any], field: str | None) -> dict[str, list[Any]]:
    """Items by the text of a field, groups in the order they first occur."""
    groups: dict[str, list[Any]] = {}
    for item in items:
        groups.setdefault(text_of(at(item, field)), []).append(item)
    return groups


def group(operation: GroupBy, data: Any, field: str | None, scope: Scope) -> Any:
    """A map from group to items, or to the values asked for."""
    groups = grouped(data, field) if isinstance(data, list) else {"default": data}
    if not operation.aggregate:
        return groups
    calls = {name: aggregation(text) for name, text in operation.aggregate.items()}
    return {
        key: {
            name: _value(function, items if isinstance(items, list) else [items], of)
            for name, (function, of) in calls.items()
        }
        for key, items in groups.items()
    }
