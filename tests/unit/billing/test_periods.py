"""Periods: no gap, no overlap, no drift, wherever the clock hangs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.billing.periods import Period, add_months, nth_period, period_after, period_at

RHYTHMS = st.sampled_from(["monthly", "yearly"])
MOMENTS = st.integers(0, (2200 - 2000) * 366 * 86400 * 1000).map(
    lambda milliseconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)
ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))


@pytest.mark.parametrize(
    ("anchor", "ends"),
    [
        ("2031-01-31", ["2031-02-28", "2031-03-31", "2031-04-30", "2031-05-31"]),
        ("2032-01-30", ["2032-02-29", "2032-03-30"]),
        ("2031-12-15", ["2032-01-15"]),
    ],
)
def test_a_subscription_of_the_31st_returns_to_the_31st(anchor: str, ends: list[str]) -> None:
    start = datetime.fromisoformat(anchor).replace(tzinfo=UTC)
    assert [nth_period(start, "monthly", n).end.date().isoformat() for n in range(len(ends))] == ends


def test_a_year_from_a_leap_day_ends_on_the_28th_and_finds_back() -> None:
    leap_day = datetime(2032, 2, 29, 12, tzinfo=UTC)
    assert [nth_period(leap_day, "yearly", n).end.isoformat()[:10] for n in range(4)] == [
        "2033-02-28", "2034-02-28", "2035-02-28", "2036-02-29",
    ]  # fmt: skip


@given(anchor=MOMENTS, rhythm=RHYTHMS, number=st.integers(0, 300))
def test_periods_follow_each_other_without_gap_or_overlap(anchor: datetime, rhythm: str, number: int) -> None:
    period = nth_period(anchor, rhythm, number)
    assert period.end == nth_period(anchor, rhythm, number + 1).start
    assert period_after(anchor, rhythm, period) == nth_period(anchor, rhythm, number + 1)
    assert timedelta(days=28 if rhythm == "monthly" else 365) <= period.length + timedelta(days=3)
    assert period.length <= timedelta(days=31 if rhythm == "monthly" else 369)


@given(anchor=MOMENTS, rhythm=RHYTHMS, seconds=st.integers(0, 10**9))
def test_every_moment_lies_in_the_period_that_is_found_for_it(anchor: datetime, rhythm: str, seconds: int) -> None:
    moment = anchor + timedelta(seconds=seconds)
    assert moment in period_at(anchor, rhythm, moment)


@given(anchor=MOMENTS, rhythm=RHYTHMS, seconds=st.integers(0, 10**8), here=ZONES, there=ZONES)
def test_a_moment_has_the_same_period_in_every_time_zone(
    anchor: datetime, rhythm: str, seconds: int, here: timezone, there: timezone
) -> None:
    moment = anchor + timedelta(seconds=seconds)
    assert period_at(anchor.astimezone(here), rhythm, moment.astimezone(there)) == period_at(anchor, rhythm, moment)


@given(anchor=MOMENTS, months=st.integers(0, 1200))
def test_only_the_day_may_be_shortened(anchor: datetime, months: int) -> None:
    later = add_months(anchor, months)
    assert (later.year * 12 + later.month) - (anchor.year * 12 + anchor.month) == months
    assert anchor.day - 3 <= later.day <= anchor.day
    assert later.timetz() == anchor.timetz()


def test_a_period_has_a_length() -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="ends after it starts"):
        Period(now, now)
