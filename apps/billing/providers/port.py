"""What a payment provider does for us, whoever it is.

A provider answers with what it did, and the services write it down. What it does by itself later (a card was charged, a
subscription ended) it tells by events, which are read into the same `State` and `Bill`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from apps.billing.models import Plan, Subscription
from apps.billing.periods import Period


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an invoice; `amount` in the smallest unit of the currency, below zero for a credit."""

    description: str
    amount: int


@dataclass(frozen=True, slots=True)
class Charge:
    """To be put on an invoice of our own."""

    lines: tuple[Line, ...]
    period: Period


@dataclass(frozen=True, slots=True)
class State:
    """What a subscription is like now. `payment_info` None: nothing new is known. `said_at` None: we say so ourselves."""

    status: str
    plan: Plan
    period: Period | None
    anchor: datetime | None = None
    cancel_at_period_end: bool = False
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None
    provider_subscription_id: str = ""
    provider_customer_id: str = ""
    payment_info: Mapping[str, Any] | None = None
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice as the provider has it. Amounts in the smallest unit of the currency."""

    provider_invoice_id: str
    provider_subscription_id: str
    number: str
    status: str
    currency: str
    total: int
    amount_due: int
    amount_paid: int
    issued_at: datetime
    said_at: datetime
    lines: tuple[Line, ...] = ()
    period: Period | None = None
    due_at: datetime | None = None
    paid_at: datetime | None = None
    hosted_url: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an operation: the new state, if it is known already; what is to be paid here; where to pay there."""

    state: State | None = None
    charge: Charge | None = None
    checkout_id: str = ""
    checkout_url: str = ""
    provider_customer_id: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who subscribes. `provider_customer_id` is empty the first time."""

    organization_id: str
    name: str
    email: str
    provider_customer_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class PaymentProvider(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def collects(self) -> bool:
        """Whether it collects money by itself; otherwise invoices are made and renewed here."""

    def begin(self, *, subscription: Subscription, customer: Customer, now: datetime) -> Outcome: ...

    def change(self, *, subscription: Subscription, plan: Plan, now: datetime) -> Outcome: ...

    def cancel(self, *, subscription: Subscription, at_period_end: bool, now: datetime) -> Outcome: ...

    def resume(self, *, subscription: Subscription, now: datetime) -> Outcome: ...

    def abandon(self, *, subscription: Subscription) -> None:
        """A subscription that was begun is given up: it must not come to life any more."""

    def portal(self, *, customer_id: str) -> str:
        """Where an organization sees to its payment methods."""
