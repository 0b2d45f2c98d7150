"""Pausing and resuming a run, and what a run says of itself when it is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.core.tenancy import acting_as, sweeping, working_for
from apps.executions import ledger
from apps.executions.errors import NotPausable, NotPaused
from apps.executions.models import Execution, MelodyStatistics, Task
from apps.executions.services import cancel_execution, pause_execution, resume_execution
from tests.workers.test_ledger import begin, claim, finish
from workers.pit.chores import refresh_statistics

pytestmark = pytest.mark.django_db


@pytest.fixture
def acting(alice: User) -> Iterator[User]:
    with acting_as(alice.pk):
        yield alice


def document(*names: str, **more: Any) -> dict[str, Any]:
    return {"workflow": {"name": "piece", **more, "steps": [{"name": name, "type": "test_echo"} for name in names]}}


def taken(release: ledger.Release) -> dict[str, Any]:
    claimed = claim(release)
    assert claimed is not None, release.name
    return claimed


def resumed(execution: Execution) -> list[ledger.Release]:
    released = ledger.resume(execution.pk)
    assert released is not None
    return released


def test_what_runs_ends_and_nothing_else_begins_until_it_is_resumed(acting: User) -> None:
    execution, (first,) = begin(acting, document("a", "b"))
    claimed = taken(first)
    pause_execution(actor=acting, execution=execution, reason="tea")
    assert (execution.status, execution.status_message) == ("paused", "tea")
    assert finish(claimed).released == []
    (second,) = resumed(execution)
    assert second.name == "b"
    finish(taken(second))
    execution.refresh_from_db()
    assert (execution.status, execution.status_message) == ("completed", "All 2 steps are completed.")
    assert execution.paused_at is not None
    assert execution.resumed_at is not None
    assert execution.resumed_at > execution.paused_at
    assert execution.paused_seconds == pytest.approx(
        (execution.resumed_at - execution.paused_at).total_seconds(), abs=0.05
    )


def test_a_run_that_came_to_its_end_while_paused_ends_when_it_is_resumed(acting: User) -> None:
    execution, (only,) = begin(acting, document("a"))
    claimed = taken(only)
    pause_execution(actor=acting, execution=execution)
    finish(claimed)
    execution.refresh_from_db()
    assert execution.status == "paused"
    assert resumed(execution) == []
    execution.refresh_from_db()
    assert execution.status == "completed"


def test_a_failure_while_paused_is_undone_after_it_is_resumed(acting: User) -> None:
    steps = [
        {"name": "a", "type": "test_echo", "compensate": [{"name": "undo", "type": "test_echo"}]},
        {"name": "b", "type": "test_echo"},
    ]
    execution, (first,) = begin(acting, {"workflow": {"name": "saga", "steps": steps}})
    (second,) = finish(taken(first)).released
    claimed = taken(second)
    pause_execution(actor=acting, execution=execution)
    finish(claimed, "failed")
    (compensation,) = resumed(execution)
    assert compensation.name == "compensation"


def test_a_step_that_ends_the_run_ends_it_also_while_it_is_paused(acting: User) -> None:
    execution, (first,) = begin(acting, document("a", "b"))
    claimed = taken(first)
    pause_execution(actor=acting, execution=execution)
    finish(claimed, run="completed", message="enough")
    execution.refresh_from_db()
    assert (execution.status, execution.status_message) == ("completed", "enough")


def test_gates_open_when_a_run_is_resumed(acting: User) -> None:
    run = document("a", "b", "c", mode="dag", resource_limits={"max_parallel_steps": 1})
    execution, released = begin(acting, run)
    claimed = [claim(release) for release in released]
    (inside,) = [one for one in claimed if one is not None]
    pause_execution(actor=acting, execution=execution)
    for release in finish(inside).released:
        assert claim(release) is None
    done = {inside["name"]}
    ready = resumed(execution)
    while ready:
        claims = [one for one in map(claim, ready) if one is not None]
        assert len(claims) == 1
        done.add(claims[0]["name"])
        ready = finish(claims[0]).released
    execution.refresh_from_db()
    assert (done, execution.status) == ({"a", "b", "c"}, "completed")


def test_the_clock_of_the_deadline_stands_still(acting: User) -> None:
    execution, _ = begin(acting, document("a", resource_limits={"max_execution_time_s": 3600}))
    pause_execution(actor=acting, execution=execution)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    Execution.objects.filter(pk=execution.pk).update(paused_at=hour_ago, deadline_at=hour_ago + timedelta(minutes=5))
    with sweeping():
        ledger.sweep(100)
    execution.refresh_from_db()
    assert execution.status == "paused"
    resumed(execution)
    execution.refresh_from_db()
    assert execution.deadline_at is not None
    assert timedelta(minutes=4) < execution.deadline_at - datetime.now(UTC) < timedelta(minutes=6)


def test_a_pending_run_may_be_paused_and_a_cancelled_one_not(acting: User) -> None:
    execution, _ = begin(acting, document("a"))
    pause_execution(actor=acting, execution=execution)
    pause_execution(actor=acting, execution=execution, reason="twice is no mistake")
    cancel_execution(actor=acting, execution=execution)
    assert execution.status == "cancelled"
    with pytest.raises(NotPausable, match="cancelled"):
        pause_execution(actor=acting, execution=execution)
    with pytest.raises(NotPaused, match="cancelled"):
        resume_execution(actor=acting, execution=execution)


def half_an_hour_ago(execution: Execution) -> datetime:
    """As if the run had been made an hour ago and paused half an hour later; when that was."""
    paused_at = datetime.now(UTC) - timedelta(minutes=30)
    hour_ago = paused_at - timedelta(minutes=30)
    Execution.objects.filter(pk=execution.pk).update(paused_at=paused_at, started_at=hour_ago, created_at=hour_ago)
    return paused_at


def test_a_pause_that_cancelling_ends_is_counted_as_one(acting: User) -> None:
    execution, _ = begin(acting, document("a"))
    pause_execution(actor=acting, execution=execution)
    half_an_hour_ago(execution)
    cancel_execution(actor=acting, execution=execution)
    measured = execution.performance_metrics
    assert execution.paused_seconds == pytest.approx(1800, abs=60)
    assert (measured["paused_seconds"], measured["running_seconds"]) == pytest.approx((1800, 1800), abs=60)


def test_a_pause_that_a_step_ends_is_counted_and_takes_no_time_from_what_is_undone(acting: User) -> None:
    steps = [
        {"name": "a", "type": "test_echo", "compensate": [{"name": "undo", "type": "test_echo"}]},
        {"name": "b", "type": "test_echo"},
    ]
    saga = {"name": "saga", "steps": steps, "resource_limits": {"max_execution_time_s": 3600}}
    execution, (first,) = begin(acting, {"workflow": saga})
    (second,) = finish(taken(first)).released
    claimed = taken(second)
    pause_execution(actor=acting, execution=execution)
    paused_at = half_an_hour_ago(execution)
    Execution.objects.filter(pk=execution.pk).update(deadline_at=paused_at + timedelta(minutes=5))
    (compensation,) = finish(claimed, "failed", run="failed", message="flat").released
    with sweeping():
        ledger.sweep(100)
    execution.refresh_from_db()
    assert (compensation.name, execution.status) == ("compensation", "running")
    assert execution.paused_seconds == pytest.approx(1800, abs=60)


@pytest.mark.django_db(transaction=True)
def test_resuming_does_not_wait_for_who_withdraws_a_step_and_may_want_the_run_next(alice: User) -> None:
    with acting_as(alice.pk):
        execution, (first, second) = begin(alice, document("a", "b", mode="dag"))
        pause_execution(actor=alice, execution=execution)
    held, let_go = threading.Event(), threading.Event()

    def withdraw() -> None:
        with closing(connection), working_for(str(execution.organization_id)):
            Task.objects.select_for_update().get(pk=first.task_id)
            held.set()
            let_go.wait(30)

    withdrawing = threading.Thread(target=withdraw)
    withdrawing.start()
    try:
        assert held.wait(30)
        with acting_as(alice.pk), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            assert [release.task_id for release in resumed(execution)] == [second.task_id]
    finally:
        let_go.set()
        withdrawing.join()
    with sweeping():
        Task.objects.filter(pk=first.task_id).update(due_at="2020-01-01T00:00:00Z")
        assert first.task_id in [release.task_id for release in ledger.unsent("steps", 100)]


def test_a_run_of_an_older_version_that_said_nothing_says_how_it_ended(acting: User) -> None:
    execution, (only,) = begin(acting, document("a"))
    claimed = taken(only)
    Execution.objects.filter(pk=execution.pk).update(status_message="")
    finish(claimed)
    execution.refresh_from_db()
    assert execution.status_message == "All 1 steps are completed."


# -- what it says of itself ------------------------------------------------------------------------------------------
def test_what_a_run_used_is_added_up_at_its_end(acting: User) -> None:
    execution, (first,) = begin(acting, document("a", "b"))
    (second,) = finish(taken(first), cpu=1200, memory=4096).released
    finish(taken(second), cpu=300, memory=10240)
    execution.refresh_from_db()
    used, measured = execution.resource_usage, execution.performance_metrics
    assert (used["cpu_seconds"], used["peak_memory_mb"], used["model_calls"], used["cost_usd"]) == (1.5, 10.0, 0, "0")
    assert measured["steps"] == {"total": 2, "completed": 2, "failed": 0, "skipped": 0, "cancelled": 0}
    assert (measured["attempts"], measured["retries"]) == (2, 0)
    assert 0 <= measured["step_ms"]["p50"] <= measured["step_ms"]["p95"] <= measured["step_ms"]["max"]
    assert measured["running_seconds"] >= 0


def test_a_failed_and_a_cancelled_run_say_why_and_how_far_they_came(acting: User) -> None:
    failed, (first,) = begin(acting, document("a", "b"))
    finish(taken(first), "failed", error={"code": "out_of_tune", "message": "flat"})
    failed.refresh_from_db()
    assert (failed.error_code, failed.status_message) == ("out_of_tune", "Step 'a' failed: flat")
    assert failed.performance_metrics["steps"]["failed"] == 1
    cancelled, _ = begin(acting, document("a", "b"))
    cancel_execution(actor=acting, execution=cancelled, reason="rain")
    assert (cancelled.status_message, cancelled.performance_metrics["steps"]["cancelled"]) == ("rain", 2)


def test_the_row_says_when_it_changed(acting: User) -> None:
    execution, (first,) = begin(acting, document("a"))
    before = Execution.objects.get(pk=execution.pk).updated_at
    taken(first)
    assert Execution.objects.get(pk=execution.pk).updated_at > before


# -- statistics ---------------------------------------------------------------------------------------------------------
def ended(actor: User, *statuses: str) -> Execution:
    """Runs of one melody that ended so, each after a second more than the one before."""
    execution, (first,) = begin(actor, document("a"))
    finish(taken(first))
    execution.refresh_from_db()
    start = datetime.now(UTC) - timedelta(hours=1)
    for number, status in enumerate(statuses):
        row = Execution.objects.create(
            organization_id=execution.organization_id,
            melody_id=execution.melody_id,
            version_id=execution.version_id,
            version_sha256=execution.version_sha256,
            created_by=actor,
            status=status,
            started_at=start,
            completed_at=start + timedelta(seconds=number + 1),
        )
        assert row.pk
    return execution


def counted(execution: Execution) -> MelodyStatistics:
    with sweeping():
        # As if time had passed: a melody is counted once a second, and what changed just now is looked at again.
        MelodyStatistics.objects.update(refreshed_at=datetime.now(UTC) - timedelta(seconds=30))
    refresh_statistics()
    return MelodyStatistics.objects.get(melody_id=execution.melody_id)


def test_the_sweep_counts_the_runs_of_a_melody(acting: User) -> None:
    run = ended(acting, *["completed"] * 8, "failed", "timeout", "cancelled")
    found = counted(run)
    assert (found.executions, found.completed, found.failed, found.timed_out, found.cancelled) == (12, 9, 1, 1, 1)
    assert found.success_rate == pytest.approx(9 / 11)
    assert found.p50_ms is not None
    assert found.p95_ms is not None
    assert 3000 <= found.p50_ms <= 5000
    assert 7000 <= found.p95_ms <= 8000


def test_a_run_more_is_counted_again_and_nothing_else_is(acting: User) -> None:
    run, other = ended(acting, "completed"), ended(acting)
    assert counted(run).executions == 2
    with sweeping():
        MelodyStatistics.objects.update(stale=False, refreshed_at=datetime.now(UTC) + timedelta(hours=1))
    assert refresh_statistics() == 0
    with sweeping():
        MelodyStatistics.objects.filter(melody_id=other.melody_id).update(refreshed_at=datetime.now(UTC))
    Execution.objects.filter(melody_id=other.melody_id).update(status_message="changed")
    assert refresh_statistics() == 0, "it was counted less than a second ago"
    with sweeping():
        stale = MelodyStatistics.objects.filter(stale=True).values_list("melody_id", flat=True)
        assert list(stale) == [other.melody_id]
        MelodyStatistics.objects.filter(stale=True).update(refreshed_at=datetime.now(UTC) - timedelta(seconds=30))
    assert refresh_statistics() == 1


def test_a_claim_leaves_no_task_of_a_paused_run_behind(acting: User) -> None:
    execution, (first,) = begin(acting, document("a"))
    pause_execution(actor=acting, execution=execution)
    with sweeping():
        Task.objects.filter(pk=first.task_id).update(due_at="2020-01-01T00:00:00Z")
        assert ledger.unsent("steps", 10) == []
    assert [release.task_id for release in resumed(execution)] == [first.task_id]


def test_a_message_that_finds_its_run_paused_leaves_nothing_to_be_sent(acting: User) -> None:
    execution, (first,) = begin(acting, document("a"))
    pause_execution(actor=acting, execution=execution)
    # As when somebody held it and the pause passed over it.
    with sweeping():
        Task.objects.filter(pk=first.task_id).update(due_at=datetime.now(UTC))
    assert claim(first) is None
    assert Task.objects.get(pk=first.task_id).due_at is None
    assert [release.task_id for release in resumed(execution)] == [first.task_id]
