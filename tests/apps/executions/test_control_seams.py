"""Where control meets the rest: pools, limits, the store, traces, measures, projects that are hidden."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.audit.models import AuditEntry
from apps.core.tenancy import acting_as, staff, sweeping
from apps.executions import ledger, services
from apps.executions.errors import NotRunnable, VersionsDiffer
from apps.executions.models import Artifact, Event, Execution, Pool, Task
from apps.executions.queries import task_output
from apps.executions.services import Wanted, rerun_execution, retry_execution, start_execution
from apps.executions.states import RerunMode
from apps.melodies.services import create_melody, publish_version
from apps.projects import services as projects
from tests.apps.executions.conftest import Player, as_worker
from tests.apps.executions.test_control_retry import FAILS, chain, dag, looping, statuses
from tests.stored import store

pytestmark = pytest.mark.django_db

Start = Callable[..., Player]
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def acting(alice: User) -> Iterator[User]:
    with acting_as(alice.pk):
        yield alice


def rerun(actor: User, player: Player, mode: str = "failed", **more: Any) -> Player:
    player.execution.refresh_from_db()
    return Player(rerun_execution(actor=actor, execution=player.execution, wanted=Wanted(RerunMode(mode), **more)))


def retry(actor: User, player: Player) -> None:
    player.execution.refresh_from_db()
    retry_execution(actor=actor, execution=player.execution)


def next_step(player: Player, **outcome: Any) -> None:
    player.finish(player.claim(player.task_ids("dispatched")[0]), **outcome)


def test_a_rerun_stands_as_the_first_run_did_and_its_steps_have_their_limits(acting: User, start: Start) -> None:
    published = start(acting, dag({"name": "a"}, {"name": "b", "depends_on": ["a"], "queue_timeout_seconds": 900}))
    first = Player(start_execution(actor=acting, melody=published.execution.melody, priority=5))
    first.play(b=FAILS)
    Pool.objects.create(organization=first.execution.organization, kind="queue", name="steps", slots=2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.traceparent', %s, true)", [TRACE])
    made = rerun(acting, first).execution
    assert (made.priority, made.head_start, made.weight) == (5, first.execution.head_start, first.execution.weight)
    assert made.head_start > 0
    assert (made.pooled, first.execution.pooled) == (True, False)
    limits = {task.name: task.limits for task in Task.objects.filter(execution=first.execution)}
    assert limits["b"]
    assert {task.name: task.limits for task in Task.objects.filter(execution=made)} == limits
    created = Event.objects.get(execution=made, event_type="execution_created").payload
    assert created == {"tasks": 2, "traceparent": TRACE}
    retry(acting, first)
    first.execution.refresh_from_db()
    assert first.execution.pooled


def test_neither_goes_on_without_a_pool_that_a_step_names(acting: User, start: Start) -> None:
    pool = Pool.objects.create(organization=home(acting, start), kind="key", name="press", slots=1)
    first = start(acting, dag({"name": "a", "limit": "press"}))
    first.play(a=FAILS)
    pool.delete()
    with pytest.raises(NotRunnable):
        retry(acting, first)
    with pytest.raises(NotRunnable):
        rerun(acting, first)
    assert not Execution.objects.filter(rerun_of=first.execution).exists()


def home(actor: User, start: Start) -> Organization:
    found: Organization = start(actor, chain("first")).execution.organization
    return found


def test_bytes_of_a_result_that_waits_for_its_turn_outlive_the_run_they_are_from(acting: User, start: Start) -> None:
    steps = (
        {"name": "a", "continue_on_error": True},
        {"name": "b", "depends_on": ["a"]},
        {"name": "c", "depends_on": ["b"]},
    )
    first = start(acting, dag(*steps))
    next_step(first, **FAILS)
    large = json.dumps("large").encode()
    with as_worker():
        address = store(first.organization, large)
    artifact = first.artifact("report.txt", b"report", "text/plain")
    next_step(first, ref=address, artifacts=[artifact])
    next_step(first)
    second = rerun(acting, first)
    waiting = Task.objects.get(execution=second.execution, name="b")
    assert (waiting.status, waiting.output_ref) == ("pending", address)
    assert Artifact.objects.get(execution=second.execution).content_hash == artifact["sha256"]
    with as_worker(), sweeping():
        assert ledger.forget(first.execution.pk)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM ledger_free_blobs(ARRAY(SELECT id FROM executions_blob))")
            assert cursor.fetchone() == (0,)
    next_step(second)
    waiting.refresh_from_db()
    assert (waiting.status, task_output(waiting)) == ("completed", "large")


def test_after_a_retry_the_run_has_waited_since_then(acting: User, start: Start) -> None:
    player = start(acting, chain("a"))
    player.play(a=FAILS)
    Execution.objects.filter(pk=player.execution.pk).update(created_at=timezone.now() - timedelta(hours=1))
    retry(acting, player)
    player.play()
    player.execution.refresh_from_db()
    assert player.execution.performance_metrics["queued_seconds"] < 600


def loop(most: int) -> dict[str, Any]:
    each = {"name": "each", "type": "for_loop", "iterator": "one", "data_source": "range(0, 4)",
            "steps": [{"name": "inner", "type": "test_echo"}]}  # fmt: skip
    return {"workflow": {"name": "loop", "resource_limits": {"max_total_steps": most}, "steps": [each]}}


def test_steps_that_begin_anew_count_once(acting: User, start: Start) -> None:
    first = start(acting, loop(6))
    looping(first, 4)
    for outcome in (*[{}] * 4, FAILS):
        next_step(first, **outcome)
    retry(acting, first)
    looping(first, 4)
    for _ in range(5):
        next_step(first)
    first.execution.refresh_from_db()
    assert (first.execution.status, first.execution.retry_count) == ("completed", 1)
    second = rerun(acting, first, "from_here", step="each")
    looping(second, 4)
    third = rerun_of_cancelled(acting, second)
    claimed = third.claim(third.task_ids("dispatched")[0])
    with as_worker(), pytest.raises(ledger.TooManySteps), transaction.atomic():
        ledger.expand(claimed, [{"body": 0}] * 6, limit=1, stop_on_failure=True, worker="player/1")


def rerun_of_cancelled(actor: User, player: Player) -> Player:
    services.cancel_execution(actor=actor, execution=player.execution)
    return rerun(actor, player, "from_here", step="each")


def test_a_version_that_allows_fewer_steps_than_are_kept_is_refused(acting: User, start: Start) -> None:
    first = start(acting, loop(6))
    looping(first, 4)
    next_step(first)
    services.cancel_execution(actor=acting, execution=first.execution)
    newer = publish_version(actor=acting, melody=first.execution.melody, source=json.dumps(loop(4)), media="json")
    with pytest.raises(VersionsDiffer) as refused:
        rerun(acting, first, version=newer.number)
    assert refused.value.errors[0]["code"] == "too_many_steps"
    assert statuses(rerun(acting, first).execution)["each"] == "waiting"


def test_cancelling_reaches_what_is_hidden_from_who_cancels_and_shows_nothing_of_it(
    alice: User, carol: User, orchestra: Organization, start: Start, api_of: Callable[[User], APIClient]
) -> None:
    accounts.add_member(actor=alice, organization=orchestra, user=carol, role="member")
    with acting_as(alice.pk):
        secret = projects.create_project(actor=alice, organization=orchestra, name="Quartet", access="restricted")
        melody = create_melody(actor=alice, organization=orchestra, source=json.dumps(chain("a")), media="json",
                               project=secret).melody  # fmt: skip
    parent = start(alice, chain("a"), orchestra).execution
    with acting_as(alice.pk):
        hidden = start_execution(actor=alice, melody=melody, parent=parent)
        below = start_execution(actor=alice, melody=parent.melody, parent=hidden)
    client = api_of(carol)
    told = client.post(f"/api/v1/executions/{parent.pk}/cancel/", {}, format="json")
    assert (told.status_code, str(hidden.pk) in told.content.decode()) == (200, False)
    assert client.get(f"/api/v1/executions/{hidden.pk}/").status_code == 404
    with staff():
        assert set(Execution.objects.values_list("status", flat=True)) == {"cancelled"}
        assert {task.status for task in Task.objects.all()} == {"cancelled"}
        actors = dict(AuditEntry.objects.filter(action="execution.cancelled").values_list("target_id", "actor_id"))
    assert actors == {str(parent.pk): carol.pk, str(hidden.pk): None, str(below.pk): carol.pk}
    assert client.get(f"/api/v1/executions/{below.pk}/").json()["status"] == "cancelled"
