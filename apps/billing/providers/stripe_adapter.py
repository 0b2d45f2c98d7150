"""Stripe, through its own SDK.

Every request that creates something carries an idempotency key made of what it is for, so that one that is sent twice (a
time-out, a retry of ours) has its effect once. Neither keys nor Stripe's words about them leave this file: errors are told
by their kind and by the request's id, which Stripe's support asks for.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import stripe
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.billing.errors import NoPortal, NotWhileLikeThis, PaymentRefused, PlanNotSold, ProviderUnavailable
from apps.billing.models import Plan, Subscription
from apps.billing.providers import stripe_reading as reading
from apps.billing.providers.port import Customer, Outcome, State

logger = logging.getLogger(__name__)

TIMEOUT: Final = 15.0
RETRIES: Final = 2
_WHOLE: Final = ["default_payment_method"]


class StripeProvider:
    name: Final = "stripe"
    collects: Final = True

    def __init__(self, api_key: str, base_url: str | None = None) -> None:
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url} if base_url else None,
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT),
        )

    def __repr__(self) -> str:
        return "<StripeProvider>"

    @classmethod
    def configured(cls) -> StripeProvider:
        key = settings.SYMPHONY_STRIPE_API_KEY
        if not key:
            raise ImproperlyConfigured("SYMPHONY_PAYMENTS is stripe, so SYMPHONY_STRIPE_API_KEY must be set.")
        return _made(key, settings.SYMPHONY_STRIPE_BASE_URL)

    def begin(self, *, subscription: Subscription, customer: Customer, now: datetime) -> Outcome:
        price = self._price(subscription.plan)
        customer_id = customer.provider_customer_id or self._create_customer(customer)
        ours = {"subscription": str(subscription.pk), "organization": customer.organization_id}
        params: Any = {
            "mode": "subscription",
            "customer": customer_id,
            "client_reference_id": str(subscription.pk),
            "line_items": [{"price": price, "quantity": 1}],
            "success_url": settings.SYMPHONY_BILLING_RETURN_URL,
            "cancel_url": settings.SYMPHONY_BILLING_RETURN_URL,
            "metadata": ours,
            "subscription_data": {"metadata": ours},
        }
        with _told():
            session = self._client.v1.checkout.sessions.create(
                params, _once("checkout", subscription.pk, price, customer_id)
            )
        return Outcome(
            checkout_id=session.id, checkout_url=str(session.url or "")[:2000], provider_customer_id=customer_id
        )

    def change(self, *, subscription: Subscription, plan: Plan, now: datetime) -> Outcome:
        price = self._price(plan)
        present = self._fetch(subscription.provider_subscription_id)
        dearer = plan.price_minor > subscription.plan.price_minor
        params: Any = {
            "items": [{"id": reading.item_id(present), "price": price}],
            # What costs more is paid at once, or does not happen; what is saved becomes credit for the next invoice.
            "proration_behavior": "always_invoice" if dearer else "create_prorations",
            "payment_behavior": "error_if_incomplete" if dearer else "allow_incomplete",
            "expand": _WHOLE,
        }
        return Outcome(self._update(subscription, params, plan))

    def cancel(self, *, subscription: Subscription, at_period_end: bool, now: datetime) -> Outcome:
        if at_period_end:
            params: Any = {"cancel_at_period_end": True, "expand": _WHOLE}
            return Outcome(self._update(subscription, params, subscription.plan))
        with _told():
            ended = self._client.v1.subscriptions.cancel(subscription.provider_subscription_id)
        return Outcome(reading.state(ended.to_dict(), subscription.plan, datetime.now(UTC)))

    def resume(self, *, subscription: Subscription, now: datetime) -> Outcome:
        params: Any = {"cancel_at_period_end": False, "expand": _WHOLE}
        return Outcome(self._update(subscription, params, subscription.plan))

    def abandon(self, *, subscription: Subscription) -> None:
        if not subscription.checkout_id:
            return
        try:
            self._client.v1.checkout.sessions.expire(subscription.checkout_id)
        except stripe.InvalidRequestError as error:
            session = self._session(subscription.checkout_id)
            if session.get("status") == "complete":
                raise NotWhileLikeThis("This checkout was paid just now; look at the subscription again.") from error
        except stripe.StripeError as error:
            raise _as_ours(error) from None

    def portal(self, *, customer_id: str) -> str:
        if not customer_id:
            raise NoPortal("There is nothing to see to before the first checkout.")
        with _told():
            session = self._client.v1.billing_portal.sessions.create(
                {"customer": customer_id, "return_url": settings.SYMPHONY_BILLING_RETURN_URL}
            )
        return str(session.url)

    def subscription(self, subscription_id: str) -> Mapping[str, Any]:
        """As it is now, whatever events said."""
        return self._fetch(subscription_id)

    def invoice(self, invoice_id: str) -> Mapping[str, Any]:
        with _told():
            found: Mapping[str, Any] = self._client.v1.invoices.retrieve(invoice_id).to_dict()
        return found

    def _session(self, session_id: str) -> Mapping[str, Any]:
        with _told():
            found: Mapping[str, Any] = self._client.v1.checkout.sessions.retrieve(session_id).to_dict()
        return found

    def _fetch(self, subscription_id: str) -> Mapping[str, Any]:
        with _told():
            found = self._client.v1.subscriptions.retrieve(subscription_id, {"expand": _WHOLE})
            wire: Mapping[str, Any] = found.to_dict()
        return wire

    def _create_customer(self, customer: Customer) -> str:
        params: Any = {
            "name": customer.name,
            "email": customer.email,
            "metadata": {"organization": customer.organization_id},
        }
        with _told():
            made = self._client.v1.customers.create(params, _once("customer", customer.organization_id))
        return made.id

    def _update(self, subscription: Subscription, params: Any, plan: Plan) -> State:
        with _told():
            changed = self._client.v1.subscriptions.update(
                subscription.provider_subscription_id,
                params,
                _once("update", subscription.pk, subscription.updated_at.isoformat(), json.dumps(params)),
            )
        return reading.state(changed.to_dict(), plan, datetime.now(UTC))

    def _price(self, plan: Plan) -> str:
        price = plan.provider_price_ids.get(self.name)
        if not price:
            raise PlanNotSold
        return str(price)


@lru_cache(maxsize=4)
def _made(api_key: str, base_url: str | None) -> StripeProvider:
    return StripeProvider(api_key, base_url)


def _once(*what: str | UUID) -> Any:
    """Options of a request: the same key for the same thing."""
    digest = hashlib.sha256("\n".join(str(each) for each in what).encode()).hexdigest()
    return {"idempotency_key": f"symphony-{what[0]}-{digest[:40]}"}


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except stripe.StripeError as error:
        raise _as_ours(error) from None


def _as_ours(error: stripe.StripeError) -> Exception:
    logger.warning(
        "Stripe refused (%s, status %s, code %s, request %s)",
        type(error).__name__,
        error.http_status,
        error.code,
        error.request_id,
    )
    match error:
        case stripe.CardError():
            return PaymentRefused(error.user_message)
        case stripe.InvalidRequestError():
            return NotWhileLikeThis("The payment provider refused this; look at the subscription again.")
    return ProviderUnavailable()
