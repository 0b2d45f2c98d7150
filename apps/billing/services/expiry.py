"""What time does to subscriptions. For the sweep, any number of them."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from apps.billing.lifecycle import Facts, Step, next_step
from apps.billing.models import LIVE, InvoiceStatus, Subscription, SubscriptionStatus
from apps.billing.providers.manual import renewed
from apps.billing.services import invoices
from apps.billing.services.books import BOOKS
from apps.billing.services.locks import try_lock
from apps.billing.services.subscriptions import apply, end
from apps.core.tenancy import sweeping

logger = logging.getLogger(__name__)

MOST_STEPS = 24
"""Of one subscription in one pass: after a long stop, the rest waits for the next."""
CHECKOUT_LASTS = timedelta(hours=25)
"""A checkout that was not paid cannot be paid any more."""


def expire_due(*, limit: int = 100, now: datetime | None = None) -> int:
    """Renew, mark as past due, end or expire whatever is due. Returns how many subscriptions it changed.

    Each in a transaction of its own, and by one sweep: who finds another at work on an organization leaves it to them.
    """
    at = now or timezone.now()
    with sweeping():
        due = list(_due(at)[:limit])
    return sum(_tend(pk, organization_id, at) for pk, organization_id in due)


def _due(now: datetime) -> list[tuple[UUID, UUID]]:
    grace = timedelta(days=settings.SYMPHONY_BILLING_GRACE_DAYS)
    by_hand = Q(provider="manual")
    waits = Q(invoices__status=InvoiceStatus.OPEN)
    due = (
        Q(status__in=LIVE, current_period_end__lte=now) & by_hand
        | Q(status__in=LIVE, current_period_end__lte=now - grace) & ~by_hand
        | Q(status=SubscriptionStatus.ACTIVE, invoices__due_at__lte=now) & by_hand & waits
        | Q(status=SubscriptionStatus.PAST_DUE, invoices__due_at__lte=now - grace) & by_hand & waits
        | Q(status=SubscriptionStatus.INCOMPLETE, created_at__lte=now - CHECKOUT_LASTS) & ~by_hand
    )
    return Subscription.objects.filter(due).order_by("pk").values_list("pk", "organization_id").distinct()  # type: ignore[return-value]  # rows of two


def _tend(pk: UUID, organization_id: UUID, now: datetime) -> bool:
    with transaction.atomic(), sweeping():
        if not try_lock(BOOKS, organization_id):
            return False
        subscription = Subscription.objects.select_related("plan", "organization").get(pk=pk)
        if subscription.status == SubscriptionStatus.INCOMPLETE:
            if subscription.provider != "manual" and subscription.created_at <= now - CHECKOUT_LASTS:
                end(actor=None, subscription=subscription, status=SubscriptionStatus.CANCELLED, at=now)
                return True
            return False
        steps = 0
        while steps < MOST_STEPS and (step := _step(subscription, now)) is not None:
            _do(step, subscription, now)
            steps += 1
    return steps > 0


def _step(subscription: Subscription, now: datetime) -> Step | None:
    if not subscription.is_live or subscription.current_period_end is None:
        return None
    open_invoices = subscription.invoices.filter(status=InvoiceStatus.OPEN)
    facts = Facts(
        status=subscription.status,
        collected_by_provider=subscription.provider != "manual",
        period_end=subscription.current_period_end,
        cancel_at_period_end=subscription.cancel_at_period_end,
        unpaid_since=open_invoices.aggregate(first=Min("due_at"))["first"],
    )
    return next_step(facts, now=now, grace=timedelta(days=settings.SYMPHONY_BILLING_GRACE_DAYS))


def _do(step: Step, subscription: Subscription, now: datetime) -> None:
    logger.info("subscription %s: %s", subscription.pk, step)
    match step:
        case "renew":
            action = "subscription.renewed"
            apply(actor=None, subscription=subscription, outcome=renewed(subscription), now=now, action=action)
        case "past_due":
            subscription.status = SubscriptionStatus.PAST_DUE
            subscription.save(update_fields=["status", "updated_at"])
        case "cancel":
            at = subscription.current_period_end or now
            end(actor=None, subscription=subscription, status=SubscriptionStatus.CANCELLED, at=at)
        case "expire":
            end(actor=None, subscription=subscription, status=SubscriptionStatus.EXPIRED, at=now)
            for invoice in subscription.invoices.filter(status=InvoiceStatus.OPEN, provider="manual"):
                invoices.close(actor=None, invoice=invoice, status=InvoiceStatus.UNCOLLECTIBLE)
