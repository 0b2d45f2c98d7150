"""Explaining: for random states of random runs, every open task gets a reason, and each reason is true."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.core.tenancy import acting_as, working_for
from apps.executions import ledger, services
from apps.executions.explaining import explain_task
from apps.executions.models import Backlog, Execution, Expansion, Frame, PlanNode, Task
from apps.executions.states import EXECUTION_TERMINAL, TASK_TERMINAL
from apps.melodies.models import MelodyVersion
from tests.apps.executions.conftest import Player, as_worker
from tests.unit.compiler.melodies import Sketch, document, sketches

pytestmark = pytest.mark.django_db

Publish = Callable[..., MelodyVersion]
OVER = {status.value for status in TASK_TERMINAL}
RUN_OVER = {status.value for status in EXECUTION_TERMINAL}
RESEND = 10.0


class Undo(Exception):
    """Leaves nothing of an example behind."""


def begin(user: User, body: Mapping[str, Any], publish: Publish) -> Player:
    version = publish(user, json.dumps(body))
    with acting_as(user.pk):
        return Player(services.start_execution(actor=user, melody=version.melody, version=version))


@contextmanager
def rolled_back() -> Iterator[None]:
    with suppress(Undo), transaction.atomic():
        yield
        raise Undo


def explained(user: User, task: Task) -> dict[str, Any]:
    with acting_as(user.pk):
        return explain_task(task)


def worker_online(*queues: str, slots: int = 4) -> None:
    beat = {"id": str(uuid4()), "name": f"w@{uuid4().hex}", "host": "h", "pid": 1, "pool": "prefork", "slots": slots,
            "stuck": 0, "queues": list(queues), "capabilities": [], "version": "1", "state": "online",
            "started_at": datetime.now(UTC).isoformat()}  # fmt: skip
    with as_worker(), connection.cursor() as cursor:
        cursor.execute("SELECT ledger_beat(%s, 60)", [json.dumps(beat)])


# -- the oracle: what must be true of a row for a reason to be ------------------------------------------------------


class Oracle:
    """Looks at the rows of one run by itself, without the SQL that explains."""

    def __init__(self, execution_id: UUID) -> None:
        self.execution = Execution.objects.get(pk=execution_id)
        self.tasks = {task.pk: task for task in Task.objects.filter(execution_id=execution_id)}
        nodes = PlanNode.objects.filter(version_id=self.execution.version_id)
        self.nodes = {node.node: node for node in nodes}

    def open_tasks(self) -> list[Task]:
        return [task for task in self.tasks.values() if task.status not in OVER]

    def check(self, task: Task, reason: Mapping[str, Any]) -> None:
        getattr(self, f"_{reason['code']}")(task, reason)

    def _leads_to(self, before: Task, task: Task) -> bool:
        return before.frame_id == task.frame_id and task.node in self.nodes[before.node].successors

    def _waits_for_steps(self, task: Task, reason: Mapping[str, Any]) -> None:
        named = [self.tasks[UUID(step["task"])] for step in reason["steps"]]
        assert all(step.status not in OVER for step in named)
        assert [step["status"] for step in reason["steps"]] == [step.status for step in named]
        if reason["inner"]:
            assert (task.status, task.wait) == ("waiting", "frames")
            assert all(step.parent_id == task.pk for step in named)
            assert reason["remaining"] == Expansion.objects.get(task_id=task.pk).remaining > 0
            return
        assert task.status == "pending"
        assert named
        assert all(self._leads_to(step, task) for step in named)
        real = [t for t in self.tasks.values() if t.status not in OVER and self._leads_to(t, task)]
        assert len(named) == min(20, len(real))
        assert reason["remaining"] >= len(named)

    def _ended(self, task: Task, reason: Mapping[str, Any]) -> None:
        assert reason["what"] == "execution"
        assert reason["status"] == self.execution.status
        assert self.execution.status in RUN_OVER

    def _paused(self, task: Task, reason: Mapping[str, Any]) -> None:
        assert self.execution.status == "paused"
        assert task.status != "executing"
        assert datetime.fromisoformat(reason["at"]) == self.execution.paused_at

    def _worker(self, task: Task, reason: Mapping[str, Any]) -> None:
        assert task.status == "executing"
        assert task.worker is not None
        assert task.worker.startswith(reason["worker"])
        assert datetime.fromisoformat(reason["lease_until"]) == task.due_at
        assert reason["attempt"] == task.attempt

    def _gate(self, task: Task, reason: Mapping[str, Any]) -> None:
        if reason.get("gate") == "iterations":
            assert task.status == "pending"
            assert task.frame_id is not None
            assert Frame.objects.get(pk=task.frame_id).status == "pending"
            return
        assert task.status == "dispatched"
        inside = {str(t.pk) for t in self.tasks.values() if t.gate and t.status == "executing" and t.phase == 0}
        held = {
            str(t.pk)
            for t in self.tasks.values()
            if t.pk != task.pk and t.gate == task.gate and (t.status in ("executing", "waiting") or t.phase > 0)
        }
        holders = {holder["task"] for holder in reason["holders"]}
        if reason["name"] == "*":
            assert len(inside) >= reason["limit"] == self.execution.max_parallel
            assert holders == inside
        else:
            assert reason["name"] == task.gate
            assert holders
            assert holders <= held

    def _backlog(self, task: Task, reason: Mapping[str, Any]) -> None:
        assert task.status == "dispatched"
        assert reason["queue"] == task.queue
        assert Backlog.objects.get(task_id=task.pk).pool_id is None
        assert reason["position"] == reason["ahead"] + 1

    def _sent(self, task: Task, reason: Mapping[str, Any]) -> None:
        assert task.status == "dispatched"
        assert not Backlog.objects.filter(task_id=task.pk).exists()
        assert reason["queue"] == task.queue

    def _no_worker(self, task: Task, reason: Mapping[str, Any]) -> None:
        assert task.status == "dispatched"
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_workers(%s)", [task.queue])
            assert cursor.fetchone() == (0,)

    def _deciding(self, task: Task, reason: Mapping[str, Any]) -> None:
        raise AssertionError(f"{task} waits for nothing that is known")

    def _compensation(self, task: Task, reason: Mapping[str, Any]) -> None:
        assert (task.kind, task.status) == ("compensation", "pending")

    def _of_wait(self, task: Task, reason: Mapping[str, Any]) -> None:
        assert (task.status, task.wait) == ("waiting", reason["code"])
        until = reason["until"]
        assert (until and datetime.fromisoformat(until)) == task.due_at

    _timer = _retry = _approval = _signal = _of_wait


def act(player: Player, user: User, dice: random.Random) -> None:
    """Something happens to the run."""
    ready, running = player.task_ids("dispatched"), player.task_ids("executing")
    what = dice.choice(["claim", "claim", "finish", "finish", "wait", "expand", "pause", "resume", "cancel", "lose"])
    if what == "claim" and ready:
        with as_worker():
            ledger.claim(player.organization, str(dice.choice(ready)), "player@here/1")
    elif what == "finish" and running:
        row = _held(player, dice.choice(running))
        status = dice.choice(["completed", "completed", "failed", "skipped"])
        error = {"code": "meant", "message": "meant"} if status == "failed" else None
        player.finish(row, status=status, error=error)
    elif what == "wait" and running:
        reason = dice.choice(["timer", "retry", "approval", "signal"])
        due = datetime.now(UTC) + timedelta(hours=1) if reason in ("timer", "retry") else None
        with as_worker():
            ledger.wait(_held(player, dice.choice(running)), reason, due, key="name", carry={"role": "member"})
    elif what in ("pause", "resume", "cancel") and dice.random() < 0.3:
        with acting_as(user.pk), suppress(Exception), transaction.atomic():
            getattr(services, f"{what}_execution")(actor=user, execution=player.execution)


def _held(player: Player, task_id: UUID) -> dict[str, Any]:
    with as_worker(), working_for(player.organization):
        task = Task.objects.get(pk=task_id)
    return {"organization": player.organization, "task": str(task.pk), "lease": str(task.lease), "attempt": task.attempt,
            "name": task.name}  # fmt: skip


def check_all(user: User, player: Player) -> int:
    with acting_as(user.pk):
        oracle = Oracle(player.execution.pk)
    for task in oracle.open_tasks():
        found = explained(user, task)
        assert found["reasons"], task
        for reason in found["reasons"]:
            assert reason["message"].strip()
            with acting_as(user.pk):
                oracle.check(task, reason)
    return len(oracle.open_tasks())


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=sketches(max_steps=8), seed=st.integers(0, 2**16), served=st.booleans())
def test_every_open_task_has_reasons_and_they_are_true(
    alice: User, publish: Publish, steps: list[Sketch], seed: int, *, served: bool
) -> None:
    dice = random.Random(seed)
    body = document(steps)
    for step in body["workflow"]["steps"]:
        if dice.random() < 0.3:
            step["exclusive"] = dice.choice(["one", "two"])
    if dice.random() < 0.3:
        body["workflow"]["resource_limits"] = {"max_parallel_steps": dice.randint(1, 2)}
    with rolled_back():
        if served:
            worker_online("steps", "calls")
        player = begin(alice, body, publish)
        check_all(alice, player)
        for _ in range(8):
            act(player, alice, dice)
            check_all(alice, player)
