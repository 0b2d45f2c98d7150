"""Arithmetic and comparisons. An operation without an outcome gives an `Impossible` that says why."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from apps.melodies.definition.expressions.limits import Budget
from apps.melodies.definition.expressions.patterns import matches
from apps.melodies.definition.expressions.values import (
    Impossible,
    bounded,
    equal,
    is_list,
    is_number,
    kind_of,
    moment,
    numeric,
    to_text,
)

Operation = Callable[[Any, Any, Budget], Any]


def add(left: Any, right: Any, budget: Budget) -> Any:
    """Numbers add, texts and lists join, a date moves by seconds. A text that reads as a number adds to a number."""
    if isinstance(left, Impossible) or isinstance(right, Impossible):
        return left if isinstance(left, Impossible) else right
    if isinstance(left, str) or isinstance(right, str):
        return _add_text(left, right, budget)
    if is_list(left) or is_list(right):
        return _add_lists(left, right, budget)
    if isinstance(left, datetime) or isinstance(right, datetime):
        when, seconds = (left, right) if isinstance(left, datetime) else (right, left)
        return _moved(when, seconds, 1, "add")
    return _calculated(left, right, "add", lambda a, b: a + b)


def _add_text(left: Any, right: Any, budget: Budget) -> Any:
    if is_number(left) or is_number(right):
        a, b = numeric(left), numeric(right)
        if a is not None and b is not None:
            return bounded(a + b)
    first, second = to_text(left, budget), to_text(right, budget)
    budget.written(len(first) + len(second))
    return first + second


def _add_lists(left: Any, right: Any, budget: Budget) -> Any:
    first, second = [] if left is None else left, [] if right is None else right
    if not is_list(first) or not is_list(second):
        return Impossible(f"Cannot add {kind_of(left)} and {kind_of(right)}; use append(list, value)")
    budget.listed(len(first) + len(second))
    return [*first, *second]


def subtract(left: Any, right: Any, budget: Budget) -> Any:
    """Numbers subtract; a date minus seconds is a date, a date minus a date is seconds."""
    if isinstance(left, datetime) or isinstance(right, datetime):
        start, end = moment(right), moment(left)
        if end is not None and start is not None:
            return _whole((end - start).total_seconds())
        if isinstance(left, datetime):
            return _moved(left, right, -1, "subtract")
    return _calculated(left, right, "subtract", lambda a, b: a - b)


def multiply(left: Any, right: Any, budget: Budget) -> Any:
    return _calculated(left, right, "multiply", lambda a, b: a * b)


def divide(left: Any, right: Any, budget: Budget) -> Any:
    """Exact divisions of integers stay integers; anything divided by zero is 0."""
    return _calculated(left, right, "divide", _quotient)


def remainder(left: Any, right: Any, budget: Budget) -> Any:
    """The remainder of the whole parts, with the sign of the left side; anything modulo zero is 0."""
    return _calculated(left, right, "take the remainder of", _remainder)


def negative(value: Any, budget: Budget) -> Any:
    return subtract(0, value, budget)


def _quotient(a: float, b: float) -> int | float:
    if b == 0:
        return 0
    if type(a) is int and type(b) is int and a % b == 0:
        return a // b
    return a / b


def _remainder(a: float, b: float) -> int | float:
    whole, divisor = math.trunc(a), math.trunc(b)
    if divisor == 0:
        return 0
    rest = abs(whole) % abs(divisor)
    return -rest if whole < 0 else rest


def _calculated(left: Any, right: Any, verb: str, calculate: Callable[[Any, Any], int | float]) -> Any:
    a, b = numeric(left), numeric(right)
    if a is None or b is None:
        for side in (left, right):
            if isinstance(side, Impossible):
                return side
        return Impossible(f"Cannot {verb} {kind_of(left)} and {kind_of(right)}; both must be numbers")
    try:
        return bounded(calculate(a, b))
    except (OverflowError, ValueError):
        return bounded(math.inf)


def _moved(when: datetime, seconds: Any, sign: int, verb: str) -> Any:
    amount = numeric(seconds)
    if amount is None:
        return Impossible(f"Cannot {verb} a date and {kind_of(seconds)}; use days(n), hours(n) or a number of seconds")
    try:
        return when + timedelta(seconds=sign * amount)
    except (OverflowError, ValueError):
        return Impossible("The date lies outside the years 1 to 9999")


def _whole(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def _ordered(test: Callable[[Any, Any], bool]) -> Operation:
    """Two numbers or two texts; with a date on one side also an ISO 8601 text on the other. Else false."""

    def compare(left: Any, right: Any, budget: Budget) -> bool:
        if is_number(left) and is_number(right):
            return test(left, right)
        if isinstance(left, str) and isinstance(right, str):
            budget.scanned(min(len(left), len(right)))
            return test(left, right)
        if isinstance(left, datetime) or isinstance(right, datetime):
            a, b = moment(left), moment(right)
            return a is not None and b is not None and test(a, b)
        return False

    return compare


def contains(left: Any, right: Any, budget: Budget) -> bool:
    """A text inside a text, or a value in a list; false for anything else."""
    if isinstance(left, str):
        budget.scanned(len(left))
        return isinstance(right, str) and right in left
    if is_list(left):
        budget.spend(len(left) >> 2)
        return any(equal(item, right, budget) for item in left)
    return False


def starts_with(left: Any, right: Any, budget: Budget) -> bool:
    return isinstance(left, str) and isinstance(right, str) and left.startswith(right)


def ends_with(left: Any, right: Any, budget: Budget) -> bool:
    return isinstance(left, str) and isinstance(right, str) and left.endswith(right)


def found(left: Any, right: Any, budget: Budget) -> bool:
    return isinstance(left, str) and isinstance(right, str) and matches(left, right, budget)


def between(value: Any, low: Any, high: Any) -> bool:
    """Inclusive; numbers only, or dates when the value or a bound is one."""
    if is_number(value) and is_number(low) and is_number(high):
        return low <= value <= high
    if any(isinstance(side, datetime) for side in (value, low, high)):
        when, start, end = moment(value), moment(low), moment(high)
        return when is not None and start is not None and end is not None and start <= when <= end
    return False


def is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, tuple, Mapping)) and len(value) == 0)


ARITHMETIC: Final[dict[str, Operation]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
}

COMPARISONS: Final[dict[str, Operation]] = {
    "==": equal,
    "!=": lambda left, right, budget: not equal(left, right, budget),
    "<": _ordered(lambda a, b: bool(a < b)),
    ">": _ordered(lambda a, b: bool(a > b)),
    "<=": _ordered(lambda a, b: bool(a <= b)),
    ">=": _ordered(lambda a, b: bool(a >= b)),
    "contains": contains,
    "matches": found,
    "starts_with": starts_with,
    "ends_with": ends_with,
    "in": lambda left, right, budget: contains(right, left, budget),
    "not_in": lambda left, right, budget: not contains(right, left, budget),
}
