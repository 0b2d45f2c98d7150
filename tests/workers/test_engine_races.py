"""What must hold whoever comes first: the ledger's rules around frames, gates, waiting and the end of a run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg2
import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from apps.accounts.models import User
from apps.core.db.rows import rows_of
from apps.core.tenancy import acting_as
from apps.executions import ledger
from apps.executions.ledger.releases import release_of
from apps.executions.models import Execution, Frame, Task
from apps.executions.queries import tasks_of
from apps.executions.services import cancel_execution, pause_execution, resume_execution, skip_task
from symphony.roles import DatabaseUrls
from tests.engine import eventually
from tests.workers.test_ledger import begin, claim, finish
from workers import attempt, documents
from workers.carried import Carried
from workers.failing import Failure, after_failure
from workers.heart import Heart
from workers.heart import heart as beating
from workers.outcomes import Outcome
from workers.slot import _Slot

T = TypeVar("T")

pytestmark = pytest.mark.django_db


@pytest.fixture
def acting(alice: User) -> Iterator[User]:
    with acting_as(alice.pk):
        yield alice


def echo(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "test_echo", **more}


def loop(name: str, *inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "for_loop", "iterator": "x", "data_source": [1], "steps": list(inner), **more}


def document(*steps: dict[str, Any], **workflow: Any) -> dict[str, Any]:
    return {"workflow": {"name": "races", **workflow, "steps": list(steps)}}


def taken(release: ledger.Release) -> dict[str, Any]:
    claimed = claim(release)
    assert claimed is not None, release.name
    return claimed


def expand(claimed: dict[str, Any], count: int = 1, **more: Any) -> list[ledger.Release]:
    return ledger.expand(claimed, [{"body": 0, "loop": {}}] * count, limit=count, worker="t", **more).released


def names(released: list[ledger.Release]) -> list[str]:
    return [release.name for release in released]


def as_sweep() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.scope', 'sweep', true)")


def overdue(task_id: Any) -> list[ledger.Release]:
    """The moment of a task has come."""
    as_sweep()
    Task.objects.filter(pk=task_id).update(due_at="2020-01-01T00:00:00Z")
    return ledger.sweep(100)


# -- the end of a run --------------------------------------------------------------------------------------------------
def test_the_last_step_may_end_the_run_as_cancelled(acting: User) -> None:
    execution, (stop,) = begin(acting, document({"name": "stop", "type": "end", "status": "cancelled"}))
    finish(taken(stop), run="cancelled", message="no need")
    execution.refresh_from_db()
    assert (execution.status, execution.status_message) == ("cancelled", "no need")


def test_what_was_done_is_undone_when_the_last_step_ends_the_run_as_failed(acting: User) -> None:
    stop = {"name": "stop", "type": "end", "status": "failed"}
    execution, (first,) = begin(acting, document(echo("a", compensate=[echo("undo")]), stop))
    (last,) = finish(taken(first)).released
    (compensation,) = finish(taken(last), "failed", run="failed", message="no use").released
    execution.refresh_from_db()
    assert (compensation.name, execution.status) == ("compensation", "running")
    (undo,) = ledger.compensate(taken(compensation)).released
    (collected,) = finish(taken(undo)).released
    finish(taken(collected))
    execution.refresh_from_db()
    assert execution.status == "failed"


def test_the_end_of_a_run_inside_its_compensation_ends_it(acting: User) -> None:
    execution, (first,) = begin(
        acting, document(echo("a", compensate=[{"name": "stop", "type": "end"}, echo("more")]), echo("b"))
    )
    (last,) = finish(taken(first)).released
    (compensation,) = finish(taken(last), "failed").released
    ledger.compensate(taken(compensation))
    as_sweep()
    stop = next(release for release in dispatched(execution) if release.name == "stop")
    finish(taken(stop), run="completed", message="enough")
    execution.refresh_from_db()
    assert execution.status == "failed"
    assert not tasks_of(execution.id).filter(status__in=["pending", "dispatched", "executing", "waiting"])


def dispatched(execution: Execution) -> list[ledger.Release]:
    rows = rows_of(
        "SELECT * FROM ledger_released(ARRAY(SELECT id FROM executions_task WHERE execution_id = %s"
        " AND status = 'dispatched'))",
        [execution.id],
    )
    return [release_of(row) for row in rows]


def test_compensation_begins_at_once(acting: User) -> None:
    _, (first,) = begin(acting, document(echo("a", compensate=[echo("undo")]), echo("b")))
    (last,) = finish(taken(first)).released
    (compensation,) = finish(taken(last), "failed").released
    assert names(ledger.compensate(taken(compensation)).released) == ["undo"]


# -- losing workers ----------------------------------------------------------------------------------------------------
def test_attempts_the_policy_wanted_are_no_lost_workers(acting: User) -> None:
    execution, (release,) = begin(acting, document(echo("a", retry={"max_retries": 20, "delay_seconds": 0})))
    for _ in range(settings.SYMPHONY_MAX_LOST_ATTEMPTS + 1):
        claimed = taken(release)
        ledger.wait(claimed, "retry", None, error={"code": "x", "message": "x"})
        (release,) = overdue(claimed["task"])
    (again,) = overdue(taken(release)["task"])
    assert again.name == "a"
    execution.refresh_from_db()
    assert execution.status == "running"


def test_a_watching_loop_that_loses_every_worker_takes_its_iterations_with_it(acting: User) -> None:
    execution, (release,) = begin(acting, document(loop("l", echo("inner")), continue_on_error=True))
    one, _ = expand(taken(release), 2, watch=True)
    (collecting,) = finish(taken(one)).released
    for _ in range(settings.SYMPHONY_MAX_LOST_ATTEMPTS):
        task = taken(collecting)["task"]
        released = overdue(task) or overdue(task)  # from the second loss on it waits in between
        collecting = released[0] if released else collecting
    assert Task.objects.get(pk=collecting.task_id).status == "failed"
    assert sorted(tasks_of(execution.id).filter(name="inner").values_list("status", flat=True)) == [
        "cancelled",
        "completed",
    ]


# -- rounds ------------------------------------------------------------------------------------------------------------
def test_a_handler_begins_when_nothing_of_the_watched_round_goes_on(acting: User) -> None:
    execution, (release,) = begin(acting, document(loop("l", echo("inner"), on_error=[echo("note")])))
    one, two = expand(taken(release), 2, watch=True)
    (collecting,) = finish(taken(one)).released
    late = taken(two)
    error = {"code": "x", "message": "x"}
    (note,) = ledger.expand(taken(collecting), [{"body": 1, "loop": {}}], phase=2, error=error, worker="t").released
    assert finish(late).stale, "the iteration is cancelled"
    (handled,) = finish(taken(note)).released
    assert taken(handled)["phase"] == 2
    assert Frame.objects.filter(execution=execution, status="running").count() == 0


def test_a_handler_that_is_to_end_early_is_no_iteration(acting: User) -> None:
    steps = [loop("l", echo("inner"), on_error=[echo("note")], depends_on=[]), echo("c", depends_on=[])]
    _, released = begin(acting, document(*steps))
    by_name = {release.name: release for release in released}
    ledger.expand(
        taken(by_name["l"]), [{"body": 1, "loop": {}}], phase=2, error={"code": "x", "message": "x"}, worker="t"
    )
    (woken,) = finish(taken(by_name["c"]), complete=[by_name["l"].shift + by_name["l"].node]).released
    assert taken(woken)["phase"] == 2


def test_a_loop_that_is_to_end_while_it_collects_ends_with_what_it_has(acting: User) -> None:
    _, released = begin(acting, document(loop("l", echo("inner"), depends_on=[]), echo("c", depends_on=[])))
    by_name = {release.name: release for release in released}
    (inner,) = expand(taken(by_name["l"]))
    (collecting,) = finish(taken(inner)).released
    claimed = taken(collecting)
    finish(taken(by_name["c"]), complete=[by_name["l"].shift + by_name["l"].node])
    (again,) = expand(claimed)
    assert (again.name, taken(again)["carry"]) == ("l", {"ending": True}), (
        "it collects once more, and goes on no further"
    )


# -- gates -------------------------------------------------------------------------------------------------------------
def test_a_step_inside_may_have_the_door_of_the_step_around_it(acting: User) -> None:
    _, (release,) = begin(acting, document(loop("l", echo("inner", exclusive="door"), exclusive="door")))
    (inner,) = expand(taken(release))
    assert claim(inner) is not None


def test_whoever_may_pass_is_let_through_before_many_who_may_not(acting: User) -> None:
    waiting = [echo(f"x{n}", exclusive="x", depends_on=[]) for n in range(20)]
    last = [echo(f"y{n}", exclusive="y", depends_on=[]) for n in range(2)]
    _, released = begin(acting, document(*waiting, *last))
    by_name = {release.name: release for release in released}
    holders = {name: claimed for name in by_name if (claimed := claim(by_name[name])) is not None}
    assert sorted(holders) == ["x0", "y0"]
    assert names(finish(holders["y0"]).released) == ["x1", "y1"]


def test_cancelled_iterations_leave_the_door_open(acting: User) -> None:
    steps = [loop("l", echo("inner", exclusive="door"), depends_on=[]), echo("b", exclusive="door", depends_on=[])]
    _, released = begin(acting, document(*steps))
    by_name = {release.name: release for release in released}
    one, two = expand(taken(by_name["l"]), 2, watch=True)
    (collecting, _) = finish(taken(one)).released, taken(two)
    assert claim(by_name["b"]) is None
    assert "b" in names(finish(taken(collecting[0]), below=True).released)


def test_iterations_that_took_too_long_leave_the_door_open(acting: User) -> None:
    steps = [loop("l", echo("inner", exclusive="door"), depends_on=[]), echo("b", exclusive="door", depends_on=[])]
    _, released = begin(acting, document(*steps))
    by_name = {release.name: release for release in released}
    (inner,) = expand(taken(by_name["l"]))
    assert taken(inner)
    assert claim(by_name["b"]) is None
    assert sorted(names(overdue(by_name["l"].task_id))) == ["b", "l"]


# -- signals -----------------------------------------------------------------------------------------------------------
def test_signals_are_heard_in_the_order_they_came(acting: User) -> None:
    execution, (release,) = begin(acting, document({"name": "s", "type": "signal", "signal": "x"}))
    for n in range(8):
        ledger.signal(
            execution.organization_id, execution.pk, "x", n, acting.pk, identifier=UUID(int=(997 * (8 - n)) << 64)
        )
    ledger.wait(taken(release), "signal", None, key="x", carry={})
    assert Task.objects.get(pk=release.task_id).carry["happened"]["payload"] == 0


# -- what cannot be stored ---------------------------------------------------------------------------------------------
def claimed_row(**fields: Any) -> dict[str, Any]:
    return {
        "task": "t",
        "name": "a",
        "kind": "k",
        "phase": 0,
        "attempt": 1,
        "lease": "l",
        "options": {},
        "bodies": [],
    } | fields


def test_a_failure_with_details_that_cannot_be_stored_is_a_failure() -> None:
    failed = after_failure(claimed_row(), Failure("bad", "said\0so", {"body": "a\0b"}), [("told", {"x": "\ud800"})])
    assert failed.error["code"] == "bad"
    assert "\0" not in str(failed.as_row())


@pytest.mark.django_db(transaction=True)
def test_an_outcome_the_database_refuses_fails_its_step(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with acting_as(alice.pk):
        retried = echo("a", retry={"max_retries": 3, "delay_seconds": 60})
        execution, (release, other) = begin(alice, document(retried, echo("b"), mode="dag"))
    claimed = taken(release)
    monkeypatch.setattr(beating, "_process", os.getpid())  # it does not beat: nothing of a thread outlives this test
    slot = _Slot("t", "steps", Carried(None))
    fit = Outcome(taken(other), "completed", 1)
    unfit = Outcome(claimed, "completed", artifacts=[{"sha256": "0", "size": 10**30}])
    assert all(handed.stale == [] for handed in slot._finish([fit, unfit], ledger.NOTHING))
    with acting_as(alice.pk):
        a, b = tasks_of(execution.pk)
        assert (a.status, a.wait, a.retries, b.status, b.output) == ("waiting", "retry", 1, "completed", 1)
        # Without another attempt left it has failed, and its run with it.
        Task.objects.filter(pk=a.pk).update(status="dispatched", wait=None)
    again = Outcome({**taken(release), "options": {}}, "completed", artifacts=unfit.artifacts)
    slot._finish([again], ledger.NOTHING)
    with acting_as(alice.pk):
        execution.refresh_from_db()
    assert (execution.status, execution.error_code) == ("failed", "result_refused")


# -- signs of life -----------------------------------------------------------------------------------------------------
def test_letting_go_of_an_old_claim_keeps_the_new_one() -> None:
    heart = Heart()
    heart._process = os.getpid()  # it does not beat: nothing of a thread outlives this test
    old, new = ({"task": "t", "organization": "o", "lease": lease} for lease in ("old", "new"))
    heart.hold(old)
    heart.hold(new)
    heart.release("old")
    assert not heart.cancelled("new").is_set()


@pytest.mark.django_db(transaction=True)
def test_a_step_whose_database_is_gone_has_not_failed(alice: User, test_database_urls: DatabaseUrls) -> None:
    with acting_as(alice.pk):
        _, (release,) = begin(alice, document(loop("l", echo("inner"))))
    (inner,) = expand(taken(release))
    (collecting,) = finish(taken(inner)).released
    claimed = taken(collecting)
    documents.workflow_of(claimed["organization"], claimed["version"], claimed["root"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with closing(psycopg2.connect(test_database_urls.owner)) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(attempt.Abandoned):
        attempt.run(claimed, threading.Event())
    assert Task.objects.filter(pk=claimed["task"]).count() == 0, "the connection is a new one, and acts for nobody"
    assert not finish(claimed).stale


# -- two at once -------------------------------------------------------------------------------------------------------
class Beside(threading.Thread):
    """Another worker: a call on a connection of its own."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self.result: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self._call()
        finally:
            connections.close_all()

    def is_past_or_waits(self) -> bool:
        """Whether it has ended, or waits for what somebody else holds."""
        if not self.is_alive():
            return True
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(cursor.fetchone()[0])

    def over(self) -> Any:
        self.join(20)
        assert not self.is_alive()
        return self.result


@contextmanager
def meanwhile(call: Callable[[], T]) -> Iterator[T]:
    """What the call has done is not committed before the block has ended."""
    with transaction.atomic():
        yield call()


@pytest.mark.django_db(transaction=True)
def test_who_is_turned_away_while_the_door_opens_is_called(alice: User) -> None:
    with acting_as(alice.pk):
        _, released = begin(alice, document(*(echo(n, exclusive="door", depends_on=[]) for n in "ab")))
    inside, outside = released
    holder = taken(inside)
    with meanwhile(lambda: claim(outside)) as none:
        assert none is None
        leaving = Beside(lambda: finish(holder))
        eventually(leaving.is_past_or_waits, "the other one leaves, or waits")
    assert names(leaving.over().released) == [outside.name]


@pytest.mark.django_db(transaction=True)
def test_of_two_that_lead_to_a_decided_step_and_end_at_once_the_second_ends_the_run(alice: User) -> None:
    with acting_as(alice.pk):
        execution, released = begin(
            alice, document(echo("a", depends_on=[]), echo("b", depends_on=[]), echo("c", depends_on=["a", "b"]))
        )
        one, two = (taken(release) for release in released)
        skip_task(actor=alice, task=tasks_of(execution.id).get(name="c"))
    with meanwhile(lambda: finish(one)):
        ending = Beside(lambda: finish(two))
        eventually(ending.is_past_or_waits, "the other one ends, or waits")
    ending.over()
    with acting_as(alice.pk):
        execution.refresh_from_db()
        assert execution.status == "completed"


@pytest.mark.django_db(transaction=True)
def test_a_message_that_comes_while_its_run_is_resumed_is_not_the_last(alice: User) -> None:
    with acting_as(alice.pk):
        execution, (release,) = begin(alice, document(echo("a")))
        pause_execution(actor=alice, execution=execution)

    def resume() -> None:
        with acting_as(alice.pk):
            resume_execution(actor=alice, execution=execution)

    with meanwhile(resume):
        coming = Beside(lambda: claim(release))
        eventually(coming.is_past_or_waits, "it is turned away, or waits")
    assert coming.over() is None
    with acting_as(alice.pk):
        assert Task.objects.get(pk=release.task_id).due_at is not None
    assert claim(release) is not None


OPEN = ["pending", "dispatched", "executing", "waiting"]


def left_open(user: User, execution: Execution) -> list[str]:
    with acting_as(user.pk):
        return list(tasks_of(execution.id).filter(status__in=OPEN).values_list("name", flat=True))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("waits_for", ["approval", "frames"])
def test_a_step_that_begins_to_wait_while_its_run_is_cancelled_is_cancelled(alice: User, waits_for: str) -> None:
    with acting_as(alice.pk):
        execution, (release,) = begin(alice, document(loop("l", echo("inner"))))
    claimed = taken(release)
    if waits_for == "frames":
        one, _ = expand(claimed, 2, watch=True)
        (collecting,) = finish(taken(one)).released
        claimed = taken(collecting)

    def cancel() -> None:
        with acting_as(alice.pk):
            cancel_execution(actor=alice, execution=execution)

    def begin_to_wait() -> ledger.HandOver:
        if waits_for == "frames":
            return ledger.keep_waiting(claimed, 1, None)
        return ledger.wait(claimed, "approval", None, key="x", carry={})

    with meanwhile(begin_to_wait):
        cancelling = Beside(cancel)
        eventually(cancelling.is_past_or_waits, "it is cancelled, or waits")
    cancelling.over()
    assert left_open(alice, execution) == []


@pytest.mark.django_db(transaction=True)
def test_a_step_that_goes_on_as_frames_while_its_run_is_cancelled_is_cancelled(alice: User) -> None:
    with acting_as(alice.pk):
        execution, (release,) = begin(alice, document(loop("l", echo("inner"), echo("more"))))
    claimed = taken(release)
    with acting_as(alice.pk), connection.cursor() as cursor:
        # The two halves of ledger_cancel.
        Execution.objects.filter(pk=execution.pk).update(status="cancelled", completed_at=datetime.now(UTC))
        going_on = Beside(lambda: expand(claimed))
        eventually(going_on.is_past_or_waits, "it goes on, or waits")
        cursor.execute("SELECT ledger_cancel_tasks(%s, '{}')", [execution.pk])
    assert going_on.over() == []
    assert left_open(alice, execution) == []
