"""The window, the backlog and the arbiter in the database: what the pure rules say, in whatever order who asks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from apps.accounts import services as accounts
from apps.accounts.models import User
from apps.core.db.rows import rows_of
from apps.core.tenancy import acting_as, staff, sweeping
from apps.executions import ledger
from apps.executions.ledger import Keep
from apps.executions.models import Backlog, Execution, PitOperation, Share, Task, Window
from apps.executions.services import cancel_execution, pause_execution, resume_execution, set_priority
from tests.workers.test_ledger import begin, finish, outcome
from workers.pit.arbiter import Arbiter, jain

pytestmark = pytest.mark.django_db
QUEUE = "calls"
WINDOW = 16
WAKEUPS = 2
"""Messages while tasks wait in the backlog, where the window is that small or smaller."""
WINDOW_OF_NONE = 8
"""The window of a queue that no worker serves."""
SENT_AGAIN = timedelta(seconds=settings.SYMPHONY_RESEND_SECONDS)


@pytest.fixture
def acting(alice: User) -> Iterator[User]:
    with acting_as(alice.pk):
        yield alice


def nap(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "simulate", "seconds": 0, **more}


def wide(count: int, **workflow: Any) -> dict[str, Any]:
    return {"workflow": {"name": "wide", "mode": "dag", **workflow, "steps": [nap(f"s{n}") for n in range(count)]}}


def messages(execution: Execution) -> list[ledger.Release]:
    """Those that are out for a run."""
    rows = rows_of(
        "SELECT l.* FROM ledger_released(ARRAY(SELECT id FROM executions_task WHERE execution_id = %s"
        " AND status = 'dispatched' AND due_at IS NOT NULL AND held IS NULL)) l",
        [execution.id],
    )
    return [ledger.releases.release_of(row) for row in rows]


def claimed_of(release: ledger.Release) -> ledger.HandOver:
    return ledger.claim(str(release.organization_id), str(release.task_id), "test/x")


def somebody(name: str) -> User:
    return accounts.create_user(email=f"{name}@example.org", password=None, display_name=name)


def runs_of(*counts: int, weights: tuple[float, ...] = ()) -> list[Execution]:
    """One run for each organization, so many steps wide."""
    runs = []
    for number, count in enumerate(counts):
        user = somebody(f"person{number}")
        with acting_as(user.pk):
            runs.append(begin(user, wide(count))[0])
    with staff():
        for run, weight in zip(runs, weights, strict=False):
            Share.objects.filter(owner=run.organization_id).update(weight=weight)
    return runs


def test_few_messages_are_out_and_every_claim_brings_the_next(acting: User) -> None:
    execution, _ = begin(acting, wide(60))
    out = messages(execution)
    assert len(out) == WINDOW
    assert Backlog.objects.count() == 60 - WINDOW
    operation = PitOperation.objects.get(execution=execution)
    assert operation.operation_type == "arbitration"
    assert operation.operation_context == {
        "decision": "deferred",
        "reason": "window",
        "queue": QUEUE,
        "tasks": 60 - WINDOW,
    }
    ended = 0
    while out:
        handed = claimed_of(out.pop(0))
        out += handed.released
        assert len(messages(execution)) <= WINDOW
        ended += 1
        for further in finish(handed.taken[0]).released:
            out.append(further)
    assert ended >= 60
    execution.refresh_from_db()
    assert execution.status == "completed"
    assert not Backlog.objects.exists()


def test_a_slot_with_nothing_to_go_on_with_takes_from_the_backlog_itself(acting: User) -> None:
    execution, _ = begin(acting, wide(30))
    handed = claimed_of(messages(execution)[0])
    claimed: dict[str, Any] | None = handed.taken[0]
    seen = 0
    while claimed is not None:
        seen += 1
        done = ledger.finish(claimed["organization"], [outcome(claimed, "completed")], "test/x", Keep(64, QUEUE))
        assert not done.waiting
        claimed = done.taken[0] if done.taken else None
    assert seen >= 30 - WINDOW - 1
    assert not Backlog.objects.exists()


def test_others_of_the_queue_come_before_what_follows_in_place(acting: User) -> None:
    """A chain beside a flood of another organization: the slot asks the arbiter, it does not go on by itself."""
    (flood,) = runs_of(40)
    execution, (first,) = begin(acting, {"workflow": {"name": "chain", "steps": [nap("a"), nap("b")]}})
    with acting_as(acting.pk):
        handed = claimed_of(first)
    after = ledger.finish(
        str(execution.organization_id), [outcome(handed.taken[0], "completed")], "test/x", Keep(64, QUEUE)
    )
    assert (after.taken, after.waiting) == ([], True)
    granted = [ledger.grant(QUEUE, 64, "test/x").taken[0] for _ in range(2)]
    assert {claimed["organization"] for claimed in granted} == {
        str(flood.organization_id),
        str(execution.organization_id),
    }


@pytest.mark.parametrize("by_message", [True, False])
def test_shares_are_by_weight_whoever_asks(*, by_message: bool) -> None:
    weights = (1.0, 2.0, 4.0)
    runs = runs_of(150, 150, 150, weights=weights)
    out = [release for run in runs for release in _seen(run)]
    with sweeping():
        served: Counter[str] = Counter()
        for _ in range(140):
            if by_message:
                released = rows_of("SELECT l.* FROM ledger_released(ledger_topup(%s, %s, 10)) l", [QUEUE, 1])
                served.update(str(row[1]) for row in released[:1])
                Task.objects.filter(id__in=[row[0] for row in released]).update(status="executing")
            else:
                served[ledger.grant(QUEUE, 1, "test/x").taken[0]["organization"]] += 1
    had = [served[str(run.organization_id)] / weight for run, weight in zip(runs, weights, strict=True)]
    assert jain(had) >= 0.99, (had, len(out))


def _seen(execution: Execution) -> list[ledger.Release]:
    with sweeping():
        return messages(execution)


def test_a_flood_costs_the_others_less_than_twice_the_wait() -> None:
    """One organization has 600 steps before nine others come with ten each: the places at which those are served."""
    runs = runs_of(600, *[10] * 9)
    others = {str(run.organization_id) for run in runs[1:]}
    places: list[int] = []
    with sweeping():
        out = [release for run in runs for release in messages(run)]
        for place in range(300):
            handed = claimed_of(out.pop(0))
            out += handed.released
            if handed.taken[0]["organization"] in others:
                places.append(place)
            if len(places) == 90:
                break
    assert len(places) == 90
    # Without the flood the last five of a hundred waited for 86 others.
    assert sorted(places)[int(90 * 0.95)] <= 2 * 86


@pytest.mark.parametrize("seed", range(4))
def test_the_database_picks_what_the_rules_pick(seed: int) -> None:
    chance = random.Random(seed)
    with sweeping():
        Window.objects.create(queue=QUEUE, size=1)
    model = Arbiter()
    owners = [somebody(f"owner{number}") for number in range(3)]
    weights = {owner.pk: chance.choice([1.0, 2.0, 3.0]) for owner in owners}
    with acting_as(owners[0].pk):
        begin(owners[0], wide(1))  # its message is the one that is out
    for number in range(8):
        owner = chance.choice(owners)
        with acting_as(owner.pk):
            count = chance.randint(1, 6)
            execution = begin(owner, wide(count))[0]
            priority = chance.choice([0, 0, 1, 3])
            set_priority(actor=owner, execution=execution, priority=priority)
        with sweeping():
            Share.objects.filter(owner=execution.organization_id).update(weight=weights[owner.pk])
            rows = list(Backlog.objects.filter(execution=execution).order_by("turn"))
        assert len(rows) == count
        model.enter(
            execution.organization_id,
            execution.pk,
            [(row.task_id, row.rank) for row in rows],
            now=number * 0.001,
            weight=weights[owner.pk],
            head_start=priority * 60.0,
        )
    while (expected := model.pick()) is not None:
        with sweeping():
            ((ids, owner_id),) = rows_of("SELECT * FROM ledger_pick(%s, 1)", [QUEUE])
        assert (owner_id, ids) == (expected[0], [expected[1]])
    with sweeping():
        assert rows_of("SELECT ids FROM ledger_pick(%s, 1)", [QUEUE]) == [([],)]
        assert not Share.objects.exists()


def test_a_paused_run_leaves_and_comes_back(acting: User) -> None:
    execution, _ = begin(acting, wide(40))
    pause_execution(actor=acting, execution=execution)
    assert not Backlog.objects.exists()
    assert messages(execution) == []
    other, _ = begin(acting, wide(20))
    assert len(messages(other)) >= WAKEUPS, "messages of a paused run take nobody's room"
    resume_execution(actor=acting, execution=execution)
    assert Backlog.objects.filter(execution=execution).count() == 40


def test_what_is_put_away_for_a_pause_that_is_over_is_looked_at_again(acting: User) -> None:
    """Who releases a task sees the run paused while somebody resumes it, who passes over the task because it is held."""
    execution, _ = begin(acting, wide(1))
    (task,) = Task.objects.filter(execution=execution)
    pause_execution(actor=acting, execution=execution)
    task.refresh_from_db()
    assert task.due_at is None
    rows_of("SELECT ledger_park(%s, ARRAY[%s])", [execution.id, task.id])
    task.refresh_from_db()
    assert task.due_at is None, "whoever resumes the run finds it"
    resume_execution(actor=acting, execution=execution)
    Task.objects.filter(pk=task.pk).update(due_at=None)
    rows_of("SELECT ledger_park(%s, ARRAY[%s])", [execution.id, task.id])
    task.refresh_from_db()
    assert task.due_at is not None, "else nobody would send it again"


def test_a_cancelled_run_leaves(acting: User) -> None:
    execution, _ = begin(acting, wide(40))
    cancel_execution(actor=acting, execution=execution)
    with sweeping():
        assert rows_of("SELECT ids FROM ledger_pick(%s, 1)", [QUEUE]) == [([],)]
        assert not Backlog.objects.exists()


def test_what_ended_while_it_waited_is_passed_over(acting: User) -> None:
    execution, _ = begin(acting, wide(18))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE executions_task SET status = 'cancelled' WHERE id IN "
            "(SELECT task_id FROM executions_backlog ORDER BY turn LIMIT 1)"
        )
    with sweeping():
        ((ids,),) = rows_of("SELECT ids FROM ledger_pick(%s, 1)", [QUEUE])
    assert len(ids) == 1
    assert not Backlog.objects.filter(execution=execution).exists()


def test_the_sweep_fills_the_window_when_messages_were_lost(acting: User) -> None:
    execution, _ = begin(acting, wide(40))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE executions_task SET status = 'cancelled' WHERE due_at IS NOT NULL")
    with sweeping():
        assert len(ledger.tend(QUEUE)) == WAKEUPS, "so many while others wait"
    assert len(messages(execution)) == WAKEUPS


def test_messages_that_nobody_claims_do_not_keep_the_others_waiting(acting: User) -> None:
    execution, _ = begin(acting, wide(40))
    lost = [release.task_id for release in messages(execution)]
    with sweeping():
        assert ledger.tend(QUEUE) == [], "there are more than enough"
        Task.objects.filter(id__in=lost[WAKEUPS:]).update(status="cancelled")
        assert ledger.tend(QUEUE) == []
        for sent in (2 * WAKEUPS, 3 * WAKEUPS):
            # As if they had been sent three seconds ago.
            Task.objects.filter(due_at__isnull=False).update(due_at=Now() + SENT_AGAIN - timedelta(seconds=3))
            assert len(ledger.tend(QUEUE)) == WAKEUPS
            assert ledger.tend(QUEUE) == [], "these may still be claimed"
            assert len(messages(execution)) == sent
        for _ in range(WINDOW):
            Task.objects.filter(due_at__isnull=False).update(due_at=Now())
            ledger.tend(QUEUE)
    assert len(messages(execution)) == WINDOW_OF_NONE, "never more than the window"


@pytest.mark.parametrize("priority", [11, -11, True, "1"])
def test_a_priority_is_a_number_of_that_range(acting: User, priority: Any) -> None:
    execution, _ = begin(acting, wide(1))
    with pytest.raises(Exception, match="from -10 to 10"):
        set_priority(actor=acting, execution=execution, priority=priority)
