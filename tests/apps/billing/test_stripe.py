"""Stripe as provider, against a server that speaks as Stripe does."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts.events import organization_deactivated
from apps.accounts.models import Organization, User
from apps.billing.errors import NotWhileLikeThis, PaymentRefused, PlanNotSold, ProviderUnavailable
from apps.billing.models import BillingCustomer, Invoice, LedgerPosting, Payment, Plan, Subscription, WebhookEvent
from apps.billing.providers.stripe_adapter import StripeProvider
from apps.billing.services import subscriptions
from apps.billing.services.expiry import expire_due
from apps.core.tenancy import staff
from tests.wire.stripe_format import API_KEY, MONTH, WEBHOOK_SECRET, StripeServer, Wire, signed

MakePlan = Callable[..., Plan]
Deliver = Callable[..., int]


@pytest.fixture
def pro(make_plan: MakePlan, stripe: StripeServer) -> Plan:
    return make_plan(provider_price_ids={"stripe": stripe.price(3000)})


@pytest.fixture
def begun(alice: User, orchestra: Organization, pro: Plan) -> Subscription:
    return subscriptions.subscribe(actor=alice, organization=orchestra, plan=pro)


@pytest.fixture
def live(begun: Subscription, stripe: StripeServer, deliver: Deliver) -> Wire:
    """The subscription at Stripe, paid, and we know of it."""
    wire = stripe.pay(begun.checkout_id)
    assert deliver(*stripe.events) == 200
    stripe.now += 60
    return wire


def ours() -> Subscription:
    with staff():
        return Subscription.objects.select_related("plan", "organization").latest("id")


@contextmanager
def as_sweep() -> Iterator[None]:
    """On the database role of workers, after the webhook has been on that of the web."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE symphony_worker")
        yield
        cursor.execute("SET ROLE symphony_web")


def known() -> dict[str, Any]:
    """What is written down, after whatever was told."""
    with staff():
        subscription = Subscription.objects.select_related("organization").latest("id")
        return {
            "status": subscription.status,
            "tier": subscription.organization.subscription_tier,
            "end": subscription.current_period_end,
            "invoices": sorted(Invoice.objects.values_list("number", "status", "amount_paid")),
            "paid": sorted(Payment.objects.values_list("amount", flat=True)),
            "booked": sum(LedgerPosting.objects.values_list("amount", flat=True)),
            "cash": sum(LedgerPosting.objects.filter(account__kind="cash").values_list("amount", flat=True)),
        }


def states() -> list[str]:
    with staff():
        return sorted(WebhookEvent.objects.values_list("state", flat=True))


class TestOperations:
    def test_from_checkout_to_a_live_subscription(
        self, begun: Subscription, stripe: StripeServer, deliver: Deliver, orchestra: Organization
    ) -> None:
        assert (begun.status, begun.checkout_url) == ("incomplete", f"https://checkout.example/{begun.checkout_id}")
        stripe.pay(begun.checkout_id)
        assert deliver(*stripe.events) == 200
        live = ours()
        assert (live.status, live.checkout_url, live.organization.subscription_tier) == ("active", "", "pro")
        assert live.payment_info == {
            "kind": "card", "brand": "visa", "last4": "4242", "exp_month": 8, "exp_year": 2034,
        }  # fmt: skip
        assert [(status, paid) for _, status, paid in known()["invoices"]] == [("paid", 3000)]
        with staff():
            assert BillingCustomer.objects.get(organization=orchestra).provider_customer_id.startswith("cus_")

    def test_a_second_click_leads_to_the_same_checkout(
        self, alice: User, orchestra: Organization, begun: Subscription, pro: Plan, stripe: StripeServer
    ) -> None:
        again = subscriptions.subscribe(actor=alice, organization=orchestra, plan=pro)
        assert again.checkout_id == begun.checkout_id
        assert [path for _, path, _ in stripe.requests] == ["/v1/customers", "/v1/checkout/sessions"]

    def test_what_is_sent_twice_happens_once(
        self, begun: Subscription, adapter: StripeProvider, stripe: StripeServer
    ) -> None:
        customer = subscriptions._customer(begun.created_by, begun.organization, "manual")
        sessions = {
            adapter.begin(subscription=begun, customer=customer, now=datetime.now(UTC)).checkout_id for _ in range(2)
        }
        assert sessions == {begun.checkout_id}
        assert len([each for each in stripe.objects if each.startswith("cus_")]) == 1

    def test_another_choice_closes_the_first_checkout(
        self, alice: User, orchestra: Organization, begun: Subscription, make_plan: MakePlan, stripe: StripeServer
    ) -> None:
        other = make_plan("Basic", "10", "basic", provider_price_ids={"stripe": stripe.price(1000)})
        subscriptions.subscribe(actor=alice, organization=orchestra, plan=other)
        assert stripe.objects[begun.checkout_id]["status"] == "expired"
        assert len([each for each in stripe.objects if each.startswith("cus_")]) == 1

    def test_not_where_the_first_was_paid_just_now(
        self, alice: User, orchestra: Organization, begun: Subscription, make_plan: MakePlan, stripe: StripeServer
    ) -> None:
        stripe.pay(begun.checkout_id)
        other = make_plan("Basic", "10", "basic", provider_price_ids={"stripe": stripe.price(1000)})
        with pytest.raises(NotWhileLikeThis, match="paid just now"):
            subscriptions.subscribe(actor=alice, organization=orchestra, plan=other)

    def test_an_upgrade_is_paid_at_once_or_does_not_happen(
        self,
        alice: User,
        orchestra: Organization,
        live: Wire,
        make_plan: MakePlan,
        stripe: StripeServer,
        deliver: Deliver,
    ) -> None:
        price = stripe.price(30000)
        big = make_plan("Big", "300", "enterprise", provider_price_ids={"stripe": price})
        stripe.declines = True
        with pytest.raises(PaymentRefused, match="declined"):
            subscriptions.change_plan(actor=alice, organization=orchestra, plan=big)
        assert known()["tier"] == "pro"
        stripe.declines = False
        stripe.now = live["items"]["data"][0]["current_period_start"] + MONTH // 2
        before = len(stripe.events)
        subscriptions.change_plan(actor=alice, organization=orchestra, plan=big)
        assert known()["tier"] == "enterprise"
        assert deliver(*stripe.events[before:]) == 200
        assert (known()["cash"], known()["booked"]) == (3000 + 13500, 0)

    def test_cancel_and_resume(self, alice: User, orchestra: Organization, live: Wire, stripe: StripeServer) -> None:
        ending = subscriptions.cancel(actor=alice, organization=orchestra)
        assert (ending.cancel_at_period_end, live["cancel_at_period_end"]) == (True, True)
        assert not subscriptions.resume(actor=alice, organization=orchestra).cancel_at_period_end
        over = subscriptions.cancel(actor=alice, organization=orchestra, at_period_end=False)
        assert (over.status, live["status"]) == ("cancelled", "canceled")
        assert known()["tier"] == "free"

    def test_an_organization_that_closes_is_charged_no_more(self, orchestra: Organization, live: Wire) -> None:
        organization_deactivated.send(sender=None, organization=orchestra)
        assert (live["status"], ours().status) == ("canceled", "cancelled")

    def test_the_portal(
        self, alice: User, orchestra: Organization, begun: Subscription, api_of: Callable[[User], APIClient]
    ) -> None:
        answer = api_of(alice).post(f"/api/v1/organizations/{orchestra.pk}/billing-portal/")
        assert (answer.status_code, answer.json()["url"][:27]) == (201, "https://portal.example/cus_")

    def test_a_plan_it_does_not_know_is_not_sold(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, stripe: StripeServer
    ) -> None:
        with pytest.raises(PlanNotSold):
            subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())

    def test_while_it_is_down_nothing_happens(
        self, alice: User, orchestra: Organization, pro: Plan, stripe: StripeServer, impatient: None
    ) -> None:
        stripe.down = True
        with pytest.raises(ProviderUnavailable):
            subscriptions.subscribe(actor=alice, organization=orchestra, plan=pro)
        stripe.down = False
        assert subscriptions.subscribe(actor=alice, organization=orchestra, plan=pro).checkout_url

    def test_keys_are_shown_to_nobody(
        self,
        alice: User,
        orchestra: Organization,
        pro: Plan,
        stripe: StripeServer,
        settings: Settings,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        settings.SYMPHONY_STRIPE_API_KEY = wrong = "sk_test_of_somebody_else"
        with caplog.at_level(logging.INFO), pytest.raises(ProviderUnavailable) as refused:
            subscriptions.subscribe(actor=alice, organization=orchestra, plan=pro)
        told = f"{refused.value!r} {refused.value.detail} {caplog.text} {capfd.readouterr()} {StripeProvider.configured()!r}"
        assert wrong not in told
        assert API_KEY not in told
        assert "sk_test" not in told


class TestEvents:
    @pytest.mark.parametrize("order", list(permutations(range(4)))[::4])
    def test_in_any_order_the_end_is_the_same(
        self, begun: Subscription, stripe: StripeServer, deliver: Deliver, order: tuple[int, ...]
    ) -> None:
        """The four events of a beginning, each delivered twice."""
        stripe.pay(begun.checkout_id)
        events = [stripe.events[place] for place in order]
        assert deliver(*events, *reversed(events)) == 200
        found = known()
        assert (found["status"], found["tier"], found["paid"]) == ("active", "pro", [3000])
        assert (found["cash"], found["booked"], len(found["invoices"])) == (3000, 0, 1)
        assert states() == ["done"] * 4

    def test_an_old_word_does_not_undo_a_newer_one(self, live: Wire, stripe: StripeServer, deliver: Deliver) -> None:
        stripe.renew(live, paid=False)
        old = stripe.events[-1]
        stripe.now += 3600
        with_payment = next(each for each in reversed(stripe.events) if each["type"] == "invoice.payment_failed")
        invoice = stripe.objects[with_payment["data"]["object"]["id"]]
        stripe.collect(invoice)
        live["status"] = "active"
        newer = stripe.tell("customer.subscription.updated", live)
        deliver(newer, stripe.events[-2], old, with_payment)
        found = known()
        assert (found["status"], found["cash"], found["booked"]) == ("active", 6000, 0)
        assert {status for _, status, _ in found["invoices"]} == {"paid"}

    def test_a_payment_that_fails_and_one_that_never_comes(
        self, live: Wire, stripe: StripeServer, deliver: Deliver
    ) -> None:
        before = len(stripe.events)
        invoice = stripe.renew(live, paid=False)
        deliver(*stripe.events[before:])
        assert (known()["status"], known()["tier"]) == ("past_due", "pro")
        stripe.now += 14 * 24 * 3600
        invoice["status"] = "uncollectible"
        deliver(
            stripe.tell("invoice.marked_uncollectible", invoice),
            stripe.tell("customer.subscription.deleted", stripe._end(live)),
        )
        found = known()
        assert (found["status"], found["tier"], found["cash"], found["booked"]) == ("cancelled", "free", 3000, 0)

    def test_a_renewal_moves_the_period(self, live: Wire, stripe: StripeServer, deliver: Deliver) -> None:
        before, told = known()["end"], len(stripe.events)
        stripe.renew(live)
        deliver(*stripe.events[told:])
        assert (known()["end"] - before).total_seconds() == MONTH
        assert known()["paid"] == [3000, 3000]

    def test_a_checkout_nobody_paid(self, begun: Subscription, stripe: StripeServer, deliver: Deliver) -> None:
        stripe._expire(begun.checkout_id)
        assert deliver(*stripe.events) == 200
        assert known()["status"] == "cancelled"

    def test_the_sweep_gives_up_what_nobody_tells_of(self, live: Wire) -> None:
        end = ours().current_period_end
        assert end is not None
        from_now = end.timestamp() + 13 * 86400
        with as_sweep():
            assert expire_due(now=datetime.fromtimestamp(from_now, UTC)) == 0
            assert expire_due(now=datetime.fromtimestamp(from_now + 86400, UTC)) == 1
        assert (known()["status"], known()["tier"]) == ("expired", "free")

    def test_a_second_subscription_of_one_organization_is_for_people_to_sort_out(
        self, live: Wire, stripe: StripeServer, deliver: Deliver, orchestra: Organization, pro: Plan
    ) -> None:
        with staff():
            second = Subscription.objects.create(organization=orchestra, plan=pro, provider="stripe")
        other = json.loads(json.dumps(live)) | {"id": "sub_other", "metadata": {"subscription": str(second.pk)}}
        stripe.objects["sub_other"] = other
        assert deliver(stripe.tell("customer.subscription.created", other)) == 200
        with staff():
            assert "another live subscription" in WebhookEvent.objects.latest("id").note
        assert "failed" in states()

    @pytest.mark.parametrize(
        ("kind", "thing"),
        [
            ("something.new", {"id": "x", "object": "new"}),
            ("invoice.paid", {"id": "in_x", "object": "invoice", "status": "paid"}),
            ("customer.subscription.updated", {"id": "sub_of_others", "object": "subscription", "status": "active"}),
            ("checkout.session.completed", {"id": "cs_x", "object": "checkout.session", "mode": "payment"}),
            ("checkout.session.expired", {"id": "cs_x"}),
            ("customer.subscription.updated", None),
            ("customer.subscription.updated", []),
        ],
    )
    def test_what_does_not_concern_us_is_kept_and_ignored(
        self, stripe: StripeServer, deliver: Deliver, db: None, kind: str, thing: Any
    ) -> None:
        event = stripe.tell("x", {}) | {"type": kind, "data": {"object": thing}}
        assert deliver(event) == 200
        assert states() == ["ignored"]


class TestDelivery:
    def post(self, body: bytes, signature: str) -> int:
        answer = Client().post(
            "/billing/webhooks/stripe/", body, content_type="application/json", headers={"Stripe-Signature": signature}
        )
        return int(answer.status_code)

    def test_only_what_is_signed_is_heard(self, stripe: StripeServer, web_role: None) -> None:
        event = stripe.tell("customer.created", {"id": "cus_x"})
        body, signature = signed(event)
        stale, old_signature = signed(event, at=int(time.time()) - 3600)
        for answer in (
            self.post(body, ""),
            self.post(body, "nonsense"),
            self.post(body, "t=x,v1=y"),
            self.post(body + b" ", signature),
            self.post(stale, old_signature),
            self.post(*signed(event, secret="whsec_guessed")),
            self.post(b"\xff", signature),
            self.post(*signed({"id": "evt"})),
            self.post(*signed({"id": 1, "type": [], "created": "now", "data": None})),
            self.post(*signed(event | {"created": 10**400})),
            self.post(*signed(event | {"id": "evt_\0"})),
        ):
            assert answer == 400
        assert self.post(body, signature) == 200
        with staff():
            assert WebhookEvent.objects.count() == 1

    def test_a_body_has_an_end(self, stripe: StripeServer, web_role: None) -> None:
        assert self.post(*signed({"id": "evt", "pad": "x" * 600_000})) == 413

    def test_nobody_gets_in_by_another_method(self, stripe: StripeServer, web_role: None) -> None:
        assert Client().get("/billing/webhooks/stripe/").status_code == 405

    def test_where_nothing_is_expected_nothing_is_there(self, db: None, settings: Settings) -> None:
        settings.SYMPHONY_STRIPE_WEBHOOK_SECRETS = []
        assert self.post(b"{}", "") == 404

    def test_twice_is_once(self, stripe: StripeServer, deliver: Deliver, db: None) -> None:
        event = stripe.tell("customer.created", {"id": "cus_x", "client_secret": "hidden"})
        assert deliver(event, event, event) == 200
        with staff():
            (kept,) = WebhookEvent.objects.all()
        assert (kept.deliveries, kept.attempts, kept.state) == (3, 1, "ignored")
        assert "hidden" not in json.dumps(kept.payload)

    def test_while_stripe_is_down_events_wait(
        self, begun: Subscription, stripe: StripeServer, deliver: Deliver, impatient: None, capsys: Any
    ) -> None:
        """What came in between is stored, Stripe is asked to come again, and a command settles it otherwise."""
        stripe.pay(begun.checkout_id)
        completed = stripe.events[-1]
        stripe.down = True
        assert deliver(completed) == 503
        assert (states(), known()["status"]) == (["waiting"], "incomplete")
        stripe.down = False
        call_command("billing", "reprocess")
        assert (states(), known()["status"]) == (["done"], "active")
        assert capsys.readouterr().out.strip() == "1 done"
        call_command("billing", "reprocess")
        assert capsys.readouterr().out.strip() == "Nothing is waiting."

    def test_a_restart_between_receipt_and_processing_loses_nothing(
        self, begun: Subscription, stripe: StripeServer, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stripe.pay(begun.checkout_id)

        def dies(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("apps.billing.api.webhooks.process", dies)
        with pytest.raises(KeyboardInterrupt):
            deliver(stripe.events[0])
        monkeypatch.undo()
        assert states() == ["waiting"]
        assert deliver(*stripe.events) == 200
        assert (known()["status"], states()) == ("active", ["done"] * 4)

    def test_what_failed_can_be_tried_again(
        self, begun: Subscription, pro: Plan, stripe: StripeServer, deliver: Deliver, capsys: Any
    ) -> None:
        prices, pro.provider_price_ids = pro.provider_price_ids, {}
        pro.save()
        stripe.pay(begun.checkout_id)
        assert deliver(stripe.events[0]) == 200
        with staff():
            assert "No plan has the price" in WebhookEvent.objects.get().note
        pro.provider_price_ids = prices
        pro.save()
        call_command("billing", "reprocess")
        assert states() == ["failed"]
        call_command("billing", "reprocess", "--failed")
        assert (states(), known()["status"]) == (["done"], "active")

    def test_the_other_secret_is_good_as_well(self, stripe: StripeServer, web_role: None) -> None:
        event = stripe.tell("customer.created", {"id": "cus_x"})
        assert self.post(*signed(event, secret="whsec_of_next_year")) == 200
        assert self.post(*signed(event, secret=WEBHOOK_SECRET)) == 200
