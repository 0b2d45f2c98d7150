"""Values of the language: truth, text, equality, size. JSON plus moments in time (`datetime`, always with a zone)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeGuard

from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.limits import (
    MAX_INTEGER,
    MAX_RESULT_CHARS,
    MAX_RESULT_NODES,
    MAX_TEXT_CHARS,
    Budget,
)

_NUMERIC = re.compile(r"\s*[+-]?\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)
_MAX_MOMENT_CHARS = 40


@dataclass(frozen=True, slots=True)
class Impossible:
    """The outcome of an operation that has none, like a text times a number.

    It equals nothing, is never true and makes comparisons false; as the outcome of a whole expression it is an error.
    """

    message: str
    position: int = 0


def solid(value: Any) -> Any:
    """The value, which now leaves the operators; an impossible one is an error here."""
    if type(value) is Impossible:
        raise ExpressionError(value.message, value.position)
    return value


def truthy(value: Any) -> bool:
    """False for null, false, "", [], {}; true for everything else, zero included."""
    if value is None or value is False or isinstance(value, Impossible):
        return False
    if isinstance(value, (str, list, dict, tuple, Mapping)):
        return len(value) > 0
    return True


def is_number(value: Any) -> TypeGuard[int | float]:
    return type(value) is int or type(value) is float


def is_list(value: Any) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, (list, tuple))


def kind_of(value: Any) -> str:
    """The name of a value's type in messages to people."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if is_number(value):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if is_list(value):
        return "a list"
    if isinstance(value, Mapping):
        return "a map"
    return "a date" if isinstance(value, datetime) else f"a {type(value).__name__}"


def numeric(value: Any) -> int | float | None:
    """A number, a text that reads as one, or null as 0; None for anything else."""
    if is_number(value):
        return value
    if value is None:
        return 0
    if not isinstance(value, str) or len(value) > 320 or not _NUMERIC.fullmatch(value):
        return None
    number = float(value)
    if not math.isfinite(number):
        return None
    return int(value) if value.strip().lstrip("+-").isdecimal() else number


def bounded(number: float) -> int | float:
    """The number itself, or an error when it is too large to be JSON that others can read."""
    if type(number) is int:
        if -MAX_INTEGER < number < MAX_INTEGER:
            return number
    elif math.isfinite(number):
        return number
    raise ExpressionError("The number is too large; keep numbers below 10^300")


def moment(value: Any) -> datetime | None:
    """A moment, or an ISO 8601 text as one (UTC when it names no zone)."""
    if isinstance(value, str) and 8 <= len(value) <= _MAX_MOMENT_CHARS:
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def equal(left: Any, right: Any, budget: Budget) -> bool:
    """Equality that is strict on type, except that integers and decimals compare by value; maps and lists go deep."""
    pending = [(left, right)]
    while pending:
        a, b = pending.pop()
        if isinstance(a, str) and isinstance(b, str):
            if len(a) != len(b):
                return False
            budget.scanned(len(a))
            if a != b:
                return False
        elif is_number(a) and is_number(b):
            if a != b:
                return False
        elif is_list(a) and is_list(b):
            if len(a) != len(b):
                return False
            budget.listed(len(a))
            budget.spend(1)
            pending.extend(zip(a, b, strict=True))
        elif isinstance(a, Mapping) and isinstance(b, Mapping):
            if len(a) != len(b) or any(key not in b for key in a):
                return False
            budget.listed(len(a))
            budget.spend(1)
            pending.extend((value, b[key]) for key, value in a.items())
        elif not _same_plain(a, b):
            return False
    return True


def _same_plain(a: Any, b: Any) -> bool:
    if isinstance(a, datetime) or isinstance(b, datetime):
        left, right = moment(a), moment(b)
        return left is not None and left == right
    if isinstance(a, Impossible) or type(a) is not type(b):
        return False
    return a is None or bool(a == b)


def to_text(value: Any, budget: Budget | None = None) -> str:
    """How a value reads inside a text: null as nothing, maps and lists as compact JSON, dates as ISO 8601."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    measure(solid(value), MAX_RESULT_NODES, MAX_TEXT_CHARS)
    text = compact_json(value)
    (budget or Budget()).serialised(len(text))
    return text


def canonical_json(value: Any) -> str:
    """Compact JSON with sorted keys, for hashing."""
    measure(value, MAX_RESULT_NODES, MAX_TEXT_CHARS)
    return compact_json(value, sort_keys=True)


def compact_json(value: Any, *, sort_keys: bool = False) -> str:
    """JSON without spaces, moments as ISO 8601. Its size is not bounded here."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys, default=_jsonable)
    except (TypeError, ValueError, RecursionError):
        raise ExpressionError("The value has no JSON form (too deep, or not plain data); pick a part of it") from None


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


_NUMBERS = frozenset({int, float, bool})


class Size(NamedTuple):
    """How many values a value is made of, and whether moments are among them (so that it is not yet JSON)."""

    nodes: int
    moments: bool


def measure(value: Any, max_nodes: int = MAX_RESULT_NODES, max_chars: int = MAX_RESULT_CHARS) -> Size:
    """Refuse a value that would be too large once written out."""
    nodes = chars = 0
    moments = False
    pending = [value]
    while pending:
        part = pending.pop()
        nodes += 1
        if isinstance(part, str):
            chars += len(part)
        elif part is None or type(part) in _NUMBERS:
            pass
        elif is_list(part):
            nodes += len(part) if len(part) > max_nodes else 0
            pending.extend(part if nodes <= max_nodes else ())
        elif isinstance(part, Mapping):
            chars += sum(len(key) for key in part if isinstance(key, str))
            pending.extend(part.values())
        elif isinstance(part, datetime):
            moments = True
        if nodes > max_nodes or chars + nodes > max_chars:
            raise ExpressionError(f"The value is larger than {max_chars} characters; use a smaller part of it")
    return Size(nodes, moments)


def plain(value: Any) -> Any:
    """The value with its moments written as ISO 8601. Depth is bounded by the expression that built the value."""
    if isinstance(value, datetime):
        return value.isoformat()
    if is_list(value):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value
