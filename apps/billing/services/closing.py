"""When an organization closes or a person goes: nobody is charged any more, and what must be kept says nobody's name."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from apps.billing.models import Invoice, Payment, Subscription, SubscriptionStatus
from apps.billing.providers.registry import provider
from apps.billing.services.books import BOOKS
from apps.billing.services.locks import lock
from apps.billing.services.subscriptions import abandon, apply
from apps.core.tenancy import staff


def end_subscriptions(*, organization_id: UUID) -> None:
    """At once, at the provider too."""
    with staff():
        lock(BOOKS, organization_id)
        now = timezone.now()
        rows = Subscription.objects.filter(organization_id=organization_id, ended_at=None)
        for subscription in rows.select_related("plan", "organization"):
            if subscription.status == SubscriptionStatus.INCOMPLETE:
                abandon(actor=None, subscription=subscription, now=now)
                continue
            asked = provider(subscription.provider)
            outcome = asked.cancel(subscription=subscription, at_period_end=False, now=now)
            apply(actor=None, subscription=subscription, outcome=outcome, now=now, action="subscription.cancelled")


def forget_person(*, user_id: UUID) -> None:
    with staff():
        Subscription.objects.filter(created_by_id=user_id).update(created_by=None)
        Payment.objects.filter(recorded_by_id=user_id).update(recorded_by=None)


def keeps_books(*, organization_id: UUID) -> bool:
    with staff():
        return Invoice.objects.filter(organization_id=organization_id).exists()
