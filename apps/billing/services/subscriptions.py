"""Subscribing, changing, cancelling, resuming. The admins of an organization do so; staff confirms and records payments.

The provider is asked first and its answer written down. Were the transaction to fail after that, the provider's next event
brings the same: what it says is the truth of subscriptions that it collects for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, require
from apps.billing import queries
from apps.billing.errors import NoPortal, NoSubscription, NotWhileLikeThis, SubscriptionExists
from apps.billing.models import BillingCustomer, Plan, Subscription, SubscriptionStatus
from apps.billing.providers.port import Customer, Outcome, State
from apps.billing.providers.registry import provider
from apps.billing.services import invoices
from apps.billing.services.books import BOOKS
from apps.billing.services.locks import lock
from apps.core.tenancy import acting_as
from apps.core.trail import leave_trace

_OVER: Final = (SubscriptionStatus.CANCELLED, SubscriptionStatus.EXPIRED)


def subscribe(*, actor: User, organization: Organization, plan: Plan) -> Subscription:
    """Live at once, or to be paid at its `checkout_url`, or waiting for staff to approve it.

    One that was begun and not finished gives way to the new one; the same plan again leads to the same checkout.
    """
    now = timezone.now()
    with acting_as(actor.pk):
        require(actor=actor, organization=organization, action=Action.ADMINISTER)
        lock(BOOKS, organization.pk)
        present = queries.newest_subscription(organization.pk)
        if present is not None and present.is_live:
            raise SubscriptionExists
        if present is not None and present.status == SubscriptionStatus.INCOMPLETE:
            if present.plan_id == plan.pk and present.provider == settings.SYMPHONY_PAYMENTS:
                return present
            abandon(actor=actor, subscription=present, now=now)
        subscription = Subscription(
            organization=organization,
            plan=plan,
            provider=settings.SYMPHONY_PAYMENTS,
            fallback_tier=settings.SYMPHONY_DEFAULT_TIER,
            created_by=actor,
        )
        subscription.save(force_insert=True)
        customer = _customer(actor, organization, subscription.provider)
        outcome = provider(subscription.provider).begin(subscription=subscription, customer=customer, now=now)
        apply(actor=actor, subscription=subscription, outcome=outcome, now=now, action="subscription.begun")
    return subscription


def change_plan(*, actor: User, organization: Organization, plan: Plan) -> Subscription:
    """At once, up or down: unused time is credited, the rest of the period is charged."""
    with _live(actor, organization) as (subscription, now):
        if plan.pk == subscription.plan_id:
            return subscription
        check_change(subscription, plan)
        outcome = provider(subscription.provider).change(subscription=subscription, plan=plan, now=now)
        apply(actor=actor, subscription=subscription, outcome=outcome, now=now, action="subscription.plan_changed")
    return subscription


def check_change(subscription: Subscription, plan: Plan) -> None:
    if subscription.status != SubscriptionStatus.ACTIVE:
        raise NotWhileLikeThis("There is an unpaid invoice; pay it first, then change the plan.")
    if plan.currency != subscription.plan.currency:
        raise NotWhileLikeThis("Plans are changed within one currency; cancel this subscription and begin another.")


def cancel(*, actor: User, organization: Organization, at_period_end: bool = True) -> Subscription:
    """At the end of what is paid, or now. One that was only begun is given up."""
    now = timezone.now()
    with acting_as(actor.pk):
        require(actor=actor, organization=organization, action=Action.ADMINISTER)
        lock(BOOKS, organization.pk)
        subscription = _newest(organization)
        if subscription.status == SubscriptionStatus.INCOMPLETE:
            abandon(actor=actor, subscription=subscription, now=now)
            return subscription
        if not subscription.is_live:
            raise NotWhileLikeThis("The subscription is over already.")
        if at_period_end and subscription.cancel_at_period_end:
            return subscription
        asked = provider(subscription.provider)
        outcome = asked.cancel(subscription=subscription, at_period_end=at_period_end, now=now)
        apply(actor=actor, subscription=subscription, outcome=outcome, now=now, action="subscription.cancelled")
    return subscription


def resume(*, actor: User, organization: Organization) -> Subscription:
    """Take back a cancellation that has not come into force."""
    with _live(actor, organization) as (subscription, now):
        if not subscription.cancel_at_period_end:
            return subscription
        outcome = provider(subscription.provider).resume(subscription=subscription, now=now)
        apply(actor=actor, subscription=subscription, outcome=outcome, now=now, action="subscription.resumed")
    return subscription


def portal_url(*, actor: User, organization: Organization) -> str:
    with acting_as(actor.pk):
        require(actor=actor, organization=organization, action=Action.ADMINISTER)
        asked = provider()
        if not asked.collects:
            raise NoPortal
        customer = BillingCustomer.objects.filter(organization=organization, provider=asked.name).first()
        return asked.portal(customer_id=customer.provider_customer_id if customer else "")


def abandon(*, actor: User | None, subscription: Subscription, now: datetime) -> None:
    """One that was begun comes to nothing. For callers who hold the lock."""
    provider(subscription.provider).abandon(subscription=subscription)
    end(actor=actor, subscription=subscription, status=SubscriptionStatus.CANCELLED, at=now)


def end(*, actor: User | None, subscription: Subscription, status: SubscriptionStatus, at: datetime) -> None:
    """It is over; the organization falls back to what it has without. For callers who hold the lock."""
    before = _facts(subscription)
    subscription.status, subscription.ended_at = status, at
    subscription.fallback_tier = settings.SYMPHONY_DEFAULT_TIER
    subscription.save(update_fields=["status", "ended_at", "fallback_tier", "updated_at"])
    _trace(f"subscription.{status}", actor, subscription, before)


def apply(*, actor: User | None, subscription: Subscription, outcome: Outcome, now: datetime, action: str) -> None:
    """Write down what a provider did. For callers who hold the lock."""
    before = _facts(subscription)
    if outcome.state is not None:
        _take(subscription, outcome.state, now)
    if outcome.checkout_id:
        subscription.checkout_id, subscription.checkout_url = outcome.checkout_id, outcome.checkout_url
    subscription.save()
    customer_id = outcome.provider_customer_id or (outcome.state.provider_customer_id if outcome.state else "")
    if customer_id:
        BillingCustomer.objects.get_or_create(
            organization_id=subscription.organization_id,
            provider=subscription.provider,
            defaults={"provider_customer_id": customer_id},
        )
    _trace(action, actor, subscription, before)
    if outcome.charge is not None:
        invoices.issue(actor=actor, subscription=subscription, charge=outcome.charge, now=now)


def _take(subscription: Subscription, state: State, now: datetime) -> None:
    subscription.plan = state.plan
    subscription.status = state.status
    if state.period is not None:
        subscription.current_period_start, subscription.current_period_end = state.period.start, state.period.end
        subscription.anchor = state.anchor or subscription.anchor or state.period.start
    subscription.cancel_at_period_end = state.cancel_at_period_end
    subscription.cancelled_at = state.cancelled_at
    subscription.ended_at = state.ended_at
    if subscription.is_live:
        subscription.started_at = subscription.started_at or (state.period.start if state.period else now)
        subscription.checkout_url = ""
    if subscription.status in _OVER:
        subscription.fallback_tier = settings.SYMPHONY_DEFAULT_TIER
    if state.provider_subscription_id:
        subscription.provider_subscription_id = state.provider_subscription_id
    if state.payment_info is not None:
        subscription.payment_info = dict(state.payment_info)
    if state.said_at is not None:
        subscription.provider_seen_at = max(state.said_at, subscription.provider_seen_at or state.said_at)


@contextmanager
def _live(actor: User, organization: Organization) -> Iterator[tuple[Subscription, datetime]]:
    """The live subscription, for an admin who holds the lock."""
    with acting_as(actor.pk):
        require(actor=actor, organization=organization, action=Action.ADMINISTER)
        lock(BOOKS, organization.pk)
        subscription = _newest(organization)
        if not subscription.is_live:
            raise NotWhileLikeThis("There is no subscription that is live; begin one first.")
        yield subscription, timezone.now()


def _newest(organization: Organization) -> Subscription:
    found = queries.newest_subscription(organization.pk)
    if found is None:
        raise NoSubscription
    return found


def _customer(actor: User, organization: Organization, name: str) -> Customer:
    known = BillingCustomer.objects.filter(organization=organization, provider=name).first()
    return Customer(
        organization_id=str(organization.pk),
        name=organization.name,
        email=actor.email,
        provider_customer_id=known.provider_customer_id if known else "",
    )


def _facts(subscription: Subscription) -> dict[str, Any]:
    end = subscription.current_period_end
    return {
        "plan": str(subscription.plan),
        "status": str(subscription.status),
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "current_period_end": end.isoformat() if end else None,
    }


def _trace(action: str, actor: User | None, subscription: Subscription, before: dict[str, Any]) -> None:
    after = _facts(subscription)
    if after != before or actor is not None:
        leave_trace(
            action,
            actor=actor,
            organization=subscription.organization,
            target=subscription,
            before=before,
            after=after,
        )
