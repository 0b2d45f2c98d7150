"""Routes of spending, each tried by everybody; and what they say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, working_for
from apps.projects import services as projects
from apps.spending import queries, services
from apps.spending.api.serializers import ExecutionSpendingSerializer
from apps.spending.api.urls import urlpatterns
from apps.spending.models import Budget, Usage

from .conftest import RUN, TASK, as_worker

pytestmark = pytest.mark.django_db
ApiOf = Callable[[User], APIClient]
Reserve = Callable[..., services.Reservation]
Settle = Callable[..., services.Settlement]

READS = ["organizations/{organization}/spending/", "organizations/{organization}/budgets/", "budgets/{budget}/"]
WRITES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("post", "organizations/{organization}/budgets/", {"name": "New", "limit_usd": 1}),
    ("patch", "budgets/{budget}/", {"limit_usd": "7.5"}),
    ("delete", "budgets/{budget}/", None),
]


@pytest.fixture
def ids(orchestra: Organization, budget: Callable[..., Budget]) -> dict[str, str]:
    return {"organization": str(orchestra.pk), "budget": str(budget(name="Spring").pk)}


def ask(client: APIClient, method: str, address: str, body: Any = None) -> Any:
    return getattr(client, method)(f"/api/v1/{address}", body, format="json")


def spent(client: APIClient, orchestra: Organization, query: str = "") -> Any:
    return ask(client, "get", f"organizations/{orchestra.pk}/spending/?{query}").json()


def test_the_table_is_complete() -> None:
    def shape(address: str) -> str:
        return "/".join("*" if part[:1] in ("<", "{") else part for part in address.strip("/").split("/"))

    known = {shape(address) for address in (*READS, *(address for _, address, _ in WRITES))}
    assert {shape(str(route.pattern)) for route in urlpatterns} == known


def test_an_admin_may_do_all_of_it(alice: User, ids: dict[str, str], api_of: ApiOf) -> None:
    client = api_of(alice)
    for address in READS:
        assert ask(client, "get", address.format(**ids)).status_code == 200, address
    for method, address, body in WRITES:
        assert ask(client, method, address.format(**ids), body).status_code in {200, 201, 204}, address


def test_to_a_stranger_nothing_is_there(bob: User, ids: dict[str, str], api_of: ApiOf) -> None:
    client = api_of(bob)
    for method, address, body in [*(("get", each, None) for each in READS), *WRITES]:
        response = ask(client, method, address.format(**ids), body)
        assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json"), address
        assert "Spring" not in response.content.decode()


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_who_is_no_admin_reads(
    alice: User, bob: User, orchestra: Organization, ids: dict[str, str], api_of: ApiOf, role: str
) -> None:
    accounts.add_member(actor=alice, organization=orchestra, user=bob, role=role)
    client = api_of(bob)
    for address in READS:
        assert ask(client, "get", address.format(**ids)).status_code == 200, address
    for method, address, body in WRITES:
        response = ask(client, method, address.format(**ids), body)
        assert (response.status_code, response.json()["code"]) == (403, "forbidden"), address
    # Nor by raw SQL.
    with acting_as(bob.pk):
        assert Budget.objects.count() == 1
        assert Budget.objects.update(limit_usd=1000) == 0


def test_a_token_of_few_scopes_writes_no_budgets(alice: User, ids: dict[str, str], web_role: None) -> None:
    with acting_as(alice.pk):
        _, secret = accounts.create_token(actor=alice, name="few", scopes=["write"])
    client = APIClient(headers={"Authorization": f"Token {secret}"})
    for method, address, body in WRITES:
        assert ask(client, method, address.format(**ids), body).status_code == 403, address


def test_nobody_gets_anything(ids: dict[str, str], web_role: None) -> None:
    for method, address, body in [*(("get", each, None) for each in READS), *WRITES]:
        assert ask(APIClient(), method, address.format(**ids), body).status_code == 401, address


class TestBudgets:
    def test_one_from_its_beginning(
        self, alice: User, orchestra: Organization, reserve: Reserve, settle: Settle, api_of: ApiOf
    ) -> None:
        client = api_of(alice)
        body = {"name": "May", "limit_usd": "2.50", "limit_tokens": 5000, "on_exceed": "pause", "alert_at": 80}
        made = ask(client, "post", f"organizations/{orchestra.pk}/budgets/", body)
        assert (made.status_code, made.headers["Location"]) == (201, made.json()["url"])
        fields = made.json()
        assert {name: fields[name] for name in body} == body | {"limit_usd": "2.5"}
        assert (fields["scope"], fields["target"], fields["period"]) == ("organization", None, "month")
        assert (fields["active"], fields["counts_mock"]) == (True, False)
        settle(reserve(), "0.25", 100)
        reserve()
        current = ask(client, "get", f"budgets/{fields['id']}/").json()["current"]
        month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        assert datetime.fromisoformat(current.pop("starts_at")) == month
        assert datetime.fromisoformat(current.pop("ends_at")) == (month + timedelta(days=32)).replace(day=1)
        assert current == {
            "spent_usd": "0.25", "reserved_usd": "1", "remaining_usd": "1.25",
            "spent_tokens": 100, "reserved_tokens": 1000, "remaining_tokens": 3900,
        }  # fmt: skip
        (listed,) = ask(client, "get", f"organizations/{orchestra.pk}/budgets/").json()["results"]
        assert listed["current"]["remaining_usd"] == "1.25"

    def test_a_budget_without_end(self, alice: User, orchestra: Organization, api_of: ApiOf) -> None:
        body = {"name": "All", "limit_tokens": 5, "period": "total"}
        current = ask(api_of(alice), "post", f"organizations/{orchestra.pk}/budgets/", body).json()["current"]
        assert (current["ends_at"], current["remaining_usd"], current["remaining_tokens"]) == (None, None, 5)

    def test_of_a_project_and_of_a_melody(self, alice: User, orchestra: Organization, bob: User, api_of: ApiOf) -> None:
        client, address = api_of(alice), f"organizations/{orchestra.pk}/budgets/"
        with acting_as(alice.pk):
            project = projects.create_project(actor=alice, organization=orchestra, name="Spring")
        for scope, target in (("project", project.pk), ("melody", uuid4())):
            made = ask(client, "post", address, {"name": "x", "limit_usd": 1, "scope": scope, "target": str(target)})
            assert (made.status_code, made.json()["scope"], made.json()["target"]) == (201, scope, str(target))
        with acting_as(alice.pk):
            projects.delete_project(actor=alice, project=project)
        assert [each["scope"] for each in ask(client, "get", address).json()["results"]] == ["melody"]

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"name": "x"}, "/limit_usd"),
            ({"name": " ", "limit_usd": 1}, "/name"),
            ({"limit_usd": 1}, "/name"),
            ({"name": "x", "limit_usd": -1}, "/limit_usd"),
            ({"name": "x", "limit_usd": "NaN"}, "/limit_usd"),
            ({"name": "x", "limit_usd": "1e30"}, "/limit_usd"),
            ({"name": "x", "limit_tokens": 2**70}, "/limit_tokens"),
            ({"name": "x", "limit_usd": 1, "alert_at": 0}, "/alert_at"),
            ({"name": "x", "limit_usd": 1, "period": "year"}, "/period"),
            ({"name": "x", "limit_usd": 1, "scope": "melody"}, "/target"),
            ({"name": "x", "limit_usd": 1, "target": str(UUID(int=1))}, "/target"),
            ({"name": "x", "limit_usd": 1, "scope": "project", "target": str(UUID(int=1))}, "/target"),
        ],
    )
    def test_what_is_wrong_is_said(
        self, alice: User, orchestra: Organization, api_of: ApiOf, body: dict[str, Any], pointer: str
    ) -> None:
        response = ask(api_of(alice), "post", f"organizations/{orchestra.pk}/budgets/", body)
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)

    @pytest.mark.parametrize(
        ("field", "value"),
        [("scope", "melody"), ("target", str(UUID(int=1))), ("period", "day"), ("counts_mock", True)],
    )
    def test_what_it_counts_stays(
        self, alice: User, ids: dict[str, str], api_of: ApiOf, field: str, value: Any
    ) -> None:
        response = ask(api_of(alice), "patch", f"budgets/{ids['budget']}/", {field: value})
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, f"/{field}")
        assert "make another budget" in response.json()["detail"]

    def test_changing_what_may_change(self, alice: User, ids: dict[str, str], api_of: ApiOf) -> None:
        client, address = api_of(alice), f"budgets/{ids['budget']}/"
        changes = {"limit_usd": None, "limit_tokens": 5, "active": False, "name": "Autumn", "period": "month"}
        changed = ask(client, "patch", address, changes).json()
        assert {name: changed[name] for name in changes} == changes
        assert ask(client, "patch", address, {"limit_tokens": None}).status_code == 422
        assert ask(client, "delete", address).status_code == 204
        assert ask(client, "get", address).json()["code"] == "budget_not_found"

    def test_a_post_sent_twice_makes_one(self, alice: User, orchestra: Organization, api_of: ApiOf) -> None:
        client, address = api_of(alice), f"/api/v1/organizations/{orchestra.pk}/budgets/"
        first, second = (
            client.post(address, {"name": "x", "limit_usd": 1}, format="json", headers={"Idempotency-Key": "once"})
            for _ in range(2)
        )
        assert first.json() == second.json()
        assert len(client.get(address).json()["results"]) == 1


class TestSpending:
    @pytest.fixture
    def calls(self, orchestra: Organization, reserve: Reserve, settle: Settle) -> dict[str, UUID]:
        """Two models, two melodies and a project; one call of the mock, one under way, one given back."""
        ids = {name: uuid4() for name in ("melody", "other", "project")}
        settle(reserve(model="large", melody_id=ids["melody"], project_id=ids["project"]), "0.5", 100)
        settle(reserve(model="small", melody_id=ids["melody"], task_id=uuid4()), "0.25", 50)
        settle(reserve(model="large", melody_id=ids["other"], execution_id=uuid4()), "0.5", 10)
        settle(reserve(model="mock", mock=True), "3", 30)
        reserve(model="large")
        with as_worker():
            services.release(organization_id=orchestra.pk, reservation_id=reserve(model="gone").id)
        return ids

    def test_totals(self, alice: User, orchestra: Organization, calls: dict[str, UUID], api_of: ApiOf) -> None:
        assert spent(api_of(alice), orchestra)["total"] == {
            "calls": 4, "lost_calls": 0, "input_tokens": 160, "output_tokens": 0, "cache_read_tokens": 0,
            "cache_write_tokens": 0, "usd": "1.25", "reserved_usd": "1",
            "mock_calls": 1, "mock_tokens": 30, "mock_usd": "3",
        }  # fmt: skip

    def test_groups(self, alice: User, orchestra: Organization, calls: dict[str, UUID], api_of: ApiOf) -> None:
        client = api_of(alice)

        def groups(group_by: str) -> list[tuple[Any, str, int]]:
            found = spent(client, orchestra, f"group_by={group_by}")
            assert found["group_by"] == group_by
            return [(each["key"], each["usd"], each["calls"]) for each in found["groups"]]

        assert groups("model") == [("large", "1", 3), ("small", "0.25", 1), ("mock", "0", 0)]
        assert groups("melody") == [
            (str(calls["melody"]), "0.75", 2), (str(calls["other"]), "0.5", 1), (None, "0", 1),
        ]  # fmt: skip
        assert groups("project") == [(None, "0.75", 3), (str(calls["project"]), "0.5", 1)]
        assert groups("day") == [(datetime.now(UTC).date().isoformat(), "1.25", 4)]

    def test_days(self, alice: User, orchestra: Organization, reserve: Reserve, settle: Settle, api_of: ApiOf) -> None:
        moments = ("2024-02-28T23:59:59Z", "2024-02-29T00:00:00Z", "2024-02-29T23:59:59Z", "2024-03-01T00:00:00Z")
        for moment in moments:
            reservation = reserve()
            settle(reservation)
            with as_worker(), working_for(orchestra.pk):
                Usage.objects.filter(pk=reservation.id).update(created_at=moment)
        client = api_of(alice)

        def days(query: str) -> list[tuple[str, str]]:
            return [(each["key"], each["usd"]) for each in spent(client, orchestra, f"group_by=day&{query}")["groups"]]

        assert days("from=2024-01-01&to=2024-12-31") == [("2024-02-28", "1"), ("2024-02-29", "2"), ("2024-03-01", "1")]
        assert days("from=2024-02-29&to=2024-03-01") == [("2024-02-29", "2")]
        assert days("from=2024-02-29T01:00:00%2B01:00&to=2024-03-01") == [("2024-02-29", "2")]
        assert days("") == []

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("from=yesterday", "?from"),
            ("to=2024-13-01", "?to"),
            ("from=2024-02-01&to=2024-01-01", "?from"),
            ("from=0001-01-01T00:00:00%2B14:00", "?from"),
            ("group_by=person", "?group_by"),
            ("group_by=", "?group_by"),
        ],
    )
    def test_bad_questions(self, alice: User, orchestra: Organization, api_of: ApiOf, query: str, pointer: str) -> None:
        response = ask(api_of(alice), "get", f"organizations/{orchestra.pk}/spending/?{query}")
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)

    def test_of_one_run(
        self, alice: User, bob: User, orchestra: Organization, calls: dict[str, UUID], web_role: None
    ) -> None:
        with acting_as(alice.pk):
            found = ExecutionSpendingSerializer.of_run(queries.execution_spending(RUN)).data
        assert (found["total"]["usd"], found["total"]["reserved_usd"], found["total"]["mock_usd"]) == ("0.75", "1", "3")
        assert (found["tasks"][0]["task"], found["tasks"][0]["usd"], len(found["tasks"])) == (str(TASK), "0.5", 2)
        with acting_as(bob.pk):
            assert queries.execution_spending(RUN).total["calls"] == 0


class TestAdmin:
    @pytest.fixture
    def staff_client(self, alice: User, ids: dict[str, str], client: Any, web_role: None) -> Any:
        User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
        client.force_login(User.objects.get(pk=alice.pk))
        return client

    def test_pages(self, staff_client: Any, ids: dict[str, str], reserve: Reserve) -> None:
        reservation = reserve()
        pages = {
            reverse("admin:spending_budget_changelist"): "$1.0000",
            reverse("admin:spending_budget_change", args=[ids["budget"]]): "Spring",
            reverse("admin:spending_budget_add"): "limit_usd",
            reverse("admin:spending_usage_changelist"): "large",
            reverse("admin:spending_usage_change", args=[reservation.id]): "reserved",
        }
        for page, shown in pages.items():
            response = staff_client.get(page)
            assert response.status_code == 200, page
            assert shown in response.content.decode(), page
        assert staff_client.get(reverse("admin:spending_usage_add")).status_code == 403

    def test_the_list_asks_as_much_for_ten_as_for_one(
        self, staff_client: Any, budget: Callable[..., Budget], alice: User, orchestra: Organization
    ) -> None:
        def questions() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert staff_client.get(reverse("admin:spending_budget_changelist")).status_code == 200
            return len(captured)

        one = questions()
        for _ in range(9):
            budget()
        assert questions() == one

    def test_making_and_changing_a_budget(
        self, staff_client: Any, alice: User, orchestra: Organization, ids: dict[str, str]
    ) -> None:
        form = {
            "name": "Autumn", "organization": str(orchestra.pk), "scope": "organization", "period": "day",
            "limit_usd": "5", "on_exceed": "stop", "active": "on",
        }  # fmt: skip
        made = staff_client.post(reverse("admin:spending_budget_add"), form)
        assert made.status_code == 302
        wrong = staff_client.post(reverse("admin:spending_budget_add"), form | {"limit_usd": ""})
        assert "A budget needs a limit" in wrong.content.decode()
        change = {"name": "Summer", "limit_usd": "6", "on_exceed": "pause", "period": "day"}
        address = reverse("admin:spending_budget_change", args=[ids["budget"]])
        assert staff_client.post(address, change).status_code == 302
        with acting_as(alice.pk):
            assert Budget.objects.get(name="Autumn").created_by_id == alice.pk
            changed = Budget.objects.get(pk=ids["budget"])
            assert (changed.name, changed.limit_usd, changed.period) == ("Summer", Decimal(6), "month")
