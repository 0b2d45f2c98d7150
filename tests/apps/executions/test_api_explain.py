"""Explaining by API, command line and admin: the cases that random states do not bring, and when a step will begin."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, Role, User
from apps.core.tenancy import acting_as, staff
from apps.executions import ledger, services
from apps.executions.explaining import explain_execution, explain_task
from apps.executions.models import Execution, Task
from tests.apps.executions.conftest import Player, as_worker
from tests.apps.executions.test_explain import worker_online

pytestmark = pytest.mark.django_db

Start = Callable[..., Player]
Api = Callable[[User], APIClient]

LOOP = """\
workflow:
  name: loop
  steps:
    - name: each
      type: for_loop
      iterator: item
      data_source: [1, 2, 3]
      steps:
        - {name: inner, type: test_echo}
        - {name: after, type: test_echo}
"""


def of(player: Player, name: str) -> Task:
    with staff():
        return Task.objects.get(execution=player.execution, name=name)


def codes(found: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in found["reasons"]]


def test_by_api(alice: User, start: Start, api_of: Api) -> None:
    player = start(alice)
    worker_online("steps")
    api = api_of(alice)
    answer = api.get(f"/api/v1/tasks/{of(player, 'last').pk}/explain/")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["state"], found["name"], codes(found)) == ("pending", "last", ["waits_for_steps"])
    assert [step["name"] for step in found["reasons"][0]["steps"]] == ["left", "right"]
    assert found["reasons"][0]["message"].startswith("It waits for 2 steps before it: left (pending)")
    whole = api.get(f"/api/v1/executions/{player.execution.pk}/explain/").json()
    assert whole["counts"] == {"dispatched": 1, "pending": 3}
    assert [(step["name"], codes(step)) for step in whole["steps"]] == [("first", ["sent"])]
    with acting_as(alice.pk):
        services.pause_execution(actor=alice, execution=player.execution, reason="tea")
    (paused, *_) = api.get(f"/api/v1/executions/{player.execution.pk}/explain/").json()["reasons"]
    assert (paused["code"], paused["reason"], paused["by"]) == ("paused", "tea", alice.email)


def test_strangers_learn_nothing_and_viewers_may_ask(
    alice: User, bob: User, carol: User, orchestra: Organization, start: Start, api_of: Api
) -> None:
    accounts.add_member(actor=alice, organization=orchestra, user=bob, role=Role.VIEWER)
    player = start(alice, organization=orchestra)
    for address in (f"tasks/{of(player, 'first').pk}", f"executions/{player.execution.pk}"):
        assert api_of(carol).get(f"/api/v1/{address}/explain/").status_code == 404
        assert api_of(bob).get(f"/api/v1/{address}/explain/").status_code == 200


def test_a_loop_waits_for_its_iterations_and_they_for_each_other(alice: User, start: Start) -> None:
    player = start(alice, LOOP)
    worker_online("steps")
    claimed = player.claim(of(player, "each").pk)
    player.expand(claimed, [{"body": 0, "loop": {"index": n}} for n in range(3)])
    with acting_as(alice.pk):
        (waits,) = explain_task(of(player, "each"))["reasons"]
        tasks = list(Task.objects.filter(execution=player.execution, parent_id=claimed["task"]).order_by("id"))
        told = [explain_task(task) for task in tasks]
    assert (waits["code"], waits["inner"], waits["remaining"], waits["of"]) == ("waits_for_steps", True, 3, 3)
    assert [step["name"] for step in waits["steps"]] == ["inner"]
    assert [codes(found) for found in told if found["name"] == "inner"] == [["sent"], ["gate"], ["gate"]]
    last = told[-1]
    assert last["name"] in ("after", "join")
    assert "gate" in codes(last)
    assert last["predicted_start"]["at"] is None
    assert last["predicted_start"]["because"] == "unmeasured"


def test_money_a_call_has_set_aside_and_a_budget_that_asks(alice: User, start: Start) -> None:
    player = start(alice)
    player.ask("Budget month", details={"budget": "month"})
    with acting_as(alice.pk):
        approval, budget = explain_task(of(player, "first"))["reasons"]
    assert (approval["code"], approval["role"]) == ("approval", "member")
    assert (budget["code"], budget["budget"]) == ("budget", "month")


def test_no_worker_and_how_it_is_told(alice: User, start: Start) -> None:
    player = start(alice)
    worker_online("calls")
    with acting_as(alice.pk):
        found = explain_task(of(player, "first"))
    assert codes(found) == ["no_worker", "sent"]
    assert found["reasons"][0]["message"] == "No worker for queue steps is online."
    assert found["predicted_start"]["because"] == "no_worker"


def test_when_it_begins_by_what_earlier_runs_took(alice: User, start: Start, publish: Any) -> None:
    version = publish(alice)
    worker_online("steps")

    def run() -> Player:
        with acting_as(alice.pk):
            return Player(services.start_execution(actor=alice, melody=version.melody, version=version))

    for _ in range(3):
        earlier = run()
        earlier.play()
        with staff():
            begun = Task.objects.filter(execution=earlier.execution, started_at__isnull=False)
            begun.update(completed_at=F("started_at") + timedelta(seconds=20))
    player = run()
    with acting_as(alice.pk):
        unknown = explain_task(of(player, "last"))["predicted_start"]
    seconds = (datetime.fromisoformat(unknown["at"]) - datetime.now(UTC)).total_seconds()
    assert 38 < seconds <= 40.5
    assert (unknown["confidence"], unknown["measured_steps"], unknown["estimated_steps"]) == ("high", 3, 0)
    claimed = player.claim(player.task_ids("dispatched")[0])
    player.finish(claimed)
    with acting_as(alice.pk):
        sooner = explain_task(of(player, "last"))["predicted_start"]
    assert sooner["at"] < unknown["at"]
    with as_worker():
        ledger.wait(player.claim(of(player, "left").pk), "signal", None, key="go", carry={})
    with acting_as(alice.pk):
        assert explain_task(of(player, "last"))["predicted_start"]["because"] == "signal"
        assert explain_task(of(player, "first"))["predicted_start"] is None


def test_a_step_that_waits_says_until_when(alice: User, start: Start) -> None:
    player = start(alice)
    due = datetime.now(UTC) + timedelta(hours=2)
    with as_worker():
        ledger.wait(player.claim(player.task_ids("dispatched")[0]), "retry", due, error={"code": "x", "message": "y"})
    with acting_as(alice.pk):
        found = explain_task(of(player, "first"))
    assert codes(found) == ["retry"]
    assert datetime.fromisoformat(found["reasons"][0]["until"]) == due
    assert datetime.fromisoformat(found["predicted_start"]["at"]) == due


@pytest.mark.parametrize("command", [("explain",), ("melody", "explain")])
def test_by_command(alice: User, start: Start, command: tuple[str, ...]) -> None:
    player = start(alice)
    ended = player.claim(player.task_ids("dispatched")[0])
    player.finish(ended)

    def say(*arguments: str) -> str:
        out = io.StringIO()
        call_command(*command, *arguments, "--user", alice.email, stdout=out)
        return out.getvalue()

    assert "last (test_echo) pending\n  It waits for 2 steps before it" in say(str(of(player, "last").pk))
    assert "completed" in say(str(ended["task"]))
    assert f"execution {player.execution.pk} running" in say(str(player.execution.pk))
    assert json.loads(say(str(player.execution.pk), "--json"))["counts"]["completed"] == 1
    with pytest.raises(CommandError, match="no such execution"):
        say("00000000-0000-4000-8000-000000000000")


def test_the_admin_says_why(alice: User, start: Start, client: Client) -> None:
    player = start(alice)
    with staff():
        User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client.force_login(User.objects.get(pk=alice.pk))
    page = client.get(f"/admin/executions/task/{of(player, 'last').pk}/change/").content.decode()
    assert "It waits for 2 steps before it" in page
    assert (
        "first: It is released"
        in client.get(f"/admin/executions/execution/{player.execution.pk}/change/").content.decode()
    )


def test_large_runs_are_explained_as_quickly(alice: User, start: Start) -> None:
    """50,000 steps, in any order: what is asked is a few rows, never all of them."""
    steps = [
        {"name": f"s{n}", "type": "test_echo", "depends_on": [f"s{n - 1}"] if n % 1000 else []} for n in range(5000)
    ]
    player = start(alice, {"workflow": {"name": "large", "mode": "dag", "steps": steps}})
    with acting_as(alice.pk):
        tasks = [Task.objects.get(execution=player.execution, name=f"s{n}") for n in (1, 999, 1001, 2500, 4999)]
        explain_task(tasks[0])
        took = []
        for task in tasks:
            began = time.perf_counter()
            assert explain_task(task)["reasons"]
            took.append(time.perf_counter() - began)
        assert sorted(took)[2] < 0.1, took
        assert len(explain_execution(Execution.objects.get(pk=player.execution.pk))["steps"]) == 5
