"""Stripe's objects, as they come over the wire, read into our own words. Nothing here asks Stripe or the database.

Times are Unix seconds, amounts the smallest unit of the currency. Periods of a subscription stand on its items; older
versions of Stripe's interface have them on the subscription itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from apps.billing.models import Plan, SubscriptionStatus
from apps.billing.periods import Period
from apps.billing.providers.port import Bill, Line, State

Wire = Mapping[str, Any]

_STATUSES: Final[dict[str, SubscriptionStatus]] = {
    "incomplete": SubscriptionStatus.INCOMPLETE,
    "incomplete_expired": SubscriptionStatus.EXPIRED,
    "trialing": SubscriptionStatus.ACTIVE,
    "active": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.PAST_DUE,
    "unpaid": SubscriptionStatus.EXPIRED,
    "paused": SubscriptionStatus.EXPIRED,
    "canceled": SubscriptionStatus.CANCELLED,
}
_OVER: Final = (SubscriptionStatus.EXPIRED, SubscriptionStatus.CANCELLED)
_SHOWN_OF_CARD: Final = ("brand", "last4", "exp_month", "exp_year")
MOST_LINES: Final = 50


def moment(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)


def identifier(reference: Any) -> str:
    """Of something that is given by its id, or whole."""
    return str(reference.get("id", "")) if isinstance(reference, Mapping) else str(reference or "")


def price_id(subscription: Wire) -> str:
    return identifier(_item(subscription).get("price"))


def item_id(subscription: Wire) -> str:
    return identifier(_item(subscription))


def our_id(subscription: Wire) -> str:
    """The subscription of ours that it was begun for."""
    return str((subscription.get("metadata") or {}).get("subscription", ""))


def state(subscription: Wire, plan: Plan, said_at: datetime) -> State:
    status = _STATUSES.get(str(subscription.get("status")), SubscriptionStatus.INCOMPLETE)
    item = _item(subscription)
    start = moment(item.get("current_period_start") or subscription.get("current_period_start"))
    end = moment(item.get("current_period_end") or subscription.get("current_period_end"))
    return State(
        status=status,
        plan=plan,
        period=Period(start, end) if start and end and start < end else None,
        anchor=moment(subscription.get("billing_cycle_anchor")) or start,
        cancel_at_period_end=bool(subscription.get("cancel_at_period_end")),
        cancelled_at=moment(subscription.get("canceled_at")),
        ended_at=(moment(subscription.get("ended_at")) or said_at) if status in _OVER else None,
        provider_subscription_id=identifier(subscription),
        provider_customer_id=identifier(subscription.get("customer")),
        payment_info=_payment_info(subscription.get("default_payment_method")),
        said_at=said_at,
    )


def subscription_of_invoice(invoice: Wire) -> str:
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    return identifier(details.get("subscription") or invoice.get("subscription"))


def bill(invoice: Wire, said_at: datetime) -> Bill:
    moves = invoice.get("status_transitions") or {}
    start, end = moment(invoice.get("period_start")), moment(invoice.get("period_end"))
    return Bill(
        provider_invoice_id=identifier(invoice),
        provider_subscription_id=subscription_of_invoice(invoice),
        number=str(invoice.get("number") or identifier(invoice))[:100],
        status=str(invoice.get("status") or "draft"),
        currency=str(invoice.get("currency", "")),
        total=int(invoice.get("total") or 0),
        amount_due=int(invoice.get("amount_due") or 0),
        amount_paid=int(invoice.get("amount_paid") or 0),
        issued_at=moment(moves.get("finalized_at") or invoice.get("created")) or said_at,
        said_at=said_at,
        lines=tuple(
            Line(str(line.get("description") or "")[:200], int(line.get("amount") or 0))
            for line in ((invoice.get("lines") or {}).get("data") or ())[:MOST_LINES]
        ),
        period=Period(start, end) if start and end and start < end else None,
        due_at=moment(invoice.get("due_date")),
        paid_at=moment(moves.get("paid_at")),
        hosted_url=str(invoice.get("hosted_invoice_url") or "")[:2000],
    )


def _item(subscription: Wire) -> Wire:
    items = (subscription.get("items") or {}).get("data") or [{}]
    first: Wire = items[0]
    return first


def _payment_info(method: Any) -> dict[str, Any] | None:
    """What people recognize their payment method by. Only a method that came whole tells anything."""
    if not isinstance(method, Mapping):
        return None
    kind = str(method.get("type", ""))
    details = method.get(kind) if isinstance(method.get(kind), Mapping) else {}
    shown = {name: details[name] for name in _SHOWN_OF_CARD if details and name in details}
    return {"kind": kind, **shown}
