"""Functions on numbers."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from apps.melodies.definition.expressions import operators
from apps.melodies.definition.expressions.function_table import MANY, function, number_of, numbers_in
from apps.melodies.definition.expressions.limits import Budget
from apps.melodies.definition.expressions.values import Impossible, bounded, is_list, kind_of, numeric


@function("add(a, b)", 2)
def _add(budget: Budget, a: Any, b: Any) -> Any:
    return operators.add(number_of(a), number_of(b), budget)


@function("subtract(a, b)", 2)
def _subtract(budget: Budget, a: Any, b: Any) -> Any:
    return operators.subtract(number_of(a), number_of(b), budget)


@function("multiply(a, b)", 2)
def _multiply(budget: Budget, a: Any, b: Any) -> Any:
    return operators.multiply(number_of(a), number_of(b), budget)


@function("divide(a, b)", 2)
def _divide(budget: Budget, a: Any, b: Any) -> Any:
    return operators.divide(number_of(a), number_of(b), budget)


@function("max(a, b, ...)", 1, MANY)
def _max(budget: Budget, *values: Any) -> Any:
    return max(_candidates(budget, values), default=None)


@function("min(a, b, ...)", 1, MANY)
def _min(budget: Budget, *values: Any) -> Any:
    return min(_candidates(budget, values), default=None)


def _candidates(budget: Budget, values: tuple[Any, ...]) -> list[int | float]:
    if len(values) == 1 and (is_list(values[0]) or values[0] is None):
        budget.listed(len(values[0] or ()))
        return numbers_in(values[0])
    return [number_of(value) for value in values]


@function("sum(list)", 1)
def _sum(budget: Budget, values: Any) -> Any:
    numbers = numbers_in(values)
    budget.listed(len(numbers))
    try:
        return bounded(sum(numbers))
    except OverflowError:
        return bounded(math.inf)


@function("average(list)", 1)
def _average(budget: Budget, values: Any) -> Any:
    numbers = numbers_in(values)
    return operators.divide(_sum(budget, numbers), len(numbers), budget)


@function("round(number, digits)", 1, 2)
def _round(budget: Budget, value: Any, digits: Any = 0) -> Any:
    """Halves go away from zero."""
    number, places = bounded(number_of(value)), max(-300, min(300, math.trunc(bounded(number_of(digits)))))
    if type(number) is int:
        unit = 10 ** max(0, -places)
        return bounded((abs(number) + unit // 2) // unit * unit * (-1 if number < 0 else 1))
    with localcontext(prec=700):
        rounded = Decimal(repr(number)).scaleb(places).to_integral_value(ROUND_HALF_UP).scaleb(-places)
    return bounded(int(rounded) if places <= 0 else float(rounded))


@function("floor(number)", 1)
def _floor(budget: Budget, value: Any) -> Any:
    return math.floor(bounded(number_of(value)))


@function("ceil(number)", 1)
def _ceil(budget: Budget, value: Any) -> Any:
    return math.ceil(bounded(number_of(value)))


@function("abs(number)", 1)
def _abs(budget: Budget, value: Any) -> Any:
    return abs(number_of(value))


@function("sqrt(number)", 1)
def _sqrt(budget: Budget, value: Any) -> Any:
    number = bounded(number_of(value))
    return Impossible("There is no square root of a negative number") if number < 0 else math.sqrt(number)


@function("pow(base, exponent)", 2)
def _pow(budget: Budget, base: Any, exponent: Any) -> Any:
    a, b = bounded(number_of(base)), bounded(number_of(exponent))
    if a == 0 and b < 0:
        return 0
    try:
        if type(a) is int and type(b) is int and b >= 0:
            return bounded(math.inf if a.bit_length() * b > 2000 and abs(a) > 1 else a**b)
        outcome = float(a) ** float(b)
    except OverflowError:
        return bounded(math.inf)
    return Impossible("This power is no real number") if isinstance(outcome, complex) else bounded(outcome)


@function("number(value)", 1)
def _number(budget: Budget, value: Any) -> Any:
    """The number a text reads as; true is 1, false and null are 0."""
    found = int(value) if isinstance(value, bool) else numeric(value)
    return Impossible(f"number(value): {kind_of(value)} that does not read as a number") if found is None else found
