"""What a payment provider tells: stored first, then acted upon, so that nothing between the two can lose it.

Events come twice, late, and in any order. Each is stored once. One that is not clearly newer than what is known of its
object is no more than a hint: the object is then fetched as it is now.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from apps.billing.errors import NotWhileLikeThis, ProviderUnavailable
from apps.billing.models import (
    LIVE,
    Invoice,
    Plan,
    Subscription,
    SubscriptionStatus,
    WebhookEvent,
    WebhookState,
)
from apps.billing.providers import stripe_reading as reading
from apps.billing.providers.port import Outcome
from apps.billing.providers.stripe_adapter import StripeProvider
from apps.billing.services import invoices
from apps.billing.services.books import BOOKS
from apps.billing.services.locks import lock
from apps.billing.services.subscriptions import apply, end
from apps.core.errors import SymphonyError
from apps.core.tenancy import staff

logger = logging.getLogger(__name__)

CLOCKS_DIFFER: Final = timedelta(seconds=10)
"""By so much our clock may be behind the provider's."""
_HIDDEN: Final = frozenset({"client_secret"})
_SETTLED: Final = (WebhookState.DONE, WebhookState.IGNORED)


def store(
    *, provider: str, event_id: str, kind: str, happened_at: datetime, payload: Mapping[str, Any]
) -> WebhookEvent:
    """Keep it, in a transaction of its own; the same event again is the same row."""
    with transaction.atomic(), staff():
        fresh = WebhookEvent(
            provider=provider,
            provider_event_id=event_id[:255],
            kind=kind[:100],
            happened_at=happened_at,
            payload=_without_secrets(payload),
        )
        WebhookEvent.objects.bulk_create([fresh], ignore_conflicts=True)
        stored = WebhookEvent.objects.get(provider=provider, provider_event_id=event_id[:255])
        if stored.pk != fresh.pk:
            WebhookEvent.objects.filter(pk=stored.pk).update(deliveries=F("deliveries") + 1)
    return stored


def process(event: WebhookEvent, *, again: bool = False) -> WebhookState:
    """Act upon a stored event, once; `again` also where it failed. Raises `ProviderUnavailable` where it is to be tried later."""
    try:
        with transaction.atomic(), staff():
            row = WebhookEvent.objects.select_for_update().get(pk=event.pk)
            if row.state in _SETTLED or (row.state == WebhookState.FAILED and not again):
                return WebhookState(row.state)
            note = _act(row)
            state = WebhookState.IGNORED if note else WebhookState.DONE
            _note(row, state, note)
            return state
    except ProviderUnavailable as error:
        _note_apart(event, WebhookState.WAITING, error.detail)
        raise
    except SymphonyError as error:
        _note_apart(event, WebhookState.FAILED, error.detail)
    except Exception as error:
        # Whatever it was, the event is kept, and somebody finds it in the admin.
        logger.exception("Event %s of %s could not be processed", event.provider_event_id, event.provider)
        _note_apart(event, WebhookState.FAILED, f"{type(error).__name__}; the log says more.")
    return WebhookState.FAILED


def process_waiting(*, limit: int = 500, failed_too: bool = False) -> dict[WebhookState, int]:
    """What was stored and not settled, oldest first. How many came to which end."""
    states = [WebhookState.WAITING, *([WebhookState.FAILED] if failed_too else [])]
    with staff():
        waiting = list(WebhookEvent.objects.filter(state__in=states).order_by("happened_at", "id")[:limit])
    ends: dict[WebhookState, int] = {}
    for event in waiting:
        try:
            state = process(event, again=failed_too)
        except ProviderUnavailable:
            state = WebhookState.WAITING
        ends[state] = ends.get(state, 0) + 1
    return ends


def _act(event: WebhookEvent) -> str:
    """What was done is "", what was not is the reason."""
    wire = event.payload.get("data", {}).get("object")
    if not isinstance(wire, Mapping):
        return "It tells of nothing."
    match event.kind.split("."):
        case ["checkout", "session", "completed" | "async_payment_succeeded"]:
            return _checkout_completed(wire)
        case ["checkout", "session", "expired"]:
            return _checkout_expired(wire)
        case ["customer", "subscription", *_]:
            return _subscription_told(wire, event.happened_at)
        case ["invoice", *_]:
            return _invoice_told(wire, event.happened_at)
    return "Nothing here listens to this kind of event."


def _checkout_completed(session: Mapping[str, Any]) -> str:
    subscription_id = reading.identifier(session.get("subscription"))
    if not subscription_id:
        return "A checkout that is not of a subscription."
    return _subscription_now(subscription_id)


def _checkout_expired(session: Mapping[str, Any]) -> str:
    checkout_id = reading.identifier(session)
    begun = Subscription.objects.filter(checkout_id=checkout_id, status=SubscriptionStatus.INCOMPLETE).first()
    if begun is None:
        return "No subscription waits for this checkout."
    lock(BOOKS, begun.organization_id)
    begun = _fresh(begun)
    if begun.status == SubscriptionStatus.INCOMPLETE:
        end(actor=None, subscription=begun, status=SubscriptionStatus.CANCELLED, at=timezone.now())
    return ""


def _subscription_told(wire: Mapping[str, Any], happened_at: datetime) -> str:
    known = _ours(wire)
    if known is None:
        return "Not a subscription of ours."
    lock(BOOKS, known.organization_id)
    subscription = _fresh(known)
    if not _is_news(happened_at, subscription.provider_seen_at):
        wire, happened_at = StripeProvider.configured().subscription(reading.identifier(wire)), datetime.now(UTC)
    _write(subscription, wire, happened_at)
    return ""


def _subscription_now(subscription_id: str) -> str:
    """Fetch it as it is and write that down."""
    wire = StripeProvider.configured().subscription(subscription_id)
    known = _ours(wire)
    if known is None:
        return "Not a subscription of ours."
    lock(BOOKS, known.organization_id)
    _write(_fresh(known), wire, datetime.now(UTC))
    return ""


def _write(subscription: Subscription, wire: Mapping[str, Any], said_at: datetime) -> None:
    price = reading.price_id(wire)
    plan = Plan.objects.filter(provider_price_ids__stripe=price).first() if price else None
    if plan is None:
        raise NotWhileLikeThis(f"No plan has the price {price or '(none)'}: name it in provider_price_ids of one.")
    state = reading.state(wire, plan, said_at)
    others = Subscription.objects.filter(organization_id=subscription.organization_id).exclude(pk=subscription.pk)
    if state.status in LIVE and others.filter(status__in=LIVE).exists():
        raise NotWhileLikeThis("The organization has another live subscription: cancel one of them at the provider.")
    if state.status == SubscriptionStatus.INCOMPLETE and subscription.status in LIVE:
        return
    apply(
        actor=None,
        subscription=subscription,
        outcome=Outcome(state),
        now=said_at,
        action="subscription.provider_changed",
    )


def _invoice_told(wire: Mapping[str, Any], happened_at: datetime) -> str:
    subscription_id = reading.subscription_of_invoice(wire)
    if not subscription_id:
        return "An invoice without a subscription."
    known = _by_provider_id(subscription_id)
    if known is None:
        # It overtook the event that tells whose subscription this is.
        if reason := _subscription_now(subscription_id):
            return reason
        known = Subscription.objects.get(provider=StripeProvider.name, provider_subscription_id=subscription_id)
    lock(BOOKS, known.organization_id)
    identifier = reading.identifier(wire)
    seen = Invoice.objects.filter(provider=StripeProvider.name, provider_invoice_id=identifier).first()
    if seen is not None and not _is_news(happened_at, seen.provider_seen_at):
        wire, happened_at = StripeProvider.configured().invoice(identifier), datetime.now(UTC)
    taken = invoices.take_over(subscription=_fresh(known), bill=reading.bill(wire, happened_at))
    return "" if taken else "The invoice is not final yet."


def _is_news(happened_at: datetime, seen_at: datetime | None) -> bool:
    return seen_at is None or happened_at > seen_at + CLOCKS_DIFFER


def _ours(wire: Mapping[str, Any]) -> Subscription | None:
    known = _by_provider_id(reading.identifier(wire))
    if known is not None:
        return known
    with suppress(ValueError):
        return Subscription.objects.filter(pk=UUID(reading.our_id(wire)), provider=StripeProvider.name).first()
    return None


def _by_provider_id(subscription_id: str) -> Subscription | None:
    if not subscription_id:
        return None
    named = Subscription.objects.filter(provider=StripeProvider.name, provider_subscription_id=subscription_id)
    return named.first()


def _fresh(subscription: Subscription) -> Subscription:
    return Subscription.objects.select_related("plan", "organization").get(pk=subscription.pk)


def _note_apart(event: WebhookEvent, state: WebhookState, note: str) -> None:
    """After a rollback, in a transaction of its own."""
    if connection.needs_rollback:
        return
    with transaction.atomic(), staff():
        row = WebhookEvent.objects.select_for_update().get(pk=event.pk)
        if row.state not in _SETTLED:
            _note(row, state, note)


def _note(row: WebhookEvent, state: WebhookState, note: str) -> None:
    row.state, row.note, row.attempts = state, note[:2000], row.attempts + 1
    row.processed_at = timezone.now()
    row.save(update_fields=["state", "note", "attempts", "processed_at"])


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_secrets(inner) for name, inner in value.items() if name not in _HIDDEN}
    if isinstance(value, list):
        return [_without_secrets(inner) for inner in value]
    return value
