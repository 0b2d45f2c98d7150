"""What Prometheus reads is what the database says, and only those who may read it do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.core import metrics
from apps.core.tenancy import staff
from apps.executions.models import Task
from symphony.observability import collecting, wiring
from tests.apps.executions.conftest import Player
from tests.apps.executions.test_explain import worker_online

pytestmark = pytest.mark.django_db

TOKEN = "a-token-of-this-test-only"
Start = Callable[..., Player]


class Reading:
    """A page of metrics, as Prometheus' own parser reads it."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        self.names = [family.name for family in families]
        self.samples = [sample for family in families for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        found = [s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()]
        return sum(found)

    def labels(self, name: str) -> set[str]:
        return {value for s in self.samples if s.name == name for value in s.labels.values()}


@pytest.fixture(autouse=True)
def shown(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A web that shows metrics to whoever has the token, counting from nothing."""
    settings.SYMPHONY_METRICS_TOKEN = TOKEN
    settings.SYMPHONY_ROLE = "web"
    monkeypatch.setattr("symphony.health.web", wiring.Web())
    monkeypatch.setattr(collecting, "FRESH_SECONDS", 0.0)
    yield
    metrics.install(None)


def read(client: Client) -> Reading:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    return Reading(answer.content.decode())


def test_numbers_are_those_of_the_database(alice: User, start: Start, web_role: None, client: Client) -> None:
    first, second = start(alice), start(alice)
    first.claim(first.task_ids("dispatched")[0])
    claimed = second.claim(second.task_ids("dispatched")[0])
    second.finish(claimed)
    second.ask("Go?")
    worker_online("steps", "calls", slots=3)
    found = read(client)
    with staff():
        dispatched = Task.objects.filter(status="dispatched").count()
        executing = Task.objects.filter(status="executing").count()
    assert (dispatched, executing) == (1, 1)
    assert found.value("symphony_queue_ready") == dispatched
    assert found.value("symphony_queue_executing") == executing
    assert found.value("symphony_queue_oldest_seconds") > 0
    assert found.value("symphony_waiting", **{"for": "approval"}) == 1
    assert found.value("symphony_executions", status="running") == 2
    assert found.value("symphony_worker_slots", queue="steps", state="online") == 3
    assert found.value("symphony_database_reachable") == 1
    assert found.value("symphony_broker_reachable") == 1


def test_lease_expiries_are_counted_by_the_database(alice: User, start: Start, client: Client) -> None:
    before = read(client).value("symphony_lease_expiries_total")
    player = start(alice)
    task = player.claim(player.task_ids("dispatched")[0])["task"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.staff', 'on', true)")
        cursor.execute("SELECT ledger_lost(%s, 'lease_expired', 5, 0, 10)", [task])
    assert read(client).value("symphony_lease_expiries_total") == before + 1


def test_answers_are_measured_by_route_not_by_id(
    alice: User, start: Start, api_of: Callable[[User], APIClient]
) -> None:
    api = api_of(alice)
    read(api)
    player = start(alice)
    for _ in range(3):
        api.get(f"/api/v1/executions/{player.execution.pk}/")
    api.get("/api/v1/nothing/of/the/kind/")
    found = read(api)
    route = "api/v1/executions/<uuid:execution_id>/"
    assert found.value("symphony_http_seconds_count", route=route, method="GET", status="200") == 3
    assert found.value("symphony_http_seconds_count", route="unresolved") == 1
    assert not any(str(player.execution.pk) in label for label in found.labels("symphony_http_seconds_count"))


@pytest.mark.parametrize(
    ("token", "allow", "headers", "status"),
    [
        (None, (), {}, 404),
        (None, (), {"Authorization": f"Bearer {TOKEN}"}, 404),
        (TOKEN, (), {}, 401),
        (TOKEN, (), {"Authorization": "Bearer another"}, 401),
        (TOKEN, (), {"Authorization": f"bearer {TOKEN}"}, 200),
        (TOKEN, ("127.0.0.0/8",), {}, 401),
        (None, ("127.0.0.0/8",), {}, 200),
        (None, ("10.0.0.0/8",), {}, 403),
        (None, ("127.0.0.0/8",), {"X-Forwarded-For": "10.1.1.1"}, 200),
    ],
)
def test_nobody_reads_it_unless_allowed(
    client: Client,
    settings: Settings,
    token: str | None,
    allow: tuple[str, ...],
    headers: dict[str, str],
    status: int,
) -> None:
    settings.SYMPHONY_METRICS_TOKEN, settings.SYMPHONY_METRICS_ALLOW = token, allow
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("WWW-Authenticate" in answer) == (status == 401)
    if status != 200:
        assert (answer["Content-Type"], answer.json()["status"]) == ("application/problem+json", status)


def test_names_of_tenants_are_told_only_when_asked_for(
    alice: User, start: Start, client: Client, settings: Settings
) -> None:
    slug = start(alice).execution.organization.slug
    assert slug not in client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    settings.SYMPHONY_METRICS_TENANTS = True
    assert read(client).value("symphony_organization_ready", organization=slug) == 1


def test_what_a_step_counts_costs_nothing_when_nobody_looks() -> None:
    counted: list[Any] = []

    class Sink:
        def add(self, *told: Any) -> None:
            counted.append(told)

        observe = add

    metrics.install(None)
    metrics.count(metrics.SENT)
    metrics.install(Sink())
    with metrics.inside(metrics.SLOTS_BUSY):
        metrics.observe(metrics.HOP_SECONDS, -3.0, "steps")
    assert counted == [
        (metrics.SLOTS_BUSY, 1, ()),
        (metrics.HOP_SECONDS, 0.0, ("steps",)),
        (metrics.SLOTS_BUSY, -1, ()),
    ]
