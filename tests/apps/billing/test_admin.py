"""Billing in the admin: what staff sees and does there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Organization, User
from apps.billing.models import Invoice, LedgerEntry, Payment, Plan, Subscription, WebhookEvent
from apps.billing.services import subscriptions
from apps.billing.services.provider_events import store
from apps.core.tenancy import staff

MakePlan = Callable[..., Plan]


@pytest.fixture
def desk(support: User, web_role: None) -> Client:
    client = Client()
    client.force_login(support)
    return client


@pytest.fixture
def begun(alice: User, orchestra: Organization, make_plan: MakePlan) -> Subscription:
    return subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())


def act(desk: Client, model: str, action: str, row: Any) -> str:
    given = {"action": action, "_selected_action": [str(row.pk)]}
    return desk.post(reverse(f"admin:billing_{model}_changelist"), given, follow=True).content.decode()


def test_from_approval_to_cancelling(desk: Client, begun: Subscription) -> None:
    assert "1 approved." in act(desk, "subscription", "approve", begun)
    assert "Only a subscription that waits" in act(desk, "subscription", "approve", begun)
    assert "1 paid." in act(desk, "subscription", "record_payment", begun)
    with staff():
        assert (Payment.objects.get().amount, Invoice.objects.get().status) == (3000, "paid")
    assert "1 cancelled." in act(desk, "subscription", "cancel_at_period_end", begun)
    assert "1 cancelled." in act(desk, "subscription", "cancel_now", begun)
    with staff():
        assert Subscription.objects.get().status == "cancelled"


def test_who_may_only_look_is_offered_nothing(support: User, desk: Client, begun: Subscription) -> None:
    from_page = desk.get(reverse("admin:billing_subscription_changelist")).content.decode()
    assert "Approve" in from_page
    support.is_superuser = False
    support.save()
    assert desk.get(reverse("admin:billing_subscription_changelist")).status_code == 403


def test_every_page_opens_and_history_is_not_edited(desk: Client, begun: Subscription) -> None:
    act(desk, "subscription", "approve", begun)
    act(desk, "subscription", "record_payment", begun)
    event = store(provider="stripe", event_id="evt_1", kind="x.y", happened_at=begun.created_at, payload={"data": {}})
    with staff():
        rows: list[Any] = [
            begun.plan,
            begun,
            Invoice.objects.get(),
            Payment.objects.get(),
            LedgerEntry.objects.all()[0],
        ]
    for row in (*rows, event):
        name = f"admin:billing_{row._meta.model_name}"
        found = desk.get(reverse(f"{name}_changelist"), {"q": "pro"})
        page = desk.get(reverse(f"{name}_change", args=[row.pk])).content.decode()
        assert found.status_code == 200
        assert ('name="_save"' in page) == isinstance(row, Plan), name
        if not isinstance(row, Plan):
            assert desk.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
            assert desk.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
            assert desk.get(reverse(f"{name}_add")).status_code == 403


def test_an_event_is_acted_upon_again(desk: Client, begun: Subscription) -> None:
    event = store(
        provider="stripe", event_id="evt_1", kind="x.y", happened_at=begun.created_at, payload={"data": {"object": {}}}
    )
    assert "1 ignored" in act(desk, "webhookevent", "reprocess", event)
    with staff():
        assert WebhookEvent.objects.get().attempts == 1


def test_a_plan_that_makes_no_sense_is_refused_with_words(desk: Client, db: None) -> None:
    given = {
        "name": "Odd", "tier": "pro", "price": "10.005", "currency": "usd", "billing_period": "monthly", "position": "0",
        "features": '{"seets": 5}', "provider_price_ids": "[]", "description": "",
    }  # fmt: skip
    page = desk.post(reverse("admin:billing_plan_add"), given).content.decode()
    assert "seets is no limit" in page
    good = given | {"price": "10.50", "features": '{"seats": 5}', "provider_price_ids": "{}"}
    assert desk.post(reverse("admin:billing_plan_add"), good | {"price": "10.005"}).status_code == 200
    assert desk.post(reverse("admin:billing_plan_add"), good).status_code == 302
    assert Plan.objects.get().entitlements.seats == 5


def test_lists_ask_no_more_for_more_rows(
    desk: Client,
    alice: User,
    orchestra: Organization,
    make_plan: MakePlan,
    at_once: None,
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    pro, basic = make_plan(), make_plan("Basic", "10", "basic")
    subscriptions.subscribe(actor=alice, organization=orchestra, plan=pro)
    for plan in (basic, pro) * 4:
        subscriptions.change_plan(actor=alice, organization=orchestra, plan=plan)
    for model in ("subscription", "invoice", "payment", "ledgerentry", "plan"):
        with django_assert_max_num_queries(18):
            desk.get(reverse(f"admin:billing_{model}_changelist"))
