"""The register of workers: signs of life, routes, who may see what, and what nobody could ever run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.accounts.queries import organization_for
from apps.core.ids import uuid7
from apps.core.tenancy import acting_as, sweeping
from apps.executions import ledger
from apps.executions.errors import NotRunnable
from apps.executions.models import Execution, PlanNode, Route, Worker
from apps.executions.services import start_execution
from apps.melodies.models import MelodyVersion
from apps.melodies.services import create_melody
from tests.conftest import database_role

pytestmark = pytest.mark.django_db


@contextmanager
def working() -> Iterator[None]:
    """On the database role of workers, whatever the test is on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (before,) = cursor.fetchone()
        cursor.execute("SET ROLE symphony_worker")
        yield
        cursor.execute(f'SET ROLE "{before}"')


def beat(name: str = "steps@one", **more: Any) -> list[str]:
    row = {
        "id": str(uuid7()), "name": name, "host": "one", "pid": 7, "pool": "prefork", "slots": 4, "stuck": 0,
        "queues": ["steps"], "capabilities": [], "version": "1", "state": "online",
        "started_at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    with working():
        return ledger.beat({**row, **more})


def fall_silent(name: str, days: float = 0) -> None:
    with working(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE executions_worker SET until = now() - interval '1 second', seen_at = now() - %s * interval '1 day' "
            "WHERE name = %s",
            [days, name],
        )


def tidy() -> int:
    with working(), sweeping():
        return ledger.tidy_workers()


def publish(actor: User, *steps: dict[str, Any], **fields: Any) -> MelodyVersion:
    source = json.dumps({"workflow": {"name": "Where", **fields, "steps": list(steps)}})
    with acting_as(actor.pk):
        return create_melody(actor=actor, organization=organization_for(actor=actor), source=source, media="json")


def begin(actor: User, version: MelodyVersion) -> Execution:
    with acting_as(actor.pk), database_role("symphony_web"):
        return start_execution(actor=actor, melody=version.melody)


ECHO = {"name": "say", "type": "test_echo", "value": 1}


class TestSlots:
    def test_only_those_count_who_take_such_steps_and_are_there(self) -> None:
        beat("steps@one", slots=4)
        beat("steps@two", slots=8, stuck=3, capabilities=["eu", "gpu"])
        beat("both@three", slots=2, queues=["calls", "steps"], state="draining")
        beat("calls@four", slots=100, queues=["calls"])
        assert ledger.slots_for("steps") == 4 + 5
        assert ledger.slots_for("steps+gpu") == ledger.slots_for("steps+eu+gpu") == 5
        assert ledger.slots_for("calls+gpu") == ledger.slots_for("heavy") == 0
        fall_silent("steps@one")
        assert ledger.slots_for("steps") == 5

    def test_a_worker_that_comes_widens_the_window_and_one_that_goes_leaves_it_to_the_sweep(self) -> None:
        def sizes() -> dict[str, int]:
            with working(), connection.cursor() as cursor:
                cursor.execute("SELECT queue, size FROM executions_window")
                return dict(cursor.fetchall())

        beat("one", slots=4)
        beat("two", slots=16, queues=["calls", "steps"])
        assert sizes() == {"steps": 40, "calls": 32}
        beat("two", slots=16, queues=["calls", "steps"], state="draining")
        beat("one", slots=1)
        assert sizes() == {"steps": 40, "calls": 32}

    def test_more_stuck_slots_than_slots_take_nothing_from_others(self) -> None:
        beat("one", slots=2, stuck=5)
        beat("two", slots=3)
        assert ledger.slots_for("steps") == 3

    def test_a_name_that_begins_anew_replaces_who_had_it(self) -> None:
        beat(pid=7, slots=4)
        beat(pid=8, slots=6)
        with working():
            ledger.leave("steps@one", 7)
        assert Worker.objects.get().state == "online"
        with working():
            ledger.leave("steps@one", 8)
        assert (Worker.objects.get().state, ledger.slots_for("steps")) == ("gone", 0)

    def test_the_silent_are_gone_and_after_days_forgotten(self, settings: Settings) -> None:
        settings.SYMPHONY_WORKERS_REMEMBERED_DAYS = 2
        for name in ("here", "silent", "long_silent"):
            beat(name)
        fall_silent("silent")
        fall_silent("long_silent", days=3)
        assert tidy() == 2
        assert dict(Worker.objects.values_list("name", "state")) == {"here": "online", "silent": "gone"}
        assert tidy() == 0


class TestRoutes:
    def test_a_worker_takes_routes_that_runs_have_needed_and_it_can_serve(self, alice: User) -> None:
        assert beat(capabilities=["docker", "gpu"]) == ["steps"]
        begin(alice, publish(alice, ECHO | {"requires": ["gpu"]}))
        assert beat(capabilities=["docker", "gpu"]) == ["steps", "steps+gpu"]
        assert beat("other", capabilities=["docker"]) == ["steps"]
        assert beat("elsewhere", queues=["calls"], capabilities=["gpu"]) == ["calls"]

    def test_a_route_goes_when_nobody_used_it_for_long_but_never_under_a_run(
        self, alice: User, settings: Settings
    ) -> None:
        settings.SYMPHONY_CAPABILITIES = ("eu", "gpu")
        run = begin(alice, publish(alice, ECHO | {"requires": ["gpu"]}))
        begin(alice, publish(alice, ECHO | {"requires": ["eu"]}))
        with connection.cursor() as cursor, acting_as(alice.pk):
            cursor.execute("UPDATE executions_route SET used_at = now() - interval '30 days'")
            cursor.execute("SELECT ledger_cancel(id, 'x') FROM executions_execution WHERE id <> %s", [run.pk])
        tidy()
        assert [route.name for route in Route.objects.all()] == ["steps+gpu"]

    def test_there_are_only_so_many(self, alice: User, settings: Settings) -> None:
        settings.SYMPHONY_CAPABILITIES, settings.SYMPHONY_MAX_ROUTES = ("eu", "gpu"), 1
        begin(alice, publish(alice, ECHO | {"requires": ["gpu"]}))
        begin(alice, publish(alice, ECHO | {"requires": ["gpu"]}))
        with pytest.raises(NotRunnable) as refusal:
            begin(alice, publish(alice, ECHO | {"requires": ["eu"]}))
        assert "too many such combinations" in refusal.value.errors[0]["message"]


class TestNotRunnable:
    def refused(self, actor: User, version: MelodyVersion) -> list[dict[str, Any]]:
        with pytest.raises(NotRunnable) as refusal:
            begin(actor, version)
        with acting_as(actor.pk):
            assert not Execution.objects.exists()
        return refusal.value.errors

    def test_a_queue_nobody_knows(self, alice: User) -> None:
        (error,) = self.refused(alice, publish(alice, ECHO, {"name": "far", "type": "test_echo", "queue": "mars"}))
        assert (error["code"], error["step"], error["pointer"]) == ("queue", "far", "/workflow/steps/1/queue")
        assert "queue 'mars', which no worker serves: use 'steps', 'calls' or 'heavy'" in error["message"]

    def test_a_capability_nobody_has_is_told_where_it_is_written(self, alice: User) -> None:
        inner = {
            "name": "each",
            "type": "for_loop",
            "iterator": "n",
            "data_source": [1],
            "steps": [ECHO | {"requires": "gpu"}],
        }
        (error,) = self.refused(alice, publish(alice, inner))
        assert (error["code"], error["step"]) == ("requires", "say")
        assert error["pointer"] == "/workflow/steps/0/steps/0/requires"
        model = {"name": "ask", "type": "simulate"}
        (error,) = self.refused(alice, publish(alice, model, defaults={"requires": ["gpu", "eu"]}))
        assert (error["pointer"], "'eu' and 'gpu'" in error["message"]) == ("/workflow/defaults/requires", True)

    def test_workers_of_another_queue_are_named(self, alice: User) -> None:
        beat("heavy@one", queues=["heavy"], capabilities=["gpu"])
        (error,) = self.refused(alice, publish(alice, ECHO | {"requires": ["gpu"]}))
        assert "those of 'heavy' have it, so say `queue: heavy`" in error["message"]

    def test_each_problem_is_told(self, alice: User) -> None:
        steps = (ECHO | {"queue": "mars"}, {"name": "b", "type": "test_echo", "requires": ["gpu"]})
        assert {error["code"] for error in self.refused(alice, publish(alice, *steps))} == {"queue", "requires"}

    def test_who_was_there_lately_or_is_announced_will_do(self, alice: User, settings: Settings) -> None:
        settings.SYMPHONY_QUEUE_NAMES = (*settings.SYMPHONY_QUEUE_NAMES, "reports")
        begin(alice, publish(alice, ECHO | {"queue": "reports"}))
        beat(queues=["mars"], capabilities=["gpu"])
        fall_silent("steps@one")
        begin(alice, publish(alice, ECHO | {"queue": "mars", "requires": ["gpu"]}))
        settings.SYMPHONY_CAPABILITIES = ("eu",)
        run = begin(alice, publish(alice, ECHO | {"requires": ["eu"]}))
        with acting_as(alice.pk):
            assert PlanNode.objects.get(version_id=run.version_id).queue == "steps+eu"

    def test_what_says_nothing_costs_nothing(
        self, alice: User, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        version = publish(alice, ECHO)
        with acting_as(alice.pk), django_assert_max_num_queries(3) as asked:
            start_execution(actor=alice, melody=version.melody)
        assert not any("not_runnable" in query["sql"] for query in asked.captured_queries)


class TestApi:
    def listed(self, client: APIClient, query: str = "") -> list[dict[str, Any]]:
        response = client.get(f"/api/v1/workers/{query}")
        assert response.status_code == 200, response.content
        found: list[dict[str, Any]] = response.json()["results"]
        return found

    def test_members_see_queues_and_slots_but_no_host(self, alice: User, api_of: Callable[[User], APIClient]) -> None:
        beat(slots=4, stuck=1, capabilities=["gpu"])
        (seen,) = self.listed(api_of(alice))
        assert {name: seen[name] for name in ("state", "queues", "slots", "stuck", "capabilities", "pool")} == {
            "state": "online", "queues": ["steps"], "slots": 4, "stuck": 1, "capabilities": ["gpu"], "pool": "prefork",
        }  # fmt: skip
        assert (seen["name"], seen["host"], seen["version"]) == (None, None, None)
        User.objects.filter(pk=alice.pk).update(is_staff=True)
        (seen,) = self.listed(api_of(User.objects.get(pk=alice.pk)))
        assert (seen["name"], seen["host"], seen["version"]) == ("steps@one", "one", "1")

    def test_filters(self, alice: User, api_of: Callable[[User], APIClient]) -> None:
        beat("one", capabilities=["gpu"])
        beat("two", queues=["calls"])
        beat("three")
        fall_silent("three")
        client = api_of(alice)
        assert len(self.listed(client, "?state=gone")) == 1
        assert len(self.listed(client, "?state=gone&state=online")) == 3
        assert [row["queues"] for row in self.listed(client, "?queue=calls")] == [["calls"]]
        assert len(self.listed(client, "?capability=gpu")) == 1
        assert client.get("/api/v1/workers/?state=asleep").status_code in (400, 422)

    def test_strangers_are_asked_who_they_are(self) -> None:
        assert APIClient().get("/api/v1/workers/").status_code == 401
