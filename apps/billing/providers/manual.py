"""The provider of those who take money by other ways, or none: staff confirms, and records what was paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from django.conf import settings

from apps.billing.errors import NoPortal
from apps.billing.models import Plan, Subscription, SubscriptionStatus
from apps.billing.periods import nth_period, period_after
from apps.billing.proration import prorate
from apps.billing.providers.port import Charge, Customer, Line, Outcome, State


class ManualProvider:
    name: Final = "manual"
    collects: Final = False

    def begin(self, *, subscription: Subscription, customer: Customer, now: datetime) -> Outcome:
        if settings.SYMPHONY_BILLING_APPROVAL and subscription.plan.price_minor:
            return Outcome()
        return activated(subscription, now)

    def change(self, *, subscription: Subscription, plan: Plan, now: datetime) -> Outcome:
        old, period = subscription.plan, subscription.period
        if period is None:
            raise ValueError("Only a subscription with a period can change its plan.")
        rhythm = None if plan.billing_period == old.billing_period else plan.billing_period
        costs = prorate(
            old_price=old.price_minor,
            old_period=period,
            new_price=plan.price_minor,
            at=now,
            new_billing_period=rhythm,
        )
        lines = (
            Line(f"Unused time of {old.name}", -costs.credit),
            Line(f"{plan.name} until {costs.period.end:%Y-%m-%d}", costs.charge),
        )
        state = replace(
            state_of(subscription),
            plan=plan,
            period=costs.period,
            anchor=subscription.anchor if rhythm is None else now,
        )
        return Outcome(state, Charge(tuple(line for line in lines if line.amount), costs.period))

    def cancel(self, *, subscription: Subscription, at_period_end: bool, now: datetime) -> Outcome:
        state = replace(state_of(subscription), cancelled_at=now)
        if at_period_end:
            return Outcome(replace(state, cancel_at_period_end=True))
        return Outcome(replace(state, status=SubscriptionStatus.CANCELLED, ended_at=now))

    def resume(self, *, subscription: Subscription, now: datetime) -> Outcome:
        return Outcome(replace(state_of(subscription), cancel_at_period_end=False, cancelled_at=None))

    def abandon(self, *, subscription: Subscription) -> None:
        """Nobody else knows of it."""

    def portal(self, *, customer_id: str) -> str:
        raise NoPortal


def activated(subscription: Subscription, now: datetime) -> Outcome:
    """The first period, from now on, and what it costs."""
    plan, period = subscription.plan, nth_period(now, subscription.plan.billing_period, 0)
    state = replace(state_of(subscription), status=SubscriptionStatus.ACTIVE, period=period, anchor=now)
    return Outcome(state, Charge(_price_of(plan), period))


def renewed(subscription: Subscription) -> Outcome:
    """The period after the present one."""
    if subscription.anchor is None or subscription.period is None:
        raise ValueError("Only a subscription with a period is renewed.")
    plan = subscription.plan
    period = period_after(subscription.anchor, plan.billing_period, subscription.period)
    return Outcome(replace(state_of(subscription), period=period), Charge(_price_of(plan), period))


def state_of(subscription: Subscription) -> State:
    return State(
        status=subscription.status,
        plan=subscription.plan,
        period=subscription.period,
        anchor=subscription.anchor,
        cancel_at_period_end=subscription.cancel_at_period_end,
        cancelled_at=subscription.cancelled_at,
        ended_at=subscription.ended_at,
    )


def _price_of(plan: Plan) -> tuple[Line, ...]:
    return (Line(f"{plan.name} ({plan.billing_period})", plan.price_minor),) if plan.price_minor else ()
