"""Changing plans in mid-period: fair, and no way to earn a cent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from apps.billing.periods import Period, nth_period
from apps.billing.proration import prorate, unused_share

PRICES = st.integers(0, 10**9)
ANCHORS = st.integers(0, (2100 - 2020) * 366 * 86400 * 1000).map(
    lambda milliseconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)


@st.composite
def periods(draw: st.DrawFn) -> Period:
    return nth_period(draw(ANCHORS), draw(st.sampled_from(["monthly", "yearly"])), draw(st.integers(0, 24)))


@st.composite
def moments(draw: st.DrawFn, period: Period) -> datetime:
    return period.start + draw(st.integers(0, 10**6)) * (period.length / 10**6)


def test_half_of_a_month_costs_half() -> None:
    period = Period(datetime(2030, 4, 1, tzinfo=UTC), datetime(2030, 5, 1, tzinfo=UTC))
    costs = prorate(old_price=1000, old_period=period, new_price=3000, at=datetime(2030, 4, 16, tzinfo=UTC))
    assert (costs.credit, costs.charge, costs.net, costs.period) == (500, 1500, 1000, period)


def test_from_monthly_to_yearly_a_whole_year_begins() -> None:
    period = Period(datetime(2032, 2, 1, tzinfo=UTC), datetime(2032, 3, 1, tzinfo=UTC))
    at = datetime(2032, 2, 29, tzinfo=UTC)
    costs = prorate(old_price=2900, old_period=period, new_price=30000, at=at, new_billing_period="yearly")
    assert (costs.credit, costs.charge) == (100, 30000)
    assert costs.period == Period(at, datetime(2033, 2, 28, tzinfo=UTC))


@given(data=st.data(), period=periods(), old=PRICES, new=PRICES)
def test_neither_half_is_below_zero_or_above_its_price(data: st.DataObject, period: Period, old: int, new: int) -> None:
    costs = prorate(old_price=old, old_period=period, new_price=new, at=data.draw(moments(period)))
    assert 0 <= costs.credit <= old
    assert 0 <= costs.charge <= new
    assert -old <= costs.net <= new


@given(data=st.data(), period=periods(), old=PRICES, new=PRICES)
def test_a_change_that_is_taken_back_at_once_costs_nothing(
    data: st.DataObject, period: Period, old: int, new: int
) -> None:
    at = data.draw(moments(period))
    up = prorate(old_price=old, old_period=period, new_price=new, at=at)
    back = prorate(old_price=new, old_period=up.period, new_price=old, at=at)
    assert up.net + back.net == 0


@given(data=st.data(), period=periods(), prices=st.lists(PRICES, min_size=2, max_size=6))
def test_no_chain_of_changes_at_one_moment_earns_anything(
    data: st.DataObject, period: Period, prices: list[int]
) -> None:
    at = data.draw(moments(period))
    around = [*prices, prices[0]]
    nets = [prorate(old_price=old, old_period=period, new_price=new, at=at).net for old, new in pairwise(around)]
    assert sum(nets) == 0


@given(data=st.data(), period=periods(), old=PRICES, new=PRICES)
def test_an_upgrade_costs_the_less_the_later_it_comes(data: st.DataObject, period: Period, old: int, new: int) -> None:
    early, late = sorted((data.draw(moments(period)), data.draw(moments(period))))
    low, high = sorted((old, new))
    net = [prorate(old_price=low, old_period=period, new_price=high, at=at).net for at in (early, late)]
    # Each half is rounded down by itself.
    assert net[1] <= net[0] + 1
    assert net[1] >= -1


@given(data=st.data(), period=periods(), price=PRICES)
def test_what_is_used_and_what_is_left_make_the_price(data: st.DataObject, period: Period, price: int) -> None:
    at = data.draw(moments(period))
    used = price - unused_share(price, period, at)
    assert 0 <= used <= price
    assert unused_share(price, period, period.start) == price
    assert unused_share(price, period, period.end) == 0
    assert unused_share(price, period, period.end + timedelta(days=1)) == 0
    assert unused_share(price, period, period.start - timedelta(days=1)) == price


@given(period=periods(), old=PRICES, new=PRICES)
def test_a_change_of_rhythm_charges_the_whole_and_credits_the_rest(period: Period, old: int, new: int) -> None:
    costs = prorate(old_price=old, old_period=period, new_price=new, at=period.start, new_billing_period="yearly")
    assert (costs.credit, costs.charge, costs.period.start) == (old, new, period.start)
