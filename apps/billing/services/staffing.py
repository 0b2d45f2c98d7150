"""What staff does about subscriptions: approve, record payments, end. Call it within the staff scope."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.errors import invalid
from apps.accounts.models import User
from apps.billing import money
from apps.billing.errors import NotWhileLikeThis
from apps.billing.models import Invoice, InvoiceStatus, Payment, Subscription, SubscriptionStatus
from apps.billing.providers.manual import activated, renewed
from apps.billing.providers.registry import provider
from apps.billing.services import invoices
from apps.billing.services.books import BOOKS
from apps.billing.services.locks import lock
from apps.billing.services.subscriptions import abandon, apply
from apps.core.errors import Forbidden


def approve(*, actor: User, subscription: Subscription) -> Subscription:
    """A subscription that is paid by hand begins now, with an invoice to be paid within the days of grace."""
    with transaction.atomic():
        fresh = _locked(actor, subscription)
        if fresh.status != SubscriptionStatus.INCOMPLETE:
            raise NotWhileLikeThis("Only a subscription that waits for it can be approved.")
        now = timezone.now()
        apply(actor=actor, subscription=fresh, outcome=activated(fresh, now), now=now, action="subscription.approved")
    return fresh


def record_payment(
    *,
    actor: User,
    subscription: Subscription,
    amount: Decimal | None = None,
    method: str = "",
    reference: str = "",
) -> Payment:
    """Money came in by hand: for the oldest unpaid invoice, all of it unless an `amount` is given.

    One that waits for approval is approved by it. Where everything is paid, it pays the next period ahead.
    """
    with transaction.atomic():
        fresh, now = _locked(actor, subscription), timezone.now()
        if fresh.status == SubscriptionStatus.INCOMPLETE:
            apply(
                actor=actor, subscription=fresh, outcome=activated(fresh, now), now=now, action="subscription.approved"
            )
        invoice = _unpaid(fresh) or _next_invoice(actor, fresh, now)
        minor = invoice.outstanding if amount is None else _minor(amount, invoice.currency)
        if not 0 < minor <= invoice.outstanding:
            left = money.written(invoice.outstanding, invoice.currency)
            raise invalid("/amount", "amount", f"Of invoice {invoice.number} {left} is left to pay.")
        payment = invoices.pay(
            actor=actor, invoice=invoice, amount=minor, now=now, method=method or "manual", reference=reference
        )
        if fresh.status == SubscriptionStatus.PAST_DUE and not _is_behind(fresh, now):
            fresh.status = SubscriptionStatus.ACTIVE
            fresh.save(update_fields=["status", "updated_at"])
    return payment


def end_now(*, actor: User, subscription: Subscription, at_period_end: bool = False) -> Subscription:
    """Staff cancels, whoever collects."""
    with transaction.atomic():
        if not actor.is_staff:
            raise Forbidden
        lock(BOOKS, subscription.organization_id)
        fresh, now = _fresh(subscription), timezone.now()
        if fresh.status == SubscriptionStatus.INCOMPLETE:
            abandon(actor=actor, subscription=fresh, now=now)
        elif fresh.is_live:
            outcome = provider(fresh.provider).cancel(subscription=fresh, at_period_end=at_period_end, now=now)
            apply(actor=actor, subscription=fresh, outcome=outcome, now=now, action="subscription.cancelled")
        else:
            raise NotWhileLikeThis("The subscription is over already.")
    return fresh


def _locked(actor: User, subscription: Subscription) -> Subscription:
    """The subscription as it is now, if it is one that staff keeps."""
    if not actor.is_staff:
        raise Forbidden
    lock(BOOKS, subscription.organization_id)
    fresh = _fresh(subscription)
    if provider(fresh.provider).collects:
        raise NotWhileLikeThis("The payment provider collects for this subscription, and tells us what was paid.")
    return fresh


def _fresh(subscription: Subscription) -> Subscription:
    return Subscription.objects.select_related("plan", "organization").get(pk=subscription.pk)


def _unpaid(subscription: Subscription) -> Invoice | None:
    return subscription.invoices.filter(status=InvoiceStatus.OPEN).order_by("issued_at", "id").first()


def _is_behind(subscription: Subscription, now: datetime) -> bool:
    return subscription.invoices.filter(status=InvoiceStatus.OPEN, due_at__lte=now).exists()


def _next_invoice(actor: User, subscription: Subscription, now: datetime) -> Invoice:
    ahead = now + timedelta(days=max(settings.SYMPHONY_BILLING_GRACE_DAYS, 31))
    end = subscription.current_period_end
    if not subscription.is_live or not subscription.plan.price_minor or end is None or end > ahead:
        raise NotWhileLikeThis("There is no invoice to pay.")
    outcome = renewed(subscription)
    apply(actor=actor, subscription=subscription, outcome=outcome, now=now, action="subscription.renewed")
    invoice = _unpaid(subscription)
    if invoice is None:
        raise NotWhileLikeThis("Credit has paid the next period already.")
    return invoice


def _minor(amount: Decimal, currency: str) -> int:
    try:
        return money.to_minor(amount, currency)
    except ValueError as error:
        raise invalid("/amount", "amount", str(error)) from None
