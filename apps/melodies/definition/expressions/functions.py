"""The functions of the language. Names are written here in snake_case; camelCase works as well."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final

from apps.melodies.definition.expressions import operators
from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.limits import MAX_LIST_ITEMS, Budget
from apps.melodies.definition.expressions.values import (
    Impossible,
    bounded,
    canonical_json,
    is_list,
    is_number,
    kind_of,
    moment,
    numeric,
    to_text,
)

_MANY: Final = 1000


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its usage for messages, how many arguments it takes, and what it does with them."""

    usage: str
    low: int
    high: int
    run: Callable[..., Any]


FUNCTIONS: Final[dict[str, Function]] = {}

PER_ITEM_USAGE: Final = {
    "any": "any(list, 'condition')",
    "all": "all(list, 'condition')",
    "count": "count(list, 'condition')",
    "filter": "filter(list, 'condition')",
    "map": "map(list, 'field')",
}


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found.group(1).upper(), name)


def _function(usage: str, low: int, high: int | None = None, *, also: tuple[str, ...] = ()) -> Callable[[Any], Any]:
    """Register the decorated `run(budget, *arguments)` under the name at the start of `usage`, and under `also`."""

    def register(run: Callable[..., Any]) -> Callable[..., Any]:
        entry = Function(usage, low, low if high is None else high, run)
        for name in (usage.partition("(")[0], *also):
            FUNCTIONS[name] = FUNCTIONS[_camel(name)] = entry
        return run

    return register


def _number(value: Any) -> int | float:
    """A number; what is none counts as 0."""
    found = numeric(value)
    return 0 if found is None else found


def _numbers(values: Any) -> list[int | float]:
    """The numbers in a list; everything else in it is ignored."""
    return [value for value in values if is_number(value)] if is_list(values) else []


def _list(value: Any, usage: str) -> list[Any]:
    if value is None:
        return []
    if is_list(value):
        return list(value)
    raise ExpressionError(f"{usage} needs a list, got {kind_of(value)}")


# Numbers


@_function("add(a, b)", 2)
def _add(budget: Budget, a: Any, b: Any) -> Any:
    return operators.add(_number(a), _number(b), budget)


@_function("subtract(a, b)", 2)
def _subtract(budget: Budget, a: Any, b: Any) -> Any:
    return operators.subtract(_number(a), _number(b), budget)


@_function("multiply(a, b)", 2)
def _multiply(budget: Budget, a: Any, b: Any) -> Any:
    return operators.multiply(_number(a), _number(b), budget)


@_function("divide(a, b)", 2)
def _divide(budget: Budget, a: Any, b: Any) -> Any:
    return operators.divide(_number(a), _number(b), budget)


@_function("max(a, b, ...)", 1, _MANY)
def _max(budget: Budget, *values: Any) -> Any:
    return max(_candidates(budget, values), default=None)


@_function("min(a, b, ...)", 1, _MANY)
def _min(budget: Budget, *values: Any) -> Any:
    return min(_candidates(budget, values), default=None)


def _candidates(budget: Budget, values: tuple[Any, ...]) -> list[int | float]:
    if len(values) == 1 and (is_list(values[0]) or values[0] is None):
        budget.listed(len(values[0] or ()))
        return _numbers(values[0])
    return [_number(value) for value in values]


@_function("sum(list)", 1)
def _sum(budget: Budget, values: Any) -> Any:
    numbers = _numbers(values)
    budget.listed(len(numbers))
    try:
        return bounded(sum(numbers))
    except OverflowError:
        return bounded(math.inf)


@_function("average(list)", 1)
def _average(budget: Budget, values: Any) -> Any:
    numbers = _numbers(values)
    return operators.divide(_sum(budget, numbers), len(numbers), budget)


@_function("round(number, digits)", 1, 2)
def _round(budget: Budget, value: Any, digits: Any = 0) -> Any:
    """Halves go away from zero."""
    number, places = bounded(_number(value)), max(-300, min(300, math.trunc(bounded(_number(digits)))))
    if type(number) is int:
        unit = 10 ** max(0, -places)
        return bounded((abs(number) + unit // 2) // unit * unit * (-1 if number < 0 else 1))
    with localcontext(prec=700):
        rounded = Decimal(repr(number)).scaleb(places).to_integral_value(ROUND_HALF_UP).scaleb(-places)
    return bounded(int(rounded) if places <= 0 else float(rounded))


@_function("floor(number)", 1)
def _floor(budget: Budget, value: Any) -> Any:
    return math.floor(bounded(_number(value)))


@_function("ceil(number)", 1)
def _ceil(budget: Budget, value: Any) -> Any:
    return math.ceil(bounded(_number(value)))


@_function("abs(number)", 1)
def _abs(budget: Budget, value: Any) -> Any:
    return abs(_number(value))


@_function("sqrt(number)", 1)
def _sqrt(budget: Budget, value: Any) -> Any:
    number = bounded(_number(value))
    return Impossible("There is no square root of a negative number") if number < 0 else math.sqrt(number)


@_function("pow(base, exponent)", 2)
def _pow(budget: Budget, base: Any, exponent: Any) -> Any:
    a, b = bounded(_number(base)), bounded(_number(exponent))
    if a == 0 and b < 0:
        return 0
    try:
        if type(a) is int and type(b) is int and b >= 0:
            return bounded(math.inf if a.bit_length() * b > 2000 and abs(a) > 1 else a**b)
        outcome = float(a) ** float(b)
    except OverflowError:
        return bounded(math.inf)
    return Impossible("This power is no real number") if isinstance(outcome, complex) else bounded(outcome)


# Lists and maps


@_function("length(value)", 1)
def _length(budget: Budget, value: Any) -> int:
    return len(value) if isinstance(value, (str, list, tuple, Mapping)) else 0


@_function("append(list, value)", 2)
def _append(budget: Budget, values: Any, value: Any) -> list[Any]:
    items = _list(values, "append(list, value)")
    budget.listed(len(items) + 1)
    return [*items, value]


@_function("concat(a, b, ...)", 1, _MANY)
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


@_function("keys(map)", 1)
def _keys(budget: Budget, value: Any) -> list[Any]:
    return list(_map(budget, value, "keys(map)"))


@_function("values(map)", 1)
def _values(budget: Budget, value: Any) -> list[Any]:
    return list(_map(budget, value, "values(map)").values())


@_function("merge(map, map, ...)", 1, _MANY)
def _merge(budget: Budget, *maps: Any) -> dict[str, Any]:
    """Later maps win; nested maps are replaced, not merged."""
    merged: dict[str, Any] = {}
    for value in maps:
        merged.update(_map(budget, value, "merge(map, map, ...)"))
        budget.listed(len(merged))
    return merged


def _map(budget: Budget, value: Any, usage: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ExpressionError(f"{usage} needs a map, got {kind_of(value)}")
    budget.listed(len(value))
    return value


@_function("range(first, last)", 2)
def _range(budget: Budget, first: Any, last: Any) -> list[int]:
    """Whole numbers, both ends included."""
    start, end = math.trunc(bounded(_number(first))), math.trunc(bounded(_number(last)))
    if end - start >= MAX_LIST_ITEMS:
        raise ExpressionError(f"The range would have more than {MAX_LIST_ITEMS} numbers")
    budget.listed(max(0, end - start + 1))
    return list(range(start, end + 1))


@_function("is_empty(value)", 1, also=("empty",))
def _is_empty(budget: Budget, value: Any) -> bool:
    return operators.is_empty(value)


@_function("exists(value)", 1)
def _exists(budget: Budget, value: Any) -> bool:
    return value is not None


@_function("contains(value, part)", 2)
def _contains(budget: Budget, value: Any, part: Any) -> bool:
    return operators.contains(value, part, budget)


@_function("between(value, low, high)", 3)
def _between(budget: Budget, value: Any, low: Any, high: Any) -> bool:
    return operators.between(value, low, high)


# Texts


@_function("matches(text, pattern)", 2)
def _matches(budget: Budget, text: Any, pattern: Any) -> bool:
    return operators.found(text, pattern, budget)


@_function("starts_with(text, start)", 2)
def _starts_with(budget: Budget, text: Any, start: Any) -> bool:
    return operators.starts_with(text, start, budget)


@_function("ends_with(text, end)", 2)
def _ends_with(budget: Budget, text: Any, end: Any) -> bool:
    return operators.ends_with(text, end, budget)


def _changed(budget: Budget, value: Any, change: Callable[[str], str]) -> str | None:
    """A text function on any value; null stays null."""
    if value is None:
        return None
    text = to_text(value, budget)
    budget.written(len(text))
    changed = change(text)
    budget.written(len(changed))
    return changed


@_function("upper(text)", 1, also=("to_upper_case", "uppercase"))
def _upper(budget: Budget, value: Any) -> str | None:
    return _changed(budget, value, str.upper)


@_function("lower(text)", 1, also=("to_lower_case", "lowercase"))
def _lower(budget: Budget, value: Any) -> str | None:
    return _changed(budget, value, str.lower)


@_function("trim(text)", 1)
def _trim(budget: Budget, value: Any) -> str | None:
    return _changed(budget, value, str.strip)


@_function("substring(text, start, end)", 2, 3)
def _substring(budget: Budget, value: Any, start: Any, end: Any = None) -> str | None:
    """Counts from 0; `end` is not included."""
    first = max(0, math.trunc(bounded(_number(start))))
    last = None if end is None else max(0, math.trunc(bounded(_number(end))))
    return _changed(budget, value, lambda text: text[first:last])


@_function("replace(text, old, new)", 3)
def _replace(budget: Budget, value: Any, old: Any, new: Any) -> str | None:
    before, after = to_text(old, budget), to_text(new, budget)

    def change(text: str) -> str:
        if not before:
            return text
        budget.written(len(text) + text.count(before) * max(0, len(after) - len(before)))
        return text.replace(before, after)

    return _changed(budget, value, change)


@_function("hash(value)", 1)
def _hash(budget: Budget, value: Any) -> str:
    """SHA-256 in hexadecimal: of a text itself, of anything else as JSON with sorted keys."""
    text = value if isinstance(value, str) else canonical_json(value)
    budget.serialised(len(text))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# Time


@_function("now()", 0)
def _now(budget: Budget) -> datetime:
    return datetime.now(UTC)


@_function("date('YYYY-MM-DD')", 1)
def _date(budget: Budget, value: Any) -> Any:
    if value is None:
        return None
    found = moment(value)
    return Impossible("date('YYYY-MM-DD') needs an ISO 8601 date") if found is None else found


def _seconds(usage: str, factor: int) -> None:
    @_function(usage, 1)
    def run(budget: Budget, amount: Any) -> Any:
        return operators.multiply(_number(amount), factor, budget)


_seconds("days(n)", 86_400)
_seconds("hours(n)", 3_600)
_seconds("minutes(n)", 60)
_seconds("seconds(n)", 1)
