"""Walking into values: fields of maps, items of lists, characters of texts. Nothing else can be reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.melodies.definition.expressions.limits import Budget
from apps.melodies.definition.expressions.nodes import Each
from apps.melodies.definition.expressions.scope import MISSING, Missing
from apps.melodies.definition.expressions.values import is_list

Step = str | int | Each | Missing
"""One step of a walk, once computed segments are known; a MISSING one leads nowhere."""


def enter(value: Any, key: str | int | Missing) -> Any:
    """The value under a field name or an index (negative ones count from the end); MISSING when there is none."""
    if isinstance(key, Missing):
        return MISSING
    if isinstance(value, Mapping):
        return _field(value, key)
    if is_list(value) or isinstance(value, str):
        if key == "length":
            return len(value)
        return _index(value, key)
    return MISSING


def _field(value: Mapping[str, Any], key: str | int) -> Any:
    found = value.get(str(key), MISSING)
    if found is MISSING and isinstance(key, int):
        found = value.get(key, MISSING)  # type: ignore[call-overload]
    if found is MISSING and key == "length":
        return len(value)
    return found


def _index(value: Sequence[Any], key: str | int) -> Any:
    if isinstance(key, str):
        if isinstance(value, str) or not (key.isascii() and key.isdigit()) or len(key) > 9:
            return MISSING
        key = int(key)
    return value[key] if -len(value) <= key < len(value) else MISSING


def walk(value: Any, steps: Sequence[Step], budget: Budget) -> Any:
    """Follow all steps; MISSING as soon as one leads nowhere. `[*]` goes on with every item and gives a flat list."""
    for number, step in enumerate(steps):
        if isinstance(step, Each):
            return _walk_each(value, steps[number + 1 :], budget)
        if type(value) is dict and type(step) is str and step in value:
            value = value[step]
            continue
        value = enter(value, step)
        if value is MISSING:
            return MISSING
    return value


def _walk_each(value: Any, steps: Sequence[Step], budget: Budget) -> Any:
    """One breadth-first pass per step, so that many `[*]` do not nest. Items without the field give null."""
    items = _items(value)
    if items is None:
        return MISSING
    for step in steps:
        budget.listed(len(items))
        budget.spend(len(items) >> 3)
        if isinstance(step, Each):
            spread: list[Any] = []
            for item in items:
                spread.extend(_items(item) or ())
                budget.fits(len(spread))
            items = spread
        else:
            items = [None if (found := enter(item, step)) is MISSING else found for item in items]
    budget.listed(len(items))
    return items


def _items(value: Any) -> list[Any] | None:
    if is_list(value):
        return list(value)
    return list(value.values()) if isinstance(value, Mapping) else None
