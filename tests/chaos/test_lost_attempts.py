"""How often a worker may be lost over one task, counted by the ledger, whatever part of the task it was at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings

from apps.accounts.models import User
from apps.core.tenancy import acting_as
from apps.executions import ledger
from apps.executions.models import Event, Execution, Task
from apps.executions.queries import tasks_of
from tests.workers.clock import decided, lose_worker, pass_time, sweep
from tests.workers.test_ledger import begin, claim, finish

LOOP = {
    "name": "loop",
    "type": "for_loop",
    "iterator": "item",
    "data_source": [1],
    "steps": [{"name": "inner", "type": "test_echo"}],
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def acting(alice: User) -> Any:
    with acting_as(alice.pk):
        yield alice


def single(user: User, **fields: Any) -> tuple[Execution, ledger.Release]:
    step = {"name": "deadly", "type": "simulate", **fields}
    execution, (released,) = begin(user, {"workflow": {"name": "deadly", "steps": [step]}})
    return execution, released


def die(release: ledger.Release) -> list[ledger.Release]:
    """A worker claims the task and dies; what the sweep released then, after whatever wait."""
    assert claim(release) is not None
    lose_worker(release.task_id)
    released = sweep()
    if not released and Task.objects.get(pk=release.task_id).wait == "loss":
        pass_time(release.task_id, 60)
        released = sweep()
    return released


def test_a_loop_whose_collection_kills_every_worker_fails(acting: User) -> None:
    execution, (loop,) = begin(acting, {"workflow": {"name": "loop", "steps": [LOOP]}})
    taken = claim(loop)
    assert taken is not None
    (inner,) = ledger.expand(taken, [{"body": 0, "loop": {}}], limit=1, stop_on_failure=True, worker="t").released
    taken = claim(inner)
    assert taken is not None
    released = finish(taken).released
    losses = 0
    while released:
        assert losses < settings.SYMPHONY_MAX_LOST_ATTEMPTS, "it would go on for ever"
        assert Task.objects.get(pk=released[0].task_id).phase == 1
        released = die(released[0])
        losses += 1
    execution.refresh_from_db()
    assert execution.error_code == "worker_lost"
    assert Event.objects.filter(execution=execution, event_type="task_lost").count() == losses - 1


def test_the_first_loss_costs_no_time_and_each_further_one_more(acting: User) -> None:
    execution, released = single(acting)
    waits = []
    for _ in range(settings.SYMPHONY_MAX_LOST_ATTEMPTS - 1):
        assert claim(released) is not None
        lose_worker(released.task_id)
        again = sweep()
        found = Task.objects.get(pk=released.task_id)
        waits.append(0 if again else round((found.due_at - datetime.now(UTC)).total_seconds()))
        pass_time(released.task_id, 60)
        if not again:
            assert (found.status, found.wait) == ("waiting", "loss")
            sweep()
    assert waits == [0, 1, 2, 4]
    found = Task.objects.get(pk=released.task_id)
    assert (found.losses, found.retries, found.status) == (4, 0, "dispatched")
    assert die(released) == []
    execution.refresh_from_db()
    assert execution.error_code == "worker_lost"


def test_a_step_that_loses_every_worker_has_its_handler_like_any_other(acting: User) -> None:
    handler = [{"name": "instead", "type": "test_echo", "value": "{{error.code}}"}]
    execution, released = single(acting, on_error=handler)
    waiting = [released]
    while len(waiting) == 1 and Task.objects.get(pk=waiting[0].task_id).phase == 0:
        waiting = die(waiting[0])
    (inner,) = decided(waiting)
    taken = claim(inner)
    assert taken is not None
    assert taken["loop"]["error"]["code"] == "worker_lost"
    (collect,) = finish(taken).released
    assert Task.objects.get(pk=collect.task_id).phase == 2
    execution.refresh_from_db()
    assert execution.failures == 0


def test_losses_do_not_eat_retries_and_a_retry_does_not_begin_the_count_anew(acting: User) -> None:
    execution, released = single(acting, retry={"max_retries": 2, "retry_on": ["worker_lost"], "delay_seconds": 1})
    deaths, retries = 0, []
    while tasks_of(execution.pk).get().status != "failed":
        (failed,) = die(released)
        deaths += 1
        assert deaths < 20, "it would go on for ever"
        if Task.objects.get(pk=failed.task_id).phase == 3:
            decided([failed])
            retries.append(deaths)
            pass_time(released.task_id, 5)
            sweep()
    most = settings.SYMPHONY_MAX_LOST_ATTEMPTS
    assert retries == [most, most + 1, most + 2], (
        "of a step that kills, each retry costs one more worker, not all again"
    )
    found = tasks_of(execution.pk).get()
    assert (found.retries, found.losses) == (2, most + 2)
    assert found.error["code"] == "worker_lost"


def test_one_whose_failure_cannot_even_be_decided_about_fails_all_the_same(acting: User) -> None:
    execution, released = single(acting, error_output="why")
    waiting = [released]
    for _ in range(3 * settings.SYMPHONY_MAX_LOST_ATTEMPTS):
        if not waiting:
            break
        waiting = die(waiting[0])
    execution.refresh_from_db()
    assert (execution.status, execution.error_code) == ("failed", "worker_lost")
