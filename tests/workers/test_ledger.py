"""The ledger's SQL: the same verdicts as the pure rules, and runs that end as the reference interpreter says."""

from __future__ import annotations

import itertools
import json
import random
from contextlib import suppress
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.accounts.queries import organization_for
from apps.core.db.rows import rows_of
from apps.core.tenancy import acting_as
from apps.executions import ledger
from apps.executions.ledger.releases import release_of
from apps.executions.models import Event, Execution, Task
from apps.executions.queries import tasks_of
from apps.executions.services import cancel_execution, start_execution
from apps.melodies.services import create_melody
from tests.unit.compiler.melodies import Sketch, document, interpret, run_fails, sketches
from workers.compiler.countdown import EFFECTS, OUTCOMES, Counter

pytestmark = pytest.mark.django_db


def begin(user: User, body: dict[str, Any], **given_input: Any) -> tuple[Execution, list[ledger.Release]]:
    """Start a run without sending anything: what would be sent is what the test claims."""
    organization = organization_for(actor=user)
    version = create_melody(actor=user, organization=organization, source=json.dumps(body), media="json")
    execution = start_execution(actor=user, melody=version.melody, input=given_input)
    rows = rows_of(
        "SELECT * FROM ledger_released(ARRAY(SELECT id FROM executions_task WHERE execution_id = %s"
        " AND status = 'dispatched'))",
        [execution.id],
    )
    return execution, [release_of(row) for row in rows]


def outcome(claimed: dict[str, Any], status: str, **fields: Any) -> dict[str, Any]:
    error = {"code": "meant", "message": "meant to fail"} if status == "failed" else None
    return {
        "task": claimed["task"],
        "attempt": claimed["attempt"],
        "lease": claimed["lease"],
        "status": status,
        "output": None,
        "error": error,
        "events": [[f"task_{status}", {}]],
        **fields,
    }


def claim(release: ledger.Release) -> dict[str, Any] | None:
    taken = ledger.claim(str(release.organization_id), str(release.task_id), "test").taken
    return taken[0] if taken else None


def finish(claimed: dict[str, Any], status: str = "completed", **fields: Any) -> ledger.HandOver:
    return ledger.finish(claimed["organization"], [outcome(claimed, status, **fields)], "test")


def chain_of(count: int) -> dict[str, Any]:
    return {"workflow": {"name": "chain", "steps": [{"name": f"s{i}", "type": "test_echo"} for i in range(count)]}}


@pytest.fixture
def acting(alice: User) -> Any:
    with acting_as(alice.pk):
        yield alice


def test_effects_and_verdicts_are_those_of_the_pure_rules() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(ledger_effect(e, o), '' ORDER BY e, o) FROM generate_series(0, 4) e, generate_series(1, 5) o"
        )
        assert cursor.fetchone()[0] == EFFECTS
        assert len(OUTCOMES) == 5
        combinations = list(itertools.product(range(3), range(3), range(3), range(2), range(4), range(3), range(3)))
        cursor.execute(
            "SELECT json_agg(ledger_verdict(r[1], r[2], r[3], r[4], r[5], r[6], r[7]) ORDER BY place)"
            " FROM (SELECT ARRAY(SELECT jsonb_array_elements_text(v)::int) AS r, place"
            "       FROM jsonb_array_elements(%s) WITH ORDINALITY t(v, place)) s",
            [json.dumps(combinations)],
        )
        (verdicts,) = cursor.fetchone()
    verdicts = json.loads(verdicts) if isinstance(verdicts, str) else verdicts
    for (opened, met, neutral, hard, total, need, wants), verdict in zip(combinations, verdicts, strict=True):
        counter = Counter(opened, need, wants, total, met, neutral, hard)
        assert counter.verdict()[0] == verdict


class Undo(Exception):
    """Leaves nothing of an example behind."""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=sketches(max_steps=9), seed=st.integers(0, 2**16))
def test_random_runs_end_as_the_reference_says(acting: User, steps: list[Sketch], seed: int) -> None:
    with suppress(Undo), transaction.atomic():
        compare_with_reference(acting, steps, random.Random(seed))
        raise Undo


def compare_with_reference(user: User, steps: list[Sketch], order: random.Random) -> None:
    execution, released = begin(user, document(steps))
    while released:
        release = released.pop(order.randrange(len(released)))
        claimed = claim(release)
        assert claimed is not None
        assert claim(release) is None, "a doubled message claims nothing"
        step = steps[int(claimed["name"][1:])]
        handed = finish(claimed, step.acts)
        assert finish(claimed, "failed").stale, "a late outcome is refused"
        released += handed.released
    execution.refresh_from_db()
    expected = interpret(steps)
    assert {task.name: task.status for task in tasks_of(execution.id)} == {
        f"s{index}": status for index, status in enumerate(expected)
    }
    assert execution.status == ("failed" if run_fails(steps, expected) else "completed")


def test_illegal_moves_are_refused_by_the_database(acting: User) -> None:
    execution, released = begin(acting, chain_of(1))
    claimed = claim(released[0])
    assert claimed is not None
    finish(claimed)
    for statement in (
        "UPDATE executions_task SET status = 'executing' WHERE execution_id = %s",
        "UPDATE executions_execution SET status = 'running' WHERE id = %s",
    ):
        with pytest.raises(DatabaseError, match="illegal move"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [execution.id])


def test_a_version_cannot_be_changed(acting: User) -> None:
    execution, _ = begin(acting, chain_of(1))
    assert type(execution.version).objects.filter(pk=execution.version_id).update(number=7) == 0
    execution.version.refresh_from_db()
    assert execution.version.number == 1


def test_a_worker_takes_its_successor_along(acting: User) -> None:
    _, released = begin(acting, chain_of(3))
    claimed = claim(released[0])
    assert claimed is not None
    handed = ledger.finish(claimed["organization"], [outcome(claimed, "completed")], "test", ledger.Keep(64))
    assert [taken["name"] for taken in handed.taken] == ["s1"]
    assert handed.released == []
    assert Task.objects.get(pk=handed.taken[0]["task"]).status == "executing"


def test_cancelling_ends_everything_and_fences_late_results(acting: User) -> None:
    execution, released = begin(acting, chain_of(3))
    claimed = claim(released[0])
    assert claimed is not None
    cancel_execution(actor=acting, execution=execution, reason="enough")
    assert {task.status for task in tasks_of(execution.id)} == {"cancelled"}
    assert finish(claimed).stale
    assert execution.status == "cancelled"
    assert execution.status_message == "enough"


def test_an_expired_lease_gives_the_task_back_and_fences_the_zombie(acting: User) -> None:
    execution, released = begin(acting, chain_of(1))
    first = claim(released[0])
    assert first is not None
    Task.objects.filter(pk=first["task"]).update(due_at="2020-01-01T00:00:00Z")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.scope', 'sweep', true)")
    (again,) = ledger.sweep(100)
    second = claim(again)
    assert second is not None
    assert second["attempt"] == 2
    assert finish(first).stale, "the zombie's outcome is refused"
    assert not finish(second).stale
    execution.refresh_from_db()
    assert execution.status == "completed"
    assert Event.objects.filter(execution=execution, event_type="task_lost").count() == 1


def test_a_task_that_loses_every_worker_fails(acting: User) -> None:
    execution, released = begin(acting, chain_of(1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.scope', 'sweep', true)")
    for losses in range(1, 6):
        claimed = claim(released[0])
        assert claimed is not None
        Task.objects.filter(pk=claimed["task"]).update(due_at="2020-01-01T00:00:00Z")
        again = ledger.sweep(100)
        if 1 < losses < 5:
            assert not again, "it waits before it takes the next worker"
            Task.objects.filter(pk=claimed["task"]).update(due_at="2020-01-01T00:00:00Z")
            again = ledger.sweep(100)
        released = again or released
    execution.refresh_from_db()
    assert execution.status == "failed"
    assert execution.error_code == "worker_lost"


def test_variables_reach_later_steps(acting: User) -> None:
    body = {
        "workflow": {
            "name": "variables",
            "variables": {"x": 1},
            "steps": [
                {"name": "a", "type": "set_variable", "variables": {"x": 2}},
                {"name": "b", "type": "test_echo", "value": "{{state.x}}"},
            ],
        }
    }
    _, released = begin(acting, body)
    claimed = claim(released[0])
    assert claimed is not None
    (release,) = finish(claimed, variables={"x": 2}).released
    second = claim(release)
    assert second is not None
    assert second["variables"] == {"x": 2}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(width=st.integers(65, 200), seed=st.integers(0, 2**16))
def test_a_wide_join_counts_in_stripes_whatever_is_recorded_together(acting: User, width: int, seed: int) -> None:
    names = [f"s{index}" for index in range(width)]
    steps: list[dict[str, Any]] = [{"name": "fork", "type": "test_echo"}]
    steps += [{"name": name, "type": "test_echo", "depends_on": "fork"} for name in names]
    steps.append({"name": "join", "type": "test_echo", "depends_on": names})
    with suppress(Undo), transaction.atomic():
        run_wide(acting, {"workflow": {"name": "wide", "steps": steps}}, random.Random(seed))
        raise Undo


def run_wide(user: User, body: dict[str, Any], order: random.Random) -> None:
    """A worker that takes along what it may: the window holds steps back, batches end together, the join starts once."""
    execution, released = begin(user, body)
    taken = [claimed for release in released if (claimed := claim(release)) is not None]
    seen: list[str] = []
    while taken or released:
        if not taken:
            handed = ledger.claim(str(released[0].organization_id), str(released.pop(0).task_id), "test")
        else:
            batch, taken = taken[: (size := order.randint(1, len(taken)))], taken[size:]
            seen += [claimed["name"] for claimed in batch]
            rows = [outcome(claimed, "completed") for claimed in batch]
            handed = ledger.finish(batch[0]["organization"], rows, "test", ledger.Keep(order.randint(0, 64)))
        taken += handed.taken
        released += handed.released
    execution.refresh_from_db()
    assert execution.status == "completed"
    assert len(seen) == len(set(seen)) == execution.version.step_count
    assert seen[-1] == "join"
