"""Functions on moments and spans of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from apps.melodies.definition.expressions import operators
from apps.melodies.definition.expressions.function_table import function, number_of
from apps.melodies.definition.expressions.limits import Budget
from apps.melodies.definition.expressions.values import Impossible, moment

_PARTS: Final = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_PART = re.compile("|".join(_PARTS))
_LONGEST_FORMAT = 100


@function("now()", 0)
def _now(budget: Budget) -> datetime:
    return datetime.now(UTC)


@function("date('2026-01-31')", 1, 2)
def _date(budget: Budget, value: Any, form: Any = None) -> Any:
    """The moment of an ISO 8601 text; with a form like 'YYYY-MM-DD', that moment as text. A form alone means now."""
    if value is None:
        return None
    if form is None and isinstance(value, str) and "YY" in value:
        value, form = datetime.now(UTC), value
    found = moment(value)
    if found is None:
        return Impossible("date('2026-01-31') needs an ISO 8601 date, or a form like 'YYYY-MM-DD' for today's")
    return found if form is None else _written(found, form)


def _written(when: datetime, form: Any) -> Any:
    if not isinstance(form, str) or len(form) > _LONGEST_FORMAT:
        return Impossible("date(value, 'YYYY-MM-DD') needs a short text of YYYY MM DD HH mm ss as its form")
    return _PART.sub(lambda found: _part(when, found.group()), form)


def _part(when: datetime, name: str) -> str:
    """Years are always written with four digits."""
    return f"{when.year:04}" if name == "YYYY" else when.strftime(_PARTS[name])


def _seconds(usage: str, factor: int) -> None:
    @function(usage, 1)
    def run(budget: Budget, amount: Any) -> Any:
        return operators.multiply(number_of(amount), factor, budget)


_seconds("days(n)", 86_400)
_seconds("hours(n)", 3_600)
_seconds("minutes(n)", 60)
_seconds("seconds(n)", 1)
