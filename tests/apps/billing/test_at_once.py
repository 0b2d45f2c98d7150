"""Sweeps and people on one subscription at the same time: everything happens once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.billing.errors import SubscriptionExists
from apps.billing.models import Invoice, LedgerEntry, Plan, Subscription
from apps.billing.periods import nth_period
from apps.billing.services import subscriptions
from apps.billing.services.expiry import expire_due
from apps.core.tenancy import staff

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


@pytest.fixture
def owner(settings: Settings) -> tuple[User, Organization]:
    settings.SYMPHONY_BILLING_APPROVAL = False
    alice = accounts.create_user(email="alice@example.org", password=None)
    return alice, accounts.create_organization(actor=alice, name="Orchestra")


@contextmanager
def own_connection(role: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
    try:
        yield
    finally:
        connection.close()


def at_once(work: Callable[[], Any], *, role: str) -> list[Any]:
    start = Barrier(THREADS)

    def part(_: int) -> Any:
        with own_connection(role):
            start.wait(30)
            return work()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(part, range(THREADS)))


def test_many_sweeps_renew_once(owner: tuple[User, Organization]) -> None:
    alice, orchestra = owner
    plan = Plan.objects.create(name="Pro", tier="pro", price=30)
    begun = subscriptions.subscribe(actor=alice, organization=orchestra, plan=plan)
    with staff():
        # As if the first period had begun some weeks ago, and was paid.
        first = nth_period(timezone.now() - timedelta(days=40), "monthly", 0)
        Subscription.objects.update(
            anchor=first.start, started_at=first.start, current_period_start=first.start, current_period_end=first.end
        )
        Invoice.objects.update(due_at=timezone.now() + timedelta(days=5))
    changed = at_once(expire_due, role="symphony_worker")
    with staff():
        again = Subscription.objects.get(pk=begun.pk)
        assert Invoice.objects.count() == LedgerEntry.objects.count() == 2
    assert (sum(changed), again.status) == (1, "active")
    assert again.current_period_end is not None
    assert again.current_period_end > timezone.now()


def test_two_clicks_on_two_plans_are_one_subscription(owner: tuple[User, Organization]) -> None:
    alice, orchestra = owner
    plan = Plan.objects.create(name="Pro", tier="pro", price=30)

    def click() -> bool:
        try:
            subscriptions.subscribe(actor=alice, organization=orchestra, plan=plan)
        except SubscriptionExists:
            return False
        return True

    assert sum(at_once(click, role="symphony_web")) == 1
    with staff():
        assert (Subscription.objects.count(), Invoice.objects.count()) == (1, 1)
