"""What becomes of a subscription as time passes. Pure.

A subscription that is paid by hand goes on by itself: a new period begins with an invoice, to be paid within the days of
grace. One that stays unpaid is past due for as many days again, with everything still working, and then expires.
One that a provider collects for is left to the provider, until it has said nothing for the days of grace.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Step = Literal["cancel", "renew", "past_due", "expire"]


@dataclass(frozen=True, slots=True)
class Facts:
    """`unpaid_since`: when the oldest unpaid invoice was due, None without one."""

    status: str
    collected_by_provider: bool
    period_end: datetime
    cancel_at_period_end: bool
    unpaid_since: datetime | None = None


def next_step(facts: Facts, *, now: datetime, grace: timedelta) -> Step | None:
    """The one thing to be done now, if any; ask again after it was done."""
    if facts.collected_by_provider:
        if now < facts.period_end + grace:
            return None
        return "cancel" if facts.cancel_at_period_end else "expire"
    if facts.unpaid_since is not None and now >= facts.unpaid_since + grace:
        return "expire"
    if now >= facts.period_end:
        return "cancel" if facts.cancel_at_period_end else "renew"
    if facts.unpaid_since is not None and now >= facts.unpaid_since and facts.status == "active":
        return "past_due"
    return None
