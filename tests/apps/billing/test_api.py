"""Billing over REST: who may see and do what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.billing.models import Plan
from apps.billing.services import subscriptions

MakePlan = Callable[..., Plan]
ApiOf = Callable[[User], APIClient]


@pytest.fixture
def base(orchestra: Organization) -> str:
    return f"/api/v1/organizations/{orchestra.pk}"


@pytest.fixture
def begun(alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None) -> Any:
    return subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan(features={"sso": True}))


class TestPlans:
    def test_everybody_sees_what_is_on_offer(self, make_plan: MakePlan, web_role: None) -> None:
        make_plan("Free", "0", "free", position=1)
        make_plan("Pro", "29.5", features={"seats": 7, "sso": True}, position=2)
        make_plan("Old", active=False)
        answer = APIClient().get("/api/v1/plans/")
        free, pro = answer.json()["results"]
        assert (free["name"], pro["price"], pro["currency"]) == ("Free", "29.50", "usd")
        assert (pro["limits"]["seats"], pro["limits"]["max_projects"], pro["features"]["sso"]) == (7, 200, True)
        assert "provider_price_ids" not in pro

    def test_they_are_filtered(self, make_plan: MakePlan, web_role: None) -> None:
        make_plan()
        make_plan("Basic", "10", "basic", billing_period="yearly")
        for query, names in (("tier=basic", ["Basic"]), ("billing_period=monthly", ["Pro"]), ("tier=free", [])):
            assert [each["name"] for each in APIClient().get(f"/api/v1/plans/?{query}").json()["results"]] == names

    def test_one_that_is_not_on_offer_is_not_there(self, make_plan: MakePlan, web_role: None) -> None:
        old = make_plan("Old", active=False)
        assert APIClient().get(f"/api/v1/plans/{old.pk}/").json()["code"] == "plan_not_found"
        assert APIClient().get(f"/api/v1/plans/{make_plan().pk}").status_code == 200


class TestSubscription:
    def test_from_choosing_to_cancelling(
        self, alice: User, base: str, make_plan: MakePlan, at_once: None, api_of: ApiOf
    ) -> None:
        pro, basic = make_plan(), make_plan("Basic", "10", "basic")
        client = api_of(alice)
        assert client.get(f"{base}/subscription/").json()["code"] == "no_subscription"
        made = client.post(f"{base}/subscription/", {"plan": str(pro.pk)}, headers={"Idempotency-Key": "a"})
        again = client.post(f"{base}/subscription/", {"plan": str(pro.pk)}, headers={"Idempotency-Key": "a"})
        assert (made.status_code, made.json()["status"], again.json()) == (201, "active", made.json())
        assert made.json()["plan"]["name"] == "Pro"
        preview = client.get(f"{base}/subscription/preview/?plan={basic.pk}").json()
        assert (preview["currency"], float(preview["net"]) < 0) == ("usd", True)
        changed = client.patch(f"{base}/subscription/", {"plan": str(basic.pk)}).json()
        assert changed["plan"]["tier"] == "basic"
        ending = client.post(f"{base}/subscription/cancel/", {}).json()
        assert (ending["cancel_at_period_end"], ending["end_date"]) == (True, ending["current_period_end"])
        assert client.post(f"{base}/subscription/resume/").json()["end_date"] is None
        over = client.post(f"{base}/subscription/cancel/", {"at_period_end": False}).json()
        assert over["status"] == "cancelled"
        assert client.post(f"{base}/subscription/resume/").status_code == 409

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({}, 422, "invalid"),
            ({"plan": "pro"}, 422, "invalid"),
            ({"plan": "\0"}, 422, "invalid"),
            ({"plan": str(uuid4())}, 404, "plan_not_found"),
            ([], 422, "invalid"),
        ],
    )
    def test_a_choice_that_is_none_is_told(
        self, alice: User, base: str, begun: Any, api_of: ApiOf, body: Any, status: int, code: str
    ) -> None:
        client = api_of(alice)
        for answer in (client.post(f"{base}/subscription/", body), client.patch(f"{base}/subscription/", body)):
            assert (answer.status_code, answer.json()["code"]) == (status, code)

    def test_a_preview_wants_a_plan(self, alice: User, base: str, begun: Any, api_of: ApiOf) -> None:
        answer = api_of(alice).get(f"{base}/subscription/preview/?plan=%00")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?plan")

    def test_there_is_no_portal_where_money_is_taken_by_hand(self, alice: User, base: str, api_of: ApiOf) -> None:
        answer = api_of(alice).post(f"{base}/billing-portal/")
        assert (answer.status_code, answer.json()["code"]) == (409, "no_portal")


GETS = ("subscription/", "subscription/preview/?plan=", "usage/", "invoices/", "ledger/")
POSTS = ("subscription/", "subscription/cancel/", "subscription/resume/", "billing-portal/")


class TestWho:
    def test_to_a_stranger_there_is_nothing(
        self, alice: User, carol: User, base: str, begun: Any, api_of: ApiOf
    ) -> None:
        client = api_of(carol)
        statuses = {path: client.get(f"{base}/{path}").status_code for path in GETS}
        statuses |= {f"POST {path}": client.post(f"{base}/{path}", {}).status_code for path in POSTS}
        statuses["PATCH"] = client.patch(f"{base}/subscription/", {}).status_code
        assert set(statuses.values()) == {404}, statuses

    def test_a_viewer_sees_the_plan_and_not_the_money(self, viewer: User, base: str, begun: Any, api_of: ApiOf) -> None:
        client = api_of(viewer)
        seen = client.get(f"{base}/subscription/")
        assert (seen.status_code, seen.json()["payment_info"]) == (200, {})
        assert client.get(f"{base}/usage/").status_code == 200
        for path in ("invoices/", "ledger/", f"subscription/preview/?plan={begun.plan_id}"):
            assert client.get(f"{base}/{path}").status_code == 403, path
        plan = {"plan": str(begun.plan_id)}
        assert client.post(f"{base}/subscription/", plan).status_code == 403
        assert client.patch(f"{base}/subscription/", plan).status_code == 403
        for path in POSTS[1:]:
            assert client.post(f"{base}/{path}", {}).status_code == 403, path

    def test_a_token_of_few_scopes_does_not_do_what_admins_do(
        self, alice: User, base: str, begun: Any, web_role: None
    ) -> None:
        _, secret = accounts.create_token(actor=alice, name="writer", scopes=["write"])
        client = APIClient(headers={"Authorization": f"Token {secret}"})
        assert client.get(f"{base}/invoices/").status_code == 403
        assert client.post(f"{base}/subscription/cancel/", {}).status_code == 403
        assert client.get(f"{base}/subscription/").status_code == 200

    def test_a_stranger_knows_no_invoice_by_its_id(
        self, alice: User, carol: User, base: str, begun: Any, api_of: ApiOf
    ) -> None:
        (invoice,) = api_of(alice).get(f"{base}/invoices/").json()["results"]
        assert api_of(alice).get(f"{base}/invoices/{invoice['id']}/").json() == invoice
        assert api_of(carol).get(f"{base}/invoices/{invoice['id']}/").status_code == 404
        assert api_of(alice).get(f"{base}/invoices/{uuid4()}/").status_code == 404


class TestReading:
    def test_usage_tells_every_quota(self, alice: User, base: str, begun: Any, api_of: ApiOf) -> None:
        told = api_of(alice).get(f"{base}/usage/").json()
        quotas = {each["quota"]: each for each in told["quotas"]}
        assert told["tier"] == "pro"
        assert quotas["seats"] == {"quota": "seats", "limit": 50, "used": 1, "remaining": 49}
        assert quotas["requests_per_minute"]["used"] is None

    def test_invoices_and_books_tell_the_same_story(self, alice: User, base: str, begun: Any, api_of: ApiOf) -> None:
        (invoice,) = api_of(alice).get(f"{base}/invoices/?status=open").json()["results"]
        assert (invoice["total"], invoice["lines"]) == ("30.00", [{"description": "Pro (monthly)", "amount": "30.00"}])
        assert api_of(alice).get(f"{base}/invoices/?status=paid").json()["results"] == []
        (entry,) = api_of(alice).get(f"{base}/ledger/?invoice={invoice['id']}").json()["results"]
        amounts = {each["account"]: each["amount"] for each in entry["postings"]}
        assert amounts == {"receivable": "30.00", "revenue": "-30.00"}

    @pytest.mark.parametrize("path", ["invoices/", "ledger/"])
    def test_a_longer_list_takes_no_more_questions(
        self,
        alice: User,
        base: str,
        begun: Any,
        make_plan: MakePlan,
        orchestra: Organization,
        api_of: ApiOf,
        django_assert_max_num_queries: Callable[..., Any],
        path: str,
    ) -> None:
        other = make_plan("Basic", "10", "basic")
        for plan in (other, begun.plan) * 3:
            subscriptions.change_plan(actor=alice, organization=orchestra, plan=plan)
        client = api_of(alice)
        client.get(f"{base}/{path}")
        with django_assert_max_num_queries(16) as captured:
            found = client.get(f"{base}/{path}").json()["results"]
        assert len(found) >= 7
        assert len(captured) <= 16
