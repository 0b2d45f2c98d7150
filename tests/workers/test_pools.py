"""Never more than k: pools in the database, alone and with many who claim, finish, lose and stop at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction

from apps.accounts.models import User
from apps.core.db.rows import rows_of
from apps.core.tenancy import acting_as, sweeping
from apps.executions import ledger
from apps.executions.errors import NotPausable, NotRunnable
from apps.executions.ledger.releases import release_of
from apps.executions.models import Backlog, Execution, PitOperation, Pool, PoolLease, Task
from apps.executions.services import cancel_execution, pause_execution, resume_execution
from tests.workers.test_backlog import claimed_of, messages, nap
from tests.workers.test_ledger import begin, finish, outcome

pytestmark = pytest.mark.django_db


@pytest.fixture
def acting(alice: User) -> Iterator[User]:
    with acting_as(alice.pk):
        yield alice


def limited(count: int, limit: Any = "api") -> dict[str, Any]:
    steps = [nap(f"s{number}", limit=limit) for number in range(count)]
    return {"workflow": {"name": "limited", "mode": "dag", "steps": steps}}


def pool_of(user: User, slots: int | None, kind: str = "key", name: str = "api") -> Pool:
    organization = user.memberships.get().organization
    pool = Pool(organization=organization, kind=kind, name=name, slots=slots)
    pool.save(force_insert=True)
    return pool


def most_at_once(pool: Pool) -> int:
    """From the history of leases: the most slots that were taken at one moment."""
    changes: list[tuple[datetime, int]] = []
    for lease in PoolLease.objects.filter(pool=pool, taken_at__isnull=False):
        ends = min(filter(None, (lease.returned_at, lease.until)), default=datetime.max.replace(tzinfo=UTC))
        assert lease.taken_at is not None
        changes += [(lease.taken_at, lease.slots), (ends, -lease.slots)]
    taken = most = 0
    for _, change in sorted(changes):
        taken += change
        most = max(most, taken)
    return most


def test_who_finds_the_pool_full_waits_and_goes_when_a_slot_comes_back(acting: User) -> None:
    pool = pool_of(acting, 2)
    execution, _ = begin(acting, limited(5))
    assert Execution.objects.get(pk=execution.pk).pooled
    running, turned_away = [], 0
    for release in messages(execution):
        handed = claimed_of(release)
        running += handed.taken
        turned_away += not handed.taken
    assert (len(running), turned_away) == (2, 3)
    assert set(Task.objects.filter(held="limit").values_list("status", flat=True)) == {"dispatched"}
    assert Backlog.objects.filter(pool_id=pool.pk).count() == 3
    told = PitOperation.objects.filter(operation_type="pool_allocation").first()
    assert told is not None
    assert (told.operation_context["decision"], told.operation_context["reason"]) == ("deferred", "no_slot")
    for _ in range(3):
        (freed,) = finish(running.pop(0)).released
        running += claimed_of(freed).taken
        assert len(running) == 2
    finish(running.pop())
    finish(running.pop())
    assert most_at_once(pool) == 2
    execution.refresh_from_db()
    assert execution.status == "completed"
    assert not PoolLease.objects.filter(returned_at__isnull=True).exists()
    assert PitOperation.objects.filter(operation_type="pool_allocation").count() == 3, "once for each that waited"


def test_a_step_that_costs_more_takes_more_slots(acting: User) -> None:
    pool_of(acting, 3)
    execution, _ = begin(acting, limited(3, {"name": "api", "slots": 2}))
    assert [len(claimed_of(release).taken) for release in messages(execution)] == [1, 0, 0]


def test_who_asks_for_more_than_there_is_gets_all_there_is(acting: User) -> None:
    pool = pool_of(acting, 2)
    execution, _ = begin(acting, limited(2, {"name": "api", "slots": 50}))
    assert [len(claimed_of(release).taken) for release in messages(execution)] == [1, 0]
    assert PoolLease.objects.get(pool=pool).slots == 2


def test_in_a_pool_that_grows_it_counts_with_what_it_took_and_the_next_with_what_it_asks_for(acting: User) -> None:
    pool = pool_of(acting, 2)
    execution, _ = begin(acting, limited(3, {"name": "api", "slots": 5}))
    one, two, three = messages(execution)
    assert len(claimed_of(one).taken) == 1
    Pool.objects.filter(pk=pool.pk).update(slots=7)
    assert [len(claimed_of(release).taken) for release in (two, three)] == [1, 0]
    assert list(PoolLease.objects.filter(pool=pool).order_by("id").values_list("slots", flat=True)) == [2, 5]


def test_nobody_overtakes_who_waits(acting: User) -> None:
    """A slot that comes back is set aside for the one that waits: a newcomer does not get it."""
    pool_of(acting, 1)
    first, _ = begin(acting, limited(2))
    one, two = messages(first)
    running = claimed_of(one).taken[0]
    assert not claimed_of(two).taken
    (freed,) = finish(running).released
    newcomer, _ = begin(acting, limited(1))
    assert not claimed_of(messages(newcomer)[0]).taken
    assert claimed_of(freed).taken[0]["execution"] == str(first.pk)


def test_a_pool_that_comes_later_holds_for_runs_that_are_under_way(acting: User) -> None:
    execution, _ = begin(acting, {"workflow": {"name": "w", "mode": "dag", "steps": [nap("a"), nap("b")]}})
    assert not Execution.objects.get(pk=execution.pk).pooled
    pool = pool_of(acting, 1, kind="queue", name="calls")
    assert [len(claimed_of(release).taken) for release in messages(execution)] == [1, 0]
    pool.slots = 2
    pool.save()
    with sweeping():
        assert len(ledger.tend_pools()) == 1


def test_a_closed_pool_gives_nothing_out(acting: User) -> None:
    pool = pool_of(acting, 5)
    execution, _ = begin(acting, limited(1))
    Pool.objects.filter(pk=pool.pk).update(open=False)
    assert not claimed_of(messages(execution)[0]).taken
    Pool.objects.filter(pk=pool.pk).update(open=True)
    with sweeping():
        (freed,) = ledger.tend_pools()
    assert claimed_of(freed).taken


def test_what_is_cancelled_keeps_its_slot_until_it_has_stopped(acting: User) -> None:
    pool = pool_of(acting, 1)
    execution, _ = begin(acting, limited(1))
    running = claimed_of(messages(execution)[0]).taken[0]
    cancel_execution(actor=acting, execution=execution)
    other, _ = begin(acting, limited(1))
    assert not claimed_of(messages(other)[0]).taken
    (freed,) = ledger.pool_stopped(running)
    assert claimed_of(freed).taken
    assert most_at_once(pool) == 1


def test_a_limit_without_a_pool_is_refused_at_the_start(acting: User) -> None:
    with pytest.raises(NotRunnable) as refused:
        begin(acting, limited(1, "nowhere"))
    (told,) = refused.value.errors
    assert told["pointer"].endswith("/steps/0/limit")
    assert "'nowhere'" in told["message"]


def test_two_pools_taken_in_any_order_do_not_wait_for_each_other(acting: User) -> None:
    pool_of(acting, 1)
    pool_of(acting, 1, kind="queue", name="calls")
    execution, _ = begin(acting, limited(3))
    ended, out = 0, messages(execution)
    while out:
        for claimed in claimed_of(out.pop(0)).taken:
            out += finish(claimed).released
            ended += 1
    assert ended == 3


@pytest.mark.django_db(transaction=True)
def test_never_more_than_k_whoever_does_what_at_once(alice: User) -> None:
    """Six slots claim, finish, fail, are lost and asked for more, while runs are paused, resumed and cancelled."""
    with acting_as(alice.pk), transaction.atomic():
        pools = [pool_of(alice, 3), pool_of(alice, 4, kind="queue", name="calls")]
        runs = [begin(alice, limited(30))[0] for _ in range(3)]
    organization = str(runs[0].organization_id)
    stop = threading.Event()
    failures: list[BaseException] = []
    deadline = datetime.now(UTC) + timedelta(seconds=12)

    def slot(number: int) -> None:
        chance = random.Random(number)
        try:
            while not stop.is_set():
                _one_step(chance, organization, f"w{number}/m")
        except BaseException as error:  # noqa: BLE001 - told by the test
            failures.append(error)
        finally:
            connections.close_all()

    slots = [threading.Thread(target=slot, args=(number,), daemon=True) for number in range(6)]
    for thread in slots:
        thread.start()
    chance = random.Random(7)
    pause = threading.Event()
    with acting_as(alice.pk):
        cancel_execution(actor=alice, execution=runs[2])
    while datetime.now(UTC) < deadline and _open(runs[:2]):
        with acting_as(alice.pk):
            run = chance.choice(runs[:2])
            run.refresh_from_db()
            if run.status == "paused":
                resume_execution(actor=alice, execution=run)
            elif run.status == "running" and chance.random() < 0.3:
                with suppress(NotPausable):  # it may end just now
                    pause_execution(actor=alice, execution=run)
        with sweeping():
            ledger.tend_pools()
            ledger.tend("calls")
        pause.wait(0.05)
    stop.set()
    for thread in slots:
        thread.join(20)
    assert not failures, failures
    with sweeping():
        assert most_at_once(pools[0]) <= 3
        assert most_at_once(pools[1]) <= 4
        assert PoolLease.objects.filter(taken_at__isnull=False).count() > 30
        assert not PoolLease.objects.filter(returned_at__isnull=True, until__isnull=True).exclude(
            task_id__in=Task.objects.filter(status="executing").values("id")
        )


def _open(runs: list[Execution]) -> bool:
    with sweeping():
        return Execution.objects.filter(pk__in=[run.pk for run in runs], completed_at__isnull=True).exists()


def _one_step(chance: random.Random, organization: str, worker: str) -> None:
    with sweeping():
        out = rows_of(
            "SELECT l.* FROM ledger_released(ARRAY(SELECT id FROM executions_task WHERE status = 'dispatched'"
            " AND due_at IS NOT NULL)) l",
            [],
        )
    if not out:
        threading.Event().wait(0.01)
        return
    release = release_of(chance.choice(out))
    try:
        taken = ledger.claim(organization, str(release.task_id), worker).taken
        while taken:
            claimed = taken[0]
            what = chance.random()
            if what < 0.1:
                ledger.report_lost(organization, worker, "meant")
                return
            if what < 0.2:
                ledger.give_back(organization, [(claimed["task"], claimed["lease"])], "meant")
                return
            keep = ledger.Keep(64, "calls") if chance.random() < 0.5 else ledger.NOTHING
            status = "failed" if what > 0.95 else "completed"
            taken = ledger.finish(organization, [outcome(claimed, status)], worker, keep).taken
    except DatabaseError as error:
        # A worker insists; and so does this one, with the next.
        if "deadlock" not in str(error):
            raise
        connection.close()


def model_pool(user: User, **limits: Any) -> Pool:
    pool = pool_of(user, limits.pop("slots", None), kind="model", name="m")
    Pool.objects.filter(pk=pool.pk).update(**limits)
    return pool


def call(claimed: dict[str, Any], tokens: int) -> ledger.Refusal | None:
    return ledger.reserve_call(
        claimed["organization"], claimed["task"], claimed["attempt"], ["m", "p/m", "p"], tokens, 60.0
    )


def executing(user: User, count: int = 1) -> list[dict[str, Any]]:
    execution, _ = begin(
        user, {"workflow": {"name": "w", "mode": "dag", "steps": [nap(f"s{n}") for n in range(count)]}}
    )
    return [claimed_of(release).taken[0] for release in messages(execution)]


def test_calls_share_the_tokens_of_a_minute(acting: User) -> None:
    model_pool(acting, tokens_per_minute=1000)
    one, two = executing(acting, 2)
    assert call(one, 800) is None
    refused = call(two, 300)
    assert refused is not None
    assert (refused.pool, refused.reason) == ("m", "tokens")
    assert 55 < refused.seconds <= 60
    ledger.end_call(one["organization"], one["task"], ["m"], 800, 100, healthy=True)
    assert call(two, 300) is None, "what a call has not used others may use"
    told = PitOperation.objects.get(operation_type="pool_allocation")
    assert (told.operation_context["decision"], told.operation_context["reason"]) == ("deferred", "tokens")


def test_a_call_larger_than_a_minute_goes_alone(acting: User) -> None:
    model_pool(acting, tokens_per_minute=100)
    one, two = executing(acting, 2)
    assert call(one, 5000) is None
    refused = call(two, 1)
    assert refused is not None


def test_a_model_has_so_many_slots_and_a_lost_worker_gives_its_own_back(acting: User) -> None:
    pool = model_pool(acting, slots=1)
    one, two = executing(acting, 2)
    assert call(one, 5) is None
    refused = call(two, 5)
    assert refused is not None
    assert refused.reason == "slots"
    ledger.report_lost(one["organization"], "test/x", "meant")
    assert not PoolLease.objects.filter(pool=pool, returned_at__isnull=True).exists()


def test_a_model_that_does_not_answer_rests_and_recovers(acting: User) -> None:
    pool = model_pool(acting, slots=5)
    (one,) = executing(acting)
    for _ in range(5):
        assert call(one, 1) is None
        ledger.end_call(one["organization"], one["task"], ["m"], 1, 0, healthy=False)
    pool.refresh_from_db()
    assert pool.health == "unhealthy"
    refused = call(one, 1)
    assert refused is not None
    assert refused.reason == "unhealthy"
    Pool.objects.filter(pk=pool.pk).update(recovers_at=datetime.now(UTC) - timedelta(seconds=1))
    assert call(one, 1) is None
    ledger.end_call(one["organization"], one["task"], ["m"], 1, 1, healthy=True)
    pool.refresh_from_db()
    assert (pool.health, pool.failures) == ("healthy", 0)


def test_who_has_no_pool_is_not_asked(acting: User) -> None:
    (one,) = executing(acting)
    answer = call(one, 10**9)
    assert answer is not None
    assert (answer.pool, answer.reason) == (None, "unlimited")
