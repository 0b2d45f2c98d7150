"""The limits of a step's time, as the ledger and the sweep keep them, and what becomes of a step that has passed one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.tenancy import acting_as
from apps.executions import ledger
from apps.executions.ledger import NOTHING
from apps.executions.models import Event, Execution, Task
from apps.executions.queries import tasks_of
from apps.executions.services import pause_execution, resume_execution
from tests.workers.clock import deadline_passes, decided, lose_worker, pass_time, sweep
from tests.workers.test_ledger import begin, claim, finish
from workers import attempt, stopping
from workers.going_on import go_on
from workers.heart import Heart
from workers.outcomes import Expansion, Outcome, Waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def acting(alice: User) -> Any:
    with acting_as(alice.pk):
        yield alice


def single(user: User, *more: dict[str, Any], **fields: Any) -> tuple[Execution, ledger.Release]:
    """A run whose first step, `s`, has these fields."""
    first = {"name": "s", "type": "simulate", **fields}
    execution, (released,) = begin(user, {"workflow": {"name": "limits", "steps": [first, *more]}})
    return execution, released


def claimed(release: ledger.Release) -> dict[str, Any]:
    taken = claim(release)
    assert taken is not None
    return taken


def task(execution: Execution, name: str = "s") -> Task:
    return tasks_of(execution.pk).get(name=name)


def ended(execution: Execution) -> tuple[str, str]:
    execution.refresh_from_db()
    return execution.status, execution.error_code


def run_here(taken: dict[str, Any]) -> Any:
    """One attempt, in this very thread."""
    heart = Heart()
    heart.hold(taken)
    try:
        with heart.running(taken["lease"]) as cancelled:
            return attempt.run(taken, cancelled)
    finally:
        heart.release(taken["lease"])


# -- the queue ---------------------------------------------------------------------------------------------------------
def test_a_step_no_worker_begins_in_time_fails_without_any_worker(acting: User) -> None:
    execution, released = single(acting, queue_timeout_seconds=30)
    pass_time(released.task_id, 29)
    assert sweep() == []
    assert task(execution).status == "dispatched"
    pass_time(released.task_id, 2)
    assert sweep() == []
    assert ended(execution) == ("failed", "queue_timeout")
    assert "30 s" in task(execution).error["message"]
    assert claim(released) is None, "the message that is still in the queue finds nothing"


def test_its_error_handler_runs_then(acting: User) -> None:
    handler = [{"name": "instead", "type": "test_echo", "value": "{{error.code}}"}]
    execution, released = single(acting, queue_timeout_seconds=30, on_error=handler)
    pass_time(released.task_id, 31)
    (inner,) = decided(sweep())
    taken = claimed(inner)
    assert taken["loop"]["error"]["code"] == "queue_timeout"
    assert task(execution).limit_at is None, "what handles a failure is not bound by the limits of the step"
    (again,) = finish(taken).released
    result = run_here(claimed(again))
    assert isinstance(result, Outcome)
    assert result.output["error"]["code"] == "queue_timeout"


def test_it_is_tried_again_where_the_step_says_so(acting: User) -> None:
    policy = {"max_retries": 1, "retry_on": ["queue_timeout"], "delay_seconds": 5}
    execution, released = single(acting, queue_timeout_seconds=30, retry=policy)
    for retries in (1, 2):
        pass_time(released.task_id, 31)
        assert decided(sweep()) == []
        found = task(execution)
        if retries == 2:
            break
        assert (found.status, found.wait, found.retries, found.phase) == ("waiting", "retry", 1, 0)
        pass_time(released.task_id, 10)
        (again,) = sweep()
        assert again.task_id == released.task_id
        assert task(execution).limit_at > datetime.now(UTC), "the queue is waited for anew"
    assert ended(execution) == ("failed", "queue_timeout")
    assert task(execution).losses == 0


def test_a_pause_is_no_wait_in_the_queue(acting: User) -> None:
    execution, released = single(acting, queue_timeout_seconds=30, total_timeout_seconds=40)
    pause_execution(actor=acting, execution=execution)
    pass_time(released.task_id, 3600)
    Execution.objects.filter(pk=execution.pk).update(paused_at=datetime.now(UTC) - timedelta(seconds=3590))
    assert sweep() == []
    assert sweep() == []
    assert task(execution).status == "dispatched"
    execution.refresh_from_db()
    resume_execution(actor=acting, execution=execution)
    left = (task(execution).limit_at - datetime.now(UTC)).total_seconds()
    assert 15 < left < 25, "of 30 seconds 10 had passed before the pause"
    pass_time(released.task_id, 25)
    sweep()
    assert ended(execution) == ("failed", "queue_timeout")


# -- one attempt, and its signs of life --------------------------------------------------------------------------------
def test_a_step_that_does_not_come_back_in_time_is_fenced_off(acting: User) -> None:
    execution, released = single(
        acting, {"name": "after", "type": "test_echo"}, timeout_seconds=10, continue_on_error=True
    )
    taken = claimed(released)
    pass_time(released.task_id, 9)
    assert sweep() == []
    pass_time(released.task_id, 5)
    (after,) = sweep()
    assert task(execution).error["code"] == "timeout"
    assert after.name == "after"
    assert ledger.renew(taken["organization"], {taken["lease"]: taken["task"]}) == set(), "its worker hears of it"
    assert finish(taken).stale


def test_whoever_gives_signs_of_life_goes_on(acting: User) -> None:
    execution, released = single(acting, heartbeat_timeout_seconds=10)
    taken = claimed(released)
    held = {taken["lease"]: (taken["task"], 1.0)}
    for _ in range(3):
        pass_time(released.task_id, 9)
        ledger.heartbeats(taken["organization"], held)
        assert sweep() == []
    pass_time(released.task_id, 9)
    assert ledger.progress(taken, "model_output", {"text": "still here"})
    pass_time(released.task_id, 9)
    assert sweep() == []
    assert task(execution).status == "executing"
    pass_time(released.task_id, 3)
    sweep()
    assert ended(execution) == ("failed", "heartbeat_timeout")


def test_signs_of_life_go_on_with_the_renewal_of_the_lease(acting: User) -> None:
    execution, released = single(acting, heartbeat_timeout_seconds=10)
    taken = claimed(released)
    heart = Heart()
    heart.hold(taken)
    pass_time(released.task_id, 9)
    before = task(execution).beat_at
    heart._pass_on_beats()
    assert task(execution).beat_at == before, "nobody has given one"
    heart.beat(taken["lease"])
    heart._pass_on_beats()
    assert task(execution).beat_at > before
    heart.release(taken["lease"])


# -- all of a step -----------------------------------------------------------------------------------------------------
def test_all_its_time_holds_for_further_attempts_too(acting: User) -> None:
    execution, released = single(
        acting, total_timeout_seconds=60, retry={"max_retries": 9, "delay_seconds": 50}, fail="no"
    )
    result = run_here(claimed(released))
    assert isinstance(result, Waiting)
    ledger.wait(result.claimed, "retry", result.due_at, error=result.error)
    pass_time(released.task_id, 20)
    assert sweep() == []
    Task.objects.filter(pk=released.task_id).update(due_at=datetime.now(UTC) + timedelta(seconds=600))
    pass_time(released.task_id, 45)
    assert decided(sweep()) == []
    assert ended(execution) == ("failed", "total_timeout")
    assert task(execution).error["details"]["last_error"]["code"] == "simulated_failure"
    assert task(execution).retries == 1


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("approval", {}),
        ("approval", {"deadline_seconds": 3600}),
        ("signal", {}),
        ("wait", {"seconds": 30}),
        (
            "for_loop",
            {"iterator": "i", "data_source": [1], "steps": [{"name": "inner", "type": "approval"}], "retry": 2},
        ),
    ],
)
def test_what_waits_as_a_row_has_no_more_time_either(acting: User, kind: str, fields: dict[str, Any]) -> None:
    execution, released = single(acting, type=kind, total_timeout_seconds=40, **fields)
    result = run_here(claimed(released))
    if isinstance(result, Expansion):
        ledger.expand(result.claimed, result.frames, due_at=result.due_at, worker="test")
        Task.objects.filter(pk=released.task_id).update(due_at=None)
    else:
        ledger.wait(result.claimed, result.reason, result.due_at, key=result.key, carry=result.carry)
        Task.objects.filter(pk=released.task_id).update(due_at=datetime.now(UTC) + timedelta(seconds=3600))
    assert task(execution).status == "waiting"
    pass_time(released.task_id, 41)
    overdue = sweep()
    if kind == "for_loop":
        assert decided(overdue) == []
        assert task(execution, "inner").status == "cancelled"
    assert ended(execution) == ("failed", "total_timeout")


def test_a_timer_that_was_due_in_time_fires_though_nobody_looked(acting: User) -> None:
    execution, released = single(acting, type="wait", seconds=30, total_timeout_seconds=40)
    result = run_here(claimed(released))
    ledger.wait(result.claimed, result.reason, result.due_at, output=result.output)
    pass_time(released.task_id, 600)
    sweep()
    assert ended(execution)[0] == "completed"


def test_a_worker_tells_by_itself_which_limit_has_passed(acting: User) -> None:
    codes = []
    for limits in ({"timeout_seconds": 0.01}, {"total_timeout_seconds": 0.01}):
        _, released = single(acting, seconds=60, continue_on_error=True, retry=3, **limits)
        result = run_here(claimed(released))
        codes.append((type(result), result.error["code"]))
    assert codes == [(Waiting, "timeout"), (Outcome, "total_timeout")], "there is no attempt after all of its time"


# -- the run -----------------------------------------------------------------------------------------------------------
def test_the_time_of_the_run_does_not_cut_a_compensation_that_has_begun(acting: User) -> None:
    steps = [
        {"name": "book", "type": "test_echo", "compensate": [{"name": "undo", "type": "test_echo"}]},
        {"name": "s", "type": "simulate"},
    ]
    execution, (released,) = begin(acting, {"workflow": {"name": "undo", "max_execution_time": 60, "steps": steps}})
    (second,) = finish(claimed(released)).released
    (compensation,) = finish(claimed(second), "failed").released
    execution.refresh_from_db()
    assert execution.deadline_at is None
    (undo,) = ledger.compensate(claimed(compensation)).released
    sweep()
    (collect,) = finish(claimed(undo)).released
    finish(claimed(collect))
    assert ended(execution) == ("failed", "meant")


def test_the_time_of_the_run_ends_it_before_that(acting: User) -> None:
    execution, _ = single(acting, total_timeout_seconds=60)
    deadline_passes(execution)
    sweep()
    assert ended(execution) == ("timeout", "execution_timeout")
    assert task(execution).limit_at is None


# -- people ------------------------------------------------------------------------------------------------------------
def test_an_approval_nobody_gave_is_asked_for_again_only_if_it_says_so(acting: User) -> None:
    for retry, expected in ({}, Outcome), ({"retry": 1}, Waiting):
        _, released = single(acting, type="approval", deadline_seconds=5, **retry)
        waiting = run_here(claimed(released))
        ledger.wait(waiting.claimed, "approval", waiting.due_at, key=waiting.key, carry=waiting.carry)
        pass_time(released.task_id, 6)
        (woken,) = sweep()
        result = run_here(claimed(woken))
        assert isinstance(result, expected)
        assert result.error["code"] == "approval_timeout"


def test_events_tell_of_a_step_that_failed_outside_a_worker(acting: User) -> None:
    execution, released = single(acting, queue_timeout_seconds=30, error_output="why")
    pass_time(released.task_id, 31)
    decided(sweep())
    told = list(
        Event.objects.filter(execution=execution, task_id=released.task_id).values_list("event_type", flat=True)
    )
    assert told == ["task_broken", "error_occurred"]


def test_a_failure_nobody_decided_about_is_looked_at_again(acting: User) -> None:
    _, released = single(acting, queue_timeout_seconds=30, retry=1)
    pass_time(released.task_id, 31)
    (first,) = sweep()
    assert sweep() == []
    lose_worker(released.task_id)
    Task.objects.filter(pk=released.task_id).update(limit_at="2020-01-01T00:00:00Z")
    (again,) = sweep()
    assert again.task_id == first.task_id


# -- what used to pass by the handler ----------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("limit", "handlers", "expected"), [(3, 0, None), (3, 3, "instead0"), (500, 3, "in")])
def test_too_many_steps_are_a_failure_like_any_other(
    alice: User, limit: int, handlers: int, expected: str | None
) -> None:
    loop = {"iterator": "i", "data_source": list(range(50)), "steps": [{"name": "in", "type": "test_echo"}]}
    handler = [{"name": f"instead{number}", "type": "test_echo"} for number in range(handlers)]
    step = {"name": "s", "type": "for_loop", **loop, **({"on_error": handler} if handler else {})}
    with acting_as(alice.pk):
        body = {"name": "much", "resource_limits": {"max_total_steps": limit}, "steps": [step]}
        _, (released,) = begin(alice, {"workflow": body})
    after = go_on(run_here(claimed(released)), "test", NOTHING)
    if expected is None:
        assert isinstance(after, Outcome)
        assert after.error == {"code": "too_many_steps", "message": after.error["message"]}
    else:
        assert isinstance(after, ledger.HandOver)
        assert after.released[0].name == expected, "what handles it may still run"


def test_what_a_slot_held_besides_goes_back_without_a_loss(acting: User) -> None:
    execution, released = single(acting)
    taken = claimed(released)
    stopping._hand_back([taken])
    found = task(execution)
    assert (found.status, found.losses, found.lease) == ("dispatched", 0, None)
    assert claimed(released)["attempt"] == taken["attempt"]
    assert finish(taken).stale
