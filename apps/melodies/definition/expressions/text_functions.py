"""Functions on texts, and between values and texts."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

from apps.melodies.definition.expressions import operators
from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.function_table import function, list_of, number_of
from apps.melodies.definition.expressions.limits import MAX_TEXT_CHARS, Budget
from apps.melodies.definition.expressions.values import bounded, canonical_json, compact_json, measure, to_text


@function("matches(text, pattern)", 2)
def _matches(budget: Budget, text: Any, pattern: Any) -> bool:
    return operators.found(text, pattern, budget)


@function("starts_with(text, start)", 2)
def _starts_with(budget: Budget, text: Any, start: Any) -> bool:
    return operators.starts_with(text, start, budget)


@function("ends_with(text, end)", 2)
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


@function("upper(text)", 1, also=("to_upper_case", "uppercase"))
def _upper(budget: Budget, value: Any) -> str | None:
    return _changed(budget, value, str.upper)


@function("lower(text)", 1, also=("to_lower_case", "lowercase"))
def _lower(budget: Budget, value: Any) -> str | None:
    return _changed(budget, value, str.lower)


@function("trim(text)", 1)
def _trim(budget: Budget, value: Any) -> str | None:
    return _changed(budget, value, str.strip)


@function("substring(text, start, end)", 2, 3)
def _substring(budget: Budget, value: Any, start: Any, end: Any = None) -> str | None:
    """Counts from 0; `end` is not included."""
    first = max(0, math.trunc(bounded(number_of(start))))
    last = None if end is None else max(0, math.trunc(bounded(number_of(end))))
    return _changed(budget, value, lambda text: text[first:last])


@function("replace(text, old, new)", 3)
def _replace(budget: Budget, value: Any, old: Any, new: Any) -> str | None:
    before, after = to_text(old, budget), to_text(new, budget)

    def change(text: str) -> str:
        if not before:
            return text
        budget.written(len(text) + text.count(before) * max(0, len(after) - len(before)))
        return text.replace(before, after)

    return _changed(budget, value, change)


@function("hash(value)", 1)
def _hash(budget: Budget, value: Any) -> str:
    """SHA-256 in hexadecimal: of a text itself, of anything else as JSON with sorted keys."""
    text = value if isinstance(value, str) else canonical_json(value)
    budget.serialised(len(text))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@function("join(list, separator)", 1, 2)
def _join(budget: Budget, values: Any, separator: Any = ", ") -> str:
    between = to_text(separator, budget)
    parts: list[str] = []
    length = -len(between)
    for value in list_of(budget, values, "join(list, separator)"):
        parts.append(to_text(value, budget))
        length += len(parts[-1]) + len(between)
        budget.short(length)
    budget.written(max(0, length))
    return between.join(parts)


@function("split(text, separator)", 1, 2)
def _split(budget: Budget, value: Any, separator: Any = ",") -> list[str]:
    """An empty separator parts at white space."""
    text, between = to_text(value, budget), to_text(separator, budget)
    budget.scanned(len(text))
    budget.fits((text.count(between) if between else text.count(" ")) + 1)
    parts = text.split(between) if between else text.split()
    budget.listed(len(parts))
    return parts


@function("text(value)", 1, also=("string",))
def _text(budget: Budget, value: Any) -> str:
    """As it would stand inside a longer text."""
    return to_text(value, budget)


@function("to_json(value)", 1)
def _to_json(budget: Budget, value: Any) -> str:
    measure(value, max_chars=MAX_TEXT_CHARS)
    text = compact_json(value)
    budget.serialised(len(text))
    return text


@function("parse_json(text)", 1, also=("from_json",))
def _parse_json(budget: Budget, value: Any) -> Any:
    """The value a JSON text stands for, also one between ``` fences; what is no text stays as it is."""
    if not isinstance(value, str):
        return value
    budget.serialised(len(value))
    try:
        return json.loads(_without_fences(value), parse_int=_integer, parse_constant=_no_constant)
    except ValueError as error:
        raise ExpressionError(f"parse_json(text): this is not JSON ({error})") from None


def _without_fences(text: str) -> str:
    text = text.strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        return text[text.index("\n") : -3]
    return text


def _integer(digits: str) -> int | float:
    return bounded(int(digits)) if len(digits) <= 301 else bounded(math.inf)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
