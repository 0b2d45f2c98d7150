"""Sweeps side by side: each does its part, none waits for another in a circle, and nothing is done twice."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from django.db import connection
from pytest_django import Settings

from apps.accounts.models import User
from apps.core.tenancy import acting_as, sweeping
from apps.executions import ledger
from apps.executions.models import Event, Execution, Task
from apps.executions.queries import tasks_of
from tests.workers.clock import sweep
from tests.workers.test_ledger import begin, claim

pytestmark = pytest.mark.django_db(transaction=True)

RUNS, STEPS = 6, 4


def begun(user: User) -> UUID:
    """A run whose steps pass its gate, all of them claimed, and the leases of all over."""
    steps = [{"name": f"s{number}", "type": "simulate", "depends_on": []} for number in range(STEPS)]
    limits = {"max_parallel_steps": STEPS}
    with acting_as(user.pk):
        execution, released = begin(
            user, {"workflow": {"name": "gates", "mode": "dag", "resource_limits": limits, "steps": steps}}
        )
        for release in released:
            assert claim(release) is not None
        tasks_of(execution.pk).filter(status="executing").update(due_at="2020-01-01T00:00:00Z")
    return execution.pk


def sweep_all(together: Barrier) -> int:
    """As a sweep does it, until nothing is due; how many portions it took."""
    taken = 0
    try:
        together.wait()
        while due := due_runs():
            for run in due:
                for tasks in run.portions():
                    with sweeping():
                        ledger.sweep_run(run.execution_id, tasks)
                    taken += 1
    finally:
        connection.close()
    return taken


def due_runs() -> list[ledger.DueRun]:
    with sweeping():
        return ledger.due_runs(100)


def test_they_never_stand_in_each_others_way(alice: User, settings: Settings) -> None:
    settings.SYMPHONY_MAX_LOST_ATTEMPTS = 1
    runs = [begun(alice) for _ in range(RUNS)]
    together = Barrier(3)
    with ThreadPoolExecutor(3) as pool:
        portions = [future.result(60) for future in [pool.submit(sweep_all, together) for _ in range(3)]]
    assert sum(portions) >= RUNS * STEPS, "what passes a gate is swept one by one"
    with acting_as(alice.pk):
        assert {execution.status for execution in Execution.objects.filter(pk__in=runs)} == {"failed"}
        told = Counter(Event.objects.filter(event_type="error_occurred").values_list("task_id", flat=True))
        assert set(told.values()) == {1}
        assert len(told) == RUNS * STEPS
        assert set(Task.objects.filter(kind="simulate").values_list("losses", flat=True)) == {1}


def test_a_run_one_sweep_is_at_is_left_alone_by_the_other(alice: User, settings: Settings) -> None:
    settings.SYMPHONY_MAX_LOST_ATTEMPTS = 1
    run = begun(alice)

    def beside() -> int:
        try:
            return len(sweep()) + sum(task.status == "failed" for task in tasks_in(run))
        finally:
            connection.close()

    def tasks_in(execution: UUID) -> list[Task]:
        with acting_as(alice.pk):
            return list(tasks_of(execution))

    with ThreadPoolExecutor(1) as pool, sweeping():
        (due,) = ledger.due_runs(100)
        ledger.sweep_run(run, due.tasks[:1])
        assert pool.submit(beside).result(20) == 0, "it neither waits nor touches the other tasks of the run"
    sweep()
    assert {task.status for task in tasks_in(run)} == {"failed"}
