"""Amounts of money: whole numbers of the currency's smallest unit, and how people read and write them. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

LARGEST: Final = 10**12
"""In the smallest unit; nothing here costs ten thousand million."""
_DIGITS: Final = {
    **dict.fromkeys(
        [
            "bif",
            "clp",
            "djf",
            "gnf",
            "jpy",
            "kmf",
            "krw",
            "mga",
            "pyg",
            "rwf",
            "ugx",
            "vnd",
            "vuv",
            "xaf",
            "xof",
            "xpf",
        ],
        0,
    ),
    **dict.fromkeys(["bhd", "jod", "kwd", "omr", "tnd"], 3),
}


def digits(currency: str) -> int:
    """How many digits behind the point an amount of this currency (ISO 4217, lower case) has."""
    return _DIGITS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """12.34 usd -> 1234. Raises ValueError for what the currency has no coins for."""
    if not amount.is_finite():
        raise ValueError("An amount is a number.")
    scaled = amount.scaleb(digits(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"An amount in {currency.upper()} has at most {digits(currency)} digits behind the point.")
    return int(scaled)


def to_decimal(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-digits(currency))


def written(minor: int, currency: str) -> str:
    """1234 usd -> "12.34 USD"."""
    return f"{to_decimal(minor, currency):,f} {currency.upper()}"
