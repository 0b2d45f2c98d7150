"""Control with real workers: runs that fail and are retried, run again from within a loop, and are cancelled in the midst of
everything."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from apps.core.tenancy import acting_as, sweeping
from apps.executions import ledger
from apps.executions.models import Execution, Frame, Task
from apps.executions.services import Wanted, cancel_execution, rerun_execution, retry_execution, skip_task
from apps.executions.states import RerunMode
from tests.engine import Run
from tests.workers.stage import Stage
from workers import workspaces


def publish(stage: Stage, *steps: dict[str, Any], **more: Any) -> Any:
    return stage.publish(
        json.dumps({"workflow": {"name": "control", **more, "steps": list(steps)}}).encode(), media="json"
    )


@contextmanager
def in_threads(count: int) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(count) as pool:
        yield pool
        list(pool.map(lambda _: connection.close(), range(count)))


def file_first(name: str, path: str) -> dict[str, Any]:
    """Fails until the file is there."""
    return {"name": name, "type": "file_ops", "operation": "copy", "source": path, "destination": f"{path}.copy"}


def test_a_run_that_failed_goes_on_and_finishes(stage: Stage) -> None:
    version = publish(
        stage,
        {"name": "a", "type": "test_echo", "value": 1},
        file_first("b", "late.txt"),
        {"name": "c", "type": "test_echo"},
    )
    run = stage.start(version, {})
    assert run.wait().status == "failed"
    (workspaces.of(str(run.id)) / "late.txt").write_text("here")
    with acting_as(stage.user.pk):
        retry_execution(actor=stage.user, execution=run.execution())
    assert run.wait().status == "completed", run.state()
    assert {task.name: task.attempt for task in run.tasks()} == {"a": 1, "b": 2, "c": 1}


def test_what_only_a_failure_let_begin_is_not_kept_when_the_failed_step_is_skipped(stage: Stage) -> None:
    """A join of two begins unless both are skipped: one is from the beginning, the other was cancelled because of the failure."""
    version = publish(
        stage,
        {"name": "bad", "type": "simulate", "fail": "no"},
        {"name": "left", "type": "test_echo", "condition": False},
        {"name": "right", "type": "test_echo", "depends_on": ["bad"]},
        {"name": "either", "type": "test_echo", "depends_on": ["left", "right"], "join": "any"},
        mode="dag",
    )
    run = stage.start(version, {})
    assert run.wait().status == "failed"
    assert run.statuses() == {"bad": "failed", "left": "skipped", "right": "cancelled", "either": "completed"}
    with acting_as(stage.user.pk):
        skip_task(actor=stage.user, task=run.task("bad"))
    assert run.wait().status == "completed", run.state()
    assert set(run.statuses().values()) == {"skipped"}


def test_from_the_third_iteration_of_a_loop_with_the_files_of_before(stage: Stage) -> None:
    loop = {"name": "each", "type": "for_loop", "iterator": "one", "data_source": "range(0, 4)", "steps": [
        {"name": "note", "type": "set_variable", "variables": {"last": "{{loop.one}}"}},
        {"name": "say", "type": "test_echo", "value": "{{loop.one}}"}]}  # fmt: skip
    write = {"name": "write", "type": "file_ops", "operation": "write", "path": "kept.txt", "content": "kept"}
    version = publish(stage, write, loop, file_first("read", "kept.txt"))
    first = stage.start(version, {})
    assert first.wait().status == "completed", first.state()
    with acting_as(stage.user.pk):
        made = rerun_execution(
            actor=stage.user, execution=first.execution(), wanted=Wanted(RerunMode.FROM_HERE, "each[3]")
        )
    again = Run(stage.engine, made.pk)
    assert again.wait().status == "completed", again.state()
    assert [task.kept_from is not None for task in again.tasks() if task.name == "say"] == [True] * 3 + [False] * 2
    assert len(again.task("each").output["iterations"]) == 5
    assert first.task("each").output["iterations"] == again.task("each").output["iterations"]


def test_skipping_a_step_that_waits_releases_what_follows(stage: Stage) -> None:
    version = publish(stage, {"name": "ask", "type": "approval"}, {"name": "after", "type": "test_echo", "value": 2})
    run = stage.start(version, {})
    run.wait_for(lambda seen: seen.statuses().get("ask") == "waiting", "it waits")
    with acting_as(stage.user.pk):
        skip_task(actor=stage.user, task=run.task("ask"))
    assert run.wait().status == "completed", run.state()
    assert run.statuses() == {"ask": "skipped", "after": "completed"}


@pytest.mark.parametrize("seed", range(3))
def test_cancelled_in_the_midst_of_claims_nothing_is_left_unfinished(stage: Stage, seed: int) -> None:
    """Claims, completions and expansions from many connections while it is cancelled."""
    inner = [{"name": f"i{number}", "type": "test_echo"} for number in range(3)]
    steps = [{"name": f"s{number}", "type": "test_echo"} for number in range(20)]
    loops = [
        {
            "name": f"l{number}",
            "type": "for_loop",
            "iterator": "one",
            "data_source": "range(0, 60)",
            "parallel": True,
            "steps": inner,
        }
        for number in range(5)
    ]
    last = {"name": "last", "type": "test_echo", "depends_on": [step["name"] for step in (*steps, *loops)]}
    run = stage.start(publish(stage, *steps, *loops, last, mode="dag"), {})
    run.wait_for(lambda seen: seen.count("completed") > seed * 8, "it is under way")
    with acting_as(stage.user.pk):
        cancel_execution(actor=stage.user, execution=run.execution())
    open_ones = ("pending", "dispatched", "executing", "waiting")
    run.wait_for(lambda seen: seen.count(*open_ones) == 0, "nothing is left")
    with acting_as(stage.user.pk):
        left = Task.objects.filter(execution_id=run.id, status__in=open_ones)
        assert not left.exists()
        run.wait_for(lambda seen: not seen.execution().unsettled, "it is settled")
        assert not Frame.objects.filter(execution_id=run.id, status__in=("pending", "running")).exists()


def test_what_another_connection_held_is_cancelled_as_soon_as_it_lets_go(stage: Stage) -> None:
    """Its row is passed over, the run says so, and the next look has it."""
    run = stage.start(publish(stage, {"name": "wait", "type": "approval"}, {"name": "b", "type": "test_echo"}), {})
    run.wait_for(lambda seen: seen.statuses().get("wait") == "waiting", "it waits")
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with acting_as(stage.user.pk):
            list(Task.objects.select_for_update().filter(execution_id=run.id, name="b"))
            held.set()
            go.wait(30)
        connection.close()

    with in_threads(1) as pool:
        holding = pool.submit(hold)
        assert held.wait(30)
        with acting_as(stage.user.pk):
            cancel_execution(actor=stage.user, execution=run.execution())
        assert run.execution().unsettled
        assert run.statuses()["b"] == "pending"
        go.set()
        holding.result()
    with sweeping():
        ledger.settle_ended()
    run.wait_for(lambda seen: seen.statuses()["b"] == "cancelled", "it is cancelled")
    assert not run.execution().unsettled


def test_an_iteration_ends_after_what_led_to_a_step_that_was_skipped(stage: Stage) -> None:
    inner = [{"name": "ask", "type": "signal", "signal": "go"}, {"name": "then", "type": "test_echo", "value": 1}]
    loop = {"name": "each", "type": "for_loop", "iterator": "one", "data_source": [1], "steps": inner}
    run = stage.start(publish(stage, loop), {})
    run.wait_for(lambda seen: seen.statuses().get("ask") == "waiting", "it waits")
    with acting_as(stage.user.pk):
        skip_task(actor=stage.user, task=next(task for task in run.tasks() if task.name == "then"))
    assert run.statuses() == {"each": "waiting", "ask": "waiting", "then": "skipped"}
    stage.tell(run, "go", {"answer": 42})
    assert run.wait().status == "completed", run.state()
    each = next(task for task in run.tasks() if task.name == "each")
    assert each.output["iterations"][0]["results"]["ask"]["payload"] == {"answer": 42}


def test_of_two_retries_at_once_one_goes_on(stage: Stage) -> None:
    run = stage.start(publish(stage, file_first("b", "never.txt")), {})
    assert run.wait().status == "failed"
    barrier = threading.Barrier(2)

    def retry(_: int) -> str:
        try:
            with acting_as(stage.user.pk):
                execution = Execution.objects.get(pk=run.id)
                barrier.wait(30)
                return retry_execution(actor=stage.user, execution=execution).status
        except Exception as error:  # noqa: BLE001 - what the second one is told
            return type(error).__name__

    with in_threads(2) as pool:
        told = list(pool.map(retry, range(2)))
    assert sorted(told, reverse=True).pop() == "NotRetryable", told
    assert run.execution().retry_count == 1
    assert run.wait().status == "failed"
