"""What a change of plan in mid-period costs. Pure; amounts are in the smallest unit of the currency (cents).

Both halves use one rounding: the share of a price that is left. So a change that is taken back at the same moment costs
nothing, and no chain of changes earns a cent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from apps.billing.periods import Period, nth_period

_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Proration:
    """`credit` for the unused time of the old plan, `charge` for the new one, and the period the charge pays up to its end."""

    credit: int
    charge: int
    period: Period

    @property
    def net(self) -> int:
        """Above zero: to be paid. Below: goes to the credit of the organization."""
        return self.charge - self.credit


def unused_share(price: int, period: Period, at: datetime) -> int:
    """The part of a period's price that belongs to the time after `at`, rounded down."""
    return price * (period.remaining(at) // _TICK) // (period.length // _TICK)


def prorate(
    *, old_price: int, old_period: Period, new_price: int, at: datetime, new_billing_period: str | None = None
) -> Proration:
    """Change a plan at `at`.

    Without `new_billing_period` both plans are billed in the same rhythm: the period goes on, and the rest of it is
    charged. With it (from monthly to yearly, say) a whole new period begins at `at`.
    """
    credit = unused_share(old_price, old_period, at)
    if new_billing_period is None:
        return Proration(credit, unused_share(new_price, old_period, at), old_period)
    return Proration(credit, new_price, nth_period(at, new_billing_period, 0))
