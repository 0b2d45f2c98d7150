from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.billing.money import to_decimal, to_minor, written


@given(st.integers(-(10**12), 10**12), st.sampled_from(["usd", "eur", "jpy", "kwd"]))
def test_there_and_back(minor: int, currency: str) -> None:
    assert to_minor(to_decimal(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"), [("12.34", "usd", 1234), ("500", "jpy", 500), ("1.234", "kwd", 1234)]
)
def test_each_currency_has_its_own_smallest_unit(amount: str, currency: str, minor: int) -> None:
    assert to_minor(Decimal(amount), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"), [("0.001", "usd"), ("0.5", "jpy"), ("NaN", "usd"), ("Infinity", "usd")]
)
def test_what_there_are_no_coins_for_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        to_minor(Decimal(amount), currency)


def test_how_people_read_it() -> None:
    assert (written(-123456, "usd"), written(1500, "jpy")) == ("-1,234.56 USD", "1,500 JPY")
