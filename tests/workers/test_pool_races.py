"""What two do at once to a task that needs a slot, in the order in which it once went wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from apps.accounts.models import User
from apps.core.db.rows import rows_of
from apps.core.tenancy import acting_as, sweeping
from apps.executions import ledger
from apps.executions.models import Backlog, Execution, PoolLease, Task
from apps.executions.services import pause_execution, resume_execution
from tests.workers.test_backlog import claimed_of, messages
from tests.workers.test_ledger import begin, finish
from tests.workers.test_pools import limited, pool_of

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 30
POOLS = 1397772108
"""As `ledger_lock_pools` takes it."""


def started(user: User, count: int) -> Execution:
    with acting_as(user.pk), transaction.atomic():
        pool_of(user, 1)
        return begin(user, limited(count))[0]


def closing(act: Callable[[], Any]) -> Callable[[], Any]:
    """For a thread of its own: it leaves no connection behind."""

    def closed_behind() -> Any:
        try:
            return act()
        finally:
            connection.close()

    return closed_behind


@contextmanager
def held_elsewhere(take: Callable[[], Any]) -> Iterator[None]:
    """Another transaction holds what `take` locks, until the block ends."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with sweeping():
            take()
            held.set()
            let_go.wait(SECONDS)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(closing(hold))
        try:
            assert held.wait(SECONDS)
            yield
        finally:
            let_go.set()
            holding.result(SECONDS)


def wait_until_somebody_waits_for_pools() -> None:
    deadline, pause = time.monotonic() + SECONDS, threading.Event()
    while not rows_of("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND NOT granted", [POOLS]):
        assert time.monotonic() < deadline, "nobody waits"
        pause.wait(0.01)


def test_a_run_that_is_paused_in_the_midst_of_a_claim_gives_the_slot_back(alice: User) -> None:
    execution = started(alice, 1)
    with sweeping():
        (message,) = messages(execution)

    def lock() -> None:
        rows_of("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [POOLS, str(execution.organization_id)])

    with ThreadPoolExecutor(1) as pool:
        with held_elsewhere(lock):
            claiming = pool.submit(closing(lambda: claimed_of(message).taken))
            wait_until_somebody_waits_for_pools()
            with acting_as(alice.pk):
                pause_execution(actor=alice, execution=execution)
        assert claiming.result(SECONDS) == []
    with sweeping():
        assert not PoolLease.objects.filter(returned_at__isnull=True).exists()
    with acting_as(alice.pk):
        resume_execution(actor=alice, execution=execution)
    with sweeping():
        (again,) = messages(execution)
    (claimed,) = claimed_of(again).taken
    finish(claimed)
    with sweeping():
        execution.refresh_from_db()
        assert execution.status == "completed"


def test_who_serves_a_pool_leaves_a_task_that_somebody_holds(alice: User) -> None:
    """Whoever resumes its run puts it into the backlog again: to take it out there first would be waiting in a circle."""
    execution = started(alice, 2)
    with sweeping():
        first, second = messages(execution)
    (claimed,) = claimed_of(first).taken
    assert not claimed_of(second).taken
    with sweeping():
        assert Backlog.objects.filter(task_id=second.task_id, pool_id__isnull=False).exists()

    with held_elsewhere(lambda: list(Task.objects.select_for_update().filter(pk=second.task_id))):
        finish(claimed)
        with sweeping():
            ledger.tend_pools()
            assert Backlog.objects.filter(task_id=second.task_id).exists()
            assert not PoolLease.objects.filter(task_id=second.task_id).exists()
    with sweeping():
        ledger.tend_pools()
        assert PoolLease.objects.filter(task_id=second.task_id, returned_at__isnull=True).exists()
