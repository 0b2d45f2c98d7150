"""The table of functions, and how they look at their arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.limits import Budget
from apps.melodies.definition.expressions.values import is_list, is_number, kind_of, numeric

MANY: Final = 1000


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its usage for messages, how many arguments it takes, and what it does with them."""

    usage: str
    low: int
    high: int
    run: Callable[..., Any]


FUNCTIONS: Final[dict[str, Function]] = {}
"""By name, in snake_case and in camelCase."""

PER_ITEM_USAGE: Final = {
    "any": "any(list, 'condition')",
    "all": "all(list, 'condition')",
    "count": "count(list, 'condition')",
    "filter": "filter(list, 'condition')",
    "map": "map(list, 'field')",
}


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found.group(1).upper(), name)


def function(usage: str, low: int, high: int | None = None, *, also: tuple[str, ...] = ()) -> Callable[[Any], Any]:
    """Register the decorated `run(budget, *arguments)` under the name at the start of `usage`, and under `also`."""

    def register(run: Callable[..., Any]) -> Callable[..., Any]:
        entry = Function(usage, low, low if high is None else high, run)
        for name in (usage.partition("(")[0], *also):
            FUNCTIONS[name] = FUNCTIONS[_camel(name)] = entry
        return run

    return register


def number_of(value: Any) -> int | float:
    """A number; what is none counts as 0."""
    found = numeric(value)
    return 0 if found is None else found


def numbers_in(values: Any) -> list[int | float]:
    """The numbers in a list; everything else in it is ignored."""
    return [value for value in values if is_number(value)] if is_list(values) else []


def list_of(budget: Budget, value: Any, usage: str) -> list[Any]:
    """A list; null is an empty one."""
    if value is None:
        return []
    if not is_list(value):
        raise ExpressionError(f"{usage} needs a list, got {kind_of(value)}")
    budget.listed(len(value))
    return list(value)


def map_of(budget: Budget, value: Any, usage: str) -> Mapping[str, Any]:
    """A map; null is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ExpressionError(f"{usage} needs a map, got {kind_of(value)}")
    budget.listed(len(value))
    return value
