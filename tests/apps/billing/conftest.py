"""Plans, and an orchestra whose members Bob and Carol are: an admin's money is nobody else's business."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.billing.models import Plan
from apps.billing.providers.stripe_adapter import StripeProvider
from tests.wire.stripe_format import API_KEY, WEBHOOK_SECRET, StripeServer, Wire, signed

MakePlan = Callable[..., Plan]


@pytest.fixture
def make_plan(db: None) -> MakePlan:
    def make(name: str = "Pro", price: str = "30", tier: str = "pro", **given: Any) -> Plan:
        plan = Plan(name=name, price=Decimal(price), tier=tier, **given)
        plan.full_clean()
        plan.save()
        return plan

    return make


@pytest.fixture
def at_once(settings: Settings) -> None:
    """Subscriptions begin without anybody's approval."""
    settings.SYMPHONY_BILLING_APPROVAL = False


@pytest.fixture
def support(db: None) -> User:
    return accounts.create_user(email="support@example.org", password=None, is_staff=True, is_superuser=True)


@pytest.fixture
def viewer(alice: User, bob: User, orchestra: Organization) -> User:
    accounts.add_member(actor=alice, organization=orchestra, user=bob, role="viewer")
    return bob


@pytest.fixture
def stripe(settings: Settings) -> Iterator[StripeServer]:
    """The provider is Stripe, on this machine."""
    server = StripeServer()
    settings.SYMPHONY_PAYMENTS = "stripe"
    settings.SYMPHONY_DEFAULT_TIER = "free"
    settings.SYMPHONY_STRIPE_API_KEY = API_KEY
    settings.SYMPHONY_STRIPE_WEBHOOK_SECRETS = ["whsec_of_next_year", WEBHOOK_SECRET]
    settings.SYMPHONY_STRIPE_BASE_URL = server.url
    yield server
    server.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is down is not asked again and again."""
    monkeypatch.setattr("apps.billing.providers.stripe_adapter.RETRIES", 0)


@pytest.fixture
def deliver(web_role: None) -> Callable[..., int]:
    """Post events to the webhook, one after another; the status of the last answer."""

    def post(*events: Wire) -> int:
        status = 0
        for event in events:
            body, signature = signed(event)
            answer = Client().post(
                "/billing/webhooks/stripe/",
                body,
                content_type="application/json",
                headers={"Stripe-Signature": signature},
            )
            status = answer.status_code
        return status

    return post


@pytest.fixture
def adapter(stripe: StripeServer) -> StripeProvider:
    return StripeProvider(API_KEY, stripe.url)
