"""A slot left with nothing claims what waits beside it in the statement that records its outcome: when it may, and when not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from apps.accounts import services as accounts
from apps.accounts.models import User
from apps.core.tenancy import acting_as
from apps.executions import ledger
from apps.executions.ledger import HandOver, Keep
from apps.executions.models import Backlog, Execution, Task
from apps.executions.services import pause_execution
from tests.workers.test_ledger import begin, outcome

pytestmark = pytest.mark.django_db
QUEUE = "calls"
KEEP = Keep(64, QUEUE)


@pytest.fixture
def acting(alice: User) -> Iterator[User]:
    with acting_as(alice.pk):
        yield alice


def wide(count: int, **workflow: Any) -> dict[str, Any]:
    steps = [{"name": f"s{number}", "type": "simulate", "seconds": 0} for number in range(count)]
    return {"workflow": {"name": "wide", "mode": "dag", **workflow, "steps": steps}}


def working(user: User, steps: int = 1) -> dict[str, Any]:
    """A claimed task of a run of its own."""
    _, (release, *_) = begin(user, wide(steps))
    return ledger.claim(str(release.organization_id), str(release.task_id), "test/x").taken[0]


def end(claimed: dict[str, Any], beside: ledger.Release, keep: Keep = KEEP) -> HandOver:
    return ledger.finish(
        claimed["organization"],
        [outcome(claimed, "completed")],
        "test/x",
        keep,
        (str(beside.organization_id), str(beside.task_id)),
    )


def names(handed: HandOver) -> list[str]:
    return [taken["name"] for taken in handed.taken]


@pytest.mark.parametrize("keep", [KEEP, Keep()], ids=["while its slice lasts", "for somebody else"])
def test_it_is_claimed_where_nothing_else_is_to_be_had(acting: User, keep: Keep) -> None:
    claimed = working(acting)
    run, (beside,) = begin(acting, wide(1))
    handed = end(claimed, beside, keep)
    assert names(handed) == ["s0"]
    assert Execution.objects.get(pk=run.pk).status == "running"
    again = ledger.finish(run.organization_id, [outcome(handed.taken[0], "completed")], "test/x")
    assert not again.stale
    assert Execution.objects.get(pk=run.pk).status == "completed"


def test_of_another_organization(acting: User) -> None:
    claimed = working(acting)
    bob = accounts.create_user(email="bob@example.org", password=None, display_name="Bob")
    with acting_as(bob.pk):
        run, (beside,) = begin(bob, wide(1))
    handed = end(claimed, beside)
    assert handed.taken[0]["organization"] == str(run.organization_id) != claimed["organization"]


def test_not_under_another_organizations_name(acting: User) -> None:
    claimed = working(acting)
    bob = accounts.create_user(email="bob@example.org", password=None, display_name="Bob")
    with acting_as(bob.pk):
        _, (beside,) = begin(bob, wide(1))
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE symphony_worker")
    handed = ledger.finish(
        claimed["organization"],
        [outcome(claimed, "completed")],
        "test/x",
        KEEP,
        (claimed["organization"], str(beside.task_id)),
    )
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    assert not handed.taken


def test_what_its_own_step_released_goes_first(acting: User) -> None:
    steps = [{"name": name, "type": "simulate", "seconds": 0} for name in ("one", "two")]
    _, (release,) = begin(acting, {"workflow": {"name": "chain", "steps": steps}})
    claimed = ledger.claim(str(release.organization_id), str(release.task_id), "test/x").taken[0]
    _, (beside,) = begin(acting, wide(1))
    assert names(end(claimed, beside)) == ["two"]
    assert Task.objects.get(pk=beside.task_id).status == "dispatched"


def test_nothing_is_taken_past_the_backlog(acting: User) -> None:
    claimed = working(acting)
    _, (beside,) = begin(acting, wide(1))
    begin(acting, wide(40))
    assert Backlog.objects.exists()
    end(claimed, beside, Keep())
    assert Task.objects.get(pk=beside.task_id).status == "dispatched"


def test_gates_are_left_to_its_message(acting: User) -> None:
    claimed = working(acting)
    _, (beside, *_) = begin(acting, wide(2, resource_limits={"max_parallel_steps": 1}))
    assert not end(claimed, beside).taken
    assert ledger.claim(str(beside.organization_id), str(beside.task_id), "test/x").taken


def test_a_paused_run_is_left_alone(acting: User) -> None:
    claimed = working(acting)
    run, (beside,) = begin(acting, wide(1))
    pause_execution(actor=acting, execution=run)
    assert not end(claimed, beside).taken


def test_a_refused_outcome_does_not_keep_the_slot_from_going_on(acting: User) -> None:
    claimed = working(acting)
    ledger.finish(claimed["organization"], [outcome(claimed, "completed")], "test/x")
    _, (beside,) = begin(acting, wide(1))
    handed = end(claimed, beside)
    assert [str(task) for task in handed.stale] == [claimed["task"]]
    assert names(handed) == ["s0"]
