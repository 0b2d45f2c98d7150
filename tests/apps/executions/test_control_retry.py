"""Retrying a run: the same execution goes on, and keeps what has completed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.models import User
from apps.core.tenancy import acting_as
from apps.executions import ledger
from apps.executions.errors import NotRetryable
from apps.executions.models import Execution, Frame, Task
from apps.executions.queries import tasks_of
from apps.executions.services import cancel_execution, retry_execution, set_task_result, skip_task
from tests.apps.executions.conftest import as_worker

pytestmark = pytest.mark.django_db

Start = Callable[..., Any]
FAILS = {"status": "failed", "error": {"code": "meant", "message": "meant to fail"}}


@pytest.fixture
def acting(alice: User) -> Iterator[User]:
    with acting_as(alice.pk):
        yield alice


def chain(*names: str, **more: Any) -> dict[str, Any]:
    return {"workflow": {"name": "chain", **more, "steps": [{"name": name, "type": "test_echo"} for name in names]}}


def dag(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "workflow": {"name": "dag", "mode": "dag", **more, "steps": [{"type": "test_echo", **one} for one in steps]}
    }


def statuses(execution: Execution) -> dict[str, str]:
    return {task.name: task.status for task in tasks_of(execution.pk)}


def attempts(execution: Execution) -> dict[str, int]:
    return {task.name: task.attempt for task in tasks_of(execution.pk)}


def again(actor: User, execution: Execution) -> Execution:
    execution.refresh_from_db()
    return retry_execution(actor=actor, execution=execution)


def test_what_failed_and_what_waited_for_it_runs_again_and_nothing_else(acting: User, start: Start) -> None:
    player = start(acting, chain("a", "b", "c"))
    player.play(b=FAILS)
    assert statuses(player.execution) == {"a": "completed", "b": "failed", "c": "cancelled"}
    execution = again(acting, player.execution)
    assert (execution.status, execution.retry_count, execution.failures, execution.error_code) == ("pending", 1, 0, "")
    assert statuses(execution) == {"a": "completed", "b": "dispatched", "c": "pending"}
    player.play()
    execution.refresh_from_db()
    assert (execution.status, statuses(execution)) == ("completed", dict.fromkeys("abc", "completed"))
    assert attempts(execution) == {"a": 1, "b": 2, "c": 1}


def test_a_second_retry_finds_it_going_and_a_fourth_one_too_many(acting: User, start: Start) -> None:
    player = start(acting, chain("a"))
    for _ in range(3):
        player.play(a=FAILS)
        execution = again(acting, player.execution)
        with pytest.raises(NotRetryable, match="pending"):
            again(acting, execution)
    player.play(a=FAILS)
    with pytest.raises(NotRetryable, match="3 times"):
        again(acting, player.execution)


def test_a_late_outcome_of_the_earlier_go_changes_nothing(acting: User, start: Start) -> None:
    player = start(acting, dag({"name": "a"}, {"name": "b"}, resource_limits={"max_execution_time_s": 60}))
    claimed = {task["name"]: task for task in map(player.claim, player.task_ids("dispatched"))}
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_time_out(%s)", [player.execution.pk])
    again(acting, player.execution)
    renewed = player.claim(player.task_ids("dispatched")[0])
    player.finish(claimed["a"], output="late")
    assert statuses(player.execution)["a"] == "executing"
    player.finish(renewed, output="in time")
    player.play()
    assert Task.objects.get(execution=player.execution, name="a").output == "in time"


def test_clean_up_that_ran_because_of_the_failure_runs_again(acting: User, start: Start) -> None:
    player = start(
        acting, dag({"name": "a"}, {"name": "tidy", "depends_on": [{"step": "a", "on": "done"}]}, {"name": "other"})
    )
    player.play(a=FAILS)
    execution = again(acting, player.execution)
    assert statuses(execution) == {"a": "dispatched", "tidy": "pending", "other": "completed"}
    player.play()
    execution.refresh_from_db()
    assert (execution.status, attempts(execution)) == ("completed", {"a": 2, "tidy": 2, "other": 1})


def test_failures_that_were_tolerated_or_handled_stay(acting: User, start: Start) -> None:
    steps = (
        {"name": "loose", "continue_on_error": True},
        {"name": "caught"},
        {"name": "handler", "depends_on": [{"step": "caught", "on": "failure"}]},
        {"name": "worse", "depends_on": ["loose"]},
    )
    player = start(acting, dag(*steps))
    player.play(loose=FAILS, caught=FAILS, worse=FAILS)
    execution = again(acting, player.execution)
    assert statuses(execution) == {
        "loose": "failed", "caught": "failed", "handler": "completed", "worse": "dispatched"
    }  # fmt: skip
    player.play()
    execution.refresh_from_db()
    assert execution.status == "completed"


def test_steps_that_were_undone_run_again_with_what_followed_them(acting: User, start: Start) -> None:
    undo = [{"name": "undo", "type": "test_echo"}]
    steps = ({"name": "before"}, {"name": "book", "compensate": undo}, {"name": "tell"}, {"name": "pay"})
    document = {"workflow": {"name": "saga", "steps": [{"type": "test_echo", **one} for one in steps]}}
    player = start(acting, document)
    for _ in range(2):
        while "pay" not in (ready := {task.name for task in tasks_of(player.execution.pk).filter(status="dispatched")}):
            assert ready
            player.finish(player.claim(player.task_ids("dispatched")[0]))
        player.finish(player.claim(player.task_ids("dispatched")[0]), **FAILS)
        undo_all(player)
        player.execution.refresh_from_db()
        assert player.execution.status == "failed"
        execution = again(acting, player.execution)
        assert {name: statuses(execution)[name] for name in ("before", "book", "tell", "pay")} == {
            "before": "completed", "book": "dispatched", "tell": "pending", "pay": "pending"
        }  # fmt: skip
    player.play()
    execution.refresh_from_db()
    assert execution.status == "completed"
    assert Frame.objects.filter(execution=execution).count() == 2


def undo_all(player: Any) -> None:
    """As workers do with a compensation."""
    (task_id,) = player.task_ids("dispatched")
    claimed = player.claim(task_id)
    assert claimed["kind"] == "compensation"
    with as_worker():
        (release,) = ledger.compensate(claimed).released
    player.finish(player.claim(release.task_id))
    (task_id,) = player.task_ids("dispatched")
    player.finish(player.claim(task_id))


def looping(player: Any, iterations: int, **more: Any) -> None:
    claimed = player.claim(player.task_ids("dispatched")[0])
    player.expand(claimed, [{"body": 0, "loop": {"index": number}} for number in range(iterations)])


NESTED = {
    "workflow": {
        "name": "nested",
        "steps": [
            {"name": "call", "type": "switch", "expression": "1", "cases": {"1": [
                {"name": "x", "type": "test_echo"}, {"name": "y", "type": "test_echo"}]}},
            {"name": "after", "type": "test_echo"},
        ],
    }
}  # fmt: skip


def test_what_has_completed_inside_of_a_composite_step_is_kept(acting: User, start: Start) -> None:
    player = start(acting, NESTED)
    player.expand(player.claim(player.task_ids("dispatched")[0]), [{"body": 0}])
    player.finish(player.claim(player.task_ids("dispatched")[0]))
    player.finish(player.claim(player.task_ids("dispatched")[0]), **FAILS)
    player.finish(player.claim(player.task_ids("dispatched")[0]), **FAILS)
    player.execution.refresh_from_db()
    assert player.execution.status == "failed"
    execution = again(acting, player.execution)
    assert statuses(execution) == {"call": "waiting", "after": "pending", "x": "completed", "y": "dispatched"}
    player.play()
    execution.refresh_from_db()
    assert (execution.status, attempts(execution)) == ("completed", {"call": 1, "after": 1, "x": 1, "y": 2})


def test_a_run_out_of_time_goes_on_inside_its_loop_with_as_much_time_again(acting: User, start: Start) -> None:
    loop = {"name": "each", "type": "for_loop", "iterator": "one", "data_source": "range(0, 3)", "steps": [
        {"name": "inner", "type": "test_echo"}]}  # fmt: skip
    document = {"workflow": {"name": "loop", "resource_limits": {"max_execution_time_s": 60}, "steps": [loop]}}
    player = start(acting, document)
    looping(player, 3)
    player.finish(player.claim(player.task_ids("dispatched")[0]))
    late = player.claim(player.task_ids("dispatched")[0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_time_out(%s)", [player.execution.pk])
    execution = again(acting, player.execution)
    player.finish(late)
    inner = Task.objects.filter(execution=execution, name="inner").order_by("seq")
    assert [task.status for task in inner] == ["completed", "dispatched", "pending"]
    assert execution.deadline_at is not None
    assert execution.retried_at is not None
    assert 59 < (execution.deadline_at - execution.retried_at).total_seconds() < 61
    player.play()
    execution.refresh_from_db()
    assert (execution.status, [task.attempt for task in inner.all()]) == ("completed", [1, 2, 1])


def test_a_task_that_has_ended_moves_in_a_retry_only(acting: User, start: Start) -> None:
    player = start(acting, chain("a"))
    player.play()
    statement = "UPDATE executions_task SET status = 'pending', resets = resets + %s WHERE execution_id = %s"
    with pytest.raises(DatabaseError, match="illegal move"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [0, player.execution.pk])
    with connection.cursor() as cursor:
        cursor.execute(statement, [1, player.execution.pk])


def test_a_cancelled_run_is_not_retried(acting: User, start: Start) -> None:
    player = start(acting, chain("a"))
    cancel_execution(actor=acting, execution=player.execution)
    with pytest.raises(NotRetryable, match="rerun"):
        again(acting, player.execution)


def test_a_failed_step_is_given_a_result_and_the_run_goes_on(acting: User, start: Start) -> None:
    player = start(acting, chain("a", "b", "c"))
    player.play(b=FAILS)
    failed = Task.objects.get(execution=player.execution, name="b")
    set_task_result(actor=acting, task=failed, output={"by": "hand"})
    assert statuses(player.execution) == {"a": "completed", "b": "completed", "c": "dispatched"}
    assert failed.output == {"by": "hand"}
    player.play()
    player.execution.refresh_from_db()
    assert (player.execution.status, player.execution.retry_count) == ("completed", 1)


def test_skipping_the_last_failed_step_ends_the_run(acting: User, start: Start) -> None:
    player = start(acting, chain("a", "b"))
    player.play(b=FAILS)
    skip_task(actor=acting, task=Task.objects.get(execution=player.execution, name="b"), reason="not today")
    player.execution.refresh_from_db()
    assert player.execution.status == "completed"
    assert statuses(player.execution) == {"a": "completed", "b": "skipped"}
