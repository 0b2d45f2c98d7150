"""What keeps tenants from each other's share, over raw SQL on the database role of the web: limits are not theirs to raise."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.accounts import services as accounts
from apps.billing.entitlements import SHARES
from apps.core.tenancy import acting_as
from apps.executions.models import Execution, Pool, Share
from symphony import roles
from tests.conftest import database_role
from tests.isolation.cast import Cast
from tests.isolation.test_tables import attempt


@pytest.fixture
def member(cast: Cast) -> Any:
    """Somebody who works in her organization and administers nothing."""
    person = accounts.create_user(email="member@example.org", password=None, display_name="Member")
    accounts.add_member(actor=cast.alice, organization=cast.organization, user=person, role="member")
    return person


def test_what_a_plan_allows_cannot_be_raised_by_who_lives_by_it(cast: Cast) -> None:
    with cast.seeing_everything():
        plan = Pool.objects.create(organization=cast.organization, kind="organization", slots=2, by_plan=True)
    own = "INSERT INTO executions_pool (id, organization_id, kind, name, slots, by_plan, state, health, updated_at)"
    with database_role(roles.GROUPS["web"]), acting_as(cast.alice.pk):
        assert attempt("UPDATE executions_pool SET slots = 1000 WHERE id = %s", plan.pk) == 0
        assert attempt("DELETE FROM executions_pool WHERE id = %s", plan.pk) == 0
        values = "VALUES (gen_random_uuid(), %s, 'key', 'x', 5, %s, 'unloaded', 'unknown', now())"
        assert attempt(f"{own} {values}", cast.organization.pk, True) == "refused"
        assert attempt(f"{own} {values}", cast.organization.pk, False) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE executions_share SET weight = 1000",
        "SELECT owner, vtime FROM executions_share",
        "UPDATE executions_window SET size = 1000",
        "DELETE FROM executions_pooltokens",
        "UPDATE executions_poollease SET returned_at = now()",
        "DELETE FROM executions_poollease",
        "UPDATE executions_worker SET slots = 1000",
        "UPDATE executions_storestatistics SET unique_bytes = 0",
        "UPDATE executions_melodystatistics SET completed = 0",
        "DELETE FROM triggers_firing",
        "UPDATE triggers_namedevent SET matched = 0",
        "DELETE FROM executions_pitoperation",
    ],
)
def test_what_workers_count_the_web_does_not_write(cast: Cast, member: Any, statement: str) -> None:
    with database_role(roles.GROUPS["web"]), acting_as(member.pk):
        assert attempt(statement) == "refused"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE executions_share SET weight = 8",
        "INSERT INTO executions_share (queue, owner, vtime, weight) VALUES ('steps', gen_random_uuid(), 0, 1)",
        "DELETE FROM executions_window",
    ],
)
def test_how_much_anybody_is_due_a_worker_does_not_decide(cast: Cast, statement: str) -> None:
    with database_role(roles.GROUPS["worker"]):
        assert attempt(statement) == "refused"


@pytest.mark.parametrize("weight", [0.0, -1.0, 8.5, float("inf"), float("nan")])
def test_a_share_has_bounds(cast: Cast, weight: float) -> None:
    execution = Execution.objects.filter(organization=cast.organization)
    with cast.seeing_everything():
        for change in (
            lambda: Share.objects.create(queue="steps", owner=cast.organization.pk, vtime=0, weight=weight),
            lambda: execution.update(weight=weight),
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                change()
    assert max(SHARES.values()) <= 8


def test_pools_are_for_admins_and_those_of_everybody_for_staff(cast: Cast, member: Any) -> None:
    with cast.seeing_everything():
        Pool.objects.create(organization=None, kind="key", name="everybodys", slots=1)
    with database_role(roles.GROUPS["web"]):
        with acting_as(member.pk):
            assert attempt("UPDATE executions_pool SET slots = 1000") == 0
        with acting_as(cast.alice.pk):
            assert attempt("UPDATE executions_pool SET slots = 1000 WHERE organization_id IS NULL") == 0
            assert attempt("DELETE FROM executions_pool WHERE organization_id IS NULL") == 0
