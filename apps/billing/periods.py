"""Periods of subscriptions. Pure.

Every period is counted from one anchor, so that a subscription of the 31st ends on the last day of short months and on the
31st again afterwards. All of it is in UTC: a moment has the same period wherever it is told.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

MONTHS: Final = {"monthly": 1, "yearly": 12}


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to, and without, `end`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError("A period ends after it starts.")

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def remaining(self, at: datetime) -> timedelta:
        """What of it is left: all of it before its start, nothing after its end."""
        return self.end - min(max(at, self.start), self.end)

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


def add_months(anchor: datetime, months: int) -> datetime:
    """The same day and time so many months on, or the last day of a month that is too short."""
    anchor = anchor.astimezone(UTC)
    count = anchor.year * 12 + (anchor.month - 1) + months
    year, month = count // 12, count % 12 + 1
    return anchor.replace(year=year, month=month, day=min(anchor.day, calendar.monthrange(year, month)[1]))


def nth_period(anchor: datetime, billing_period: str, number: int) -> Period:
    """The period with this number, 0 for the one that starts at the anchor."""
    months = MONTHS[billing_period]
    return Period(add_months(anchor, number * months), add_months(anchor, (number + 1) * months))


def period_at(anchor: datetime, billing_period: str, at: datetime) -> Period:
    """The period that `at` lies in; `at` is not before the anchor."""
    anchor, at = anchor.astimezone(UTC), at.astimezone(UTC)
    months = (at.year - anchor.year) * 12 + at.month - anchor.month
    number = max(months // MONTHS[billing_period], 0)
    while number > 0 and nth_period(anchor, billing_period, number).start > at:
        number -= 1
    while nth_period(anchor, billing_period, number).end <= at:
        number += 1
    return nth_period(anchor, billing_period, number)


def period_after(anchor: datetime, billing_period: str, period: Period) -> Period:
    return period_at(anchor, billing_period, period.end)
