"""Pools of the whole installation, seen from one of its tenants: what others do must not take them away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.tenancy import acting_as, staff
from apps.executions import ledger
from apps.executions.models import Pool
from apps.melodies.definition.expressions import Scope
from tests.unit.steps.engine_side import MemoryEngine
from tests.wire import Hang, WireServer
from tests.workers.test_backlog import claimed_of, messages
from tests.workers.test_ledger import begin, finish
from tests.workers.test_model_calls import KEYS, claude, claude_server, no_keys_of_this_machine, request
from tests.workers.test_pools import acting, executing, limited
from workers.contract import StepContext, Workflow
from workers.models.calling import ask
from workers.models.errors import ModelError

__all__ = ["acting", "claude", "claude_server", "no_keys_of_this_machine"]

pytestmark = pytest.mark.django_db


def pool_of_everybody(kind: str = "key", name: str = "api") -> Pool:
    pool = Pool(organization=None, kind=kind, name=name, slots=1)
    with staff():
        pool.save(force_insert=True)
    return pool


def test_a_flood_of_one_organization_keeps_no_other_from_its_turn(acting: User, bob: User) -> None:
    """Also where nobody holds a slot in the moment one is given out, and whatever priority the flood has."""
    pool_of_everybody()
    flood, _ = begin(acting, limited(4))
    first, *others = messages(flood)
    (running,) = claimed_of(first).taken
    assert not any(claimed_of(other).taken for other in others)
    with acting_as(bob.pk):
        late, _ = begin(bob, limited(1))
        assert not claimed_of(messages(late)[0]).taken
    (freed,) = finish(running).released
    assert str(freed.organization_id) == str(late.organization_id)
    (running,) = claimed_of(freed).taken
    (freed,) = finish(running).released
    assert str(freed.organization_id) == str(flood.organization_id)


def test_who_gives_a_model_no_time_does_not_say_that_it_is_ill(
    acting: User, claude: WireServer, tmp_path: Path
) -> None:
    pool = pool_of_everybody("model", "anthropic")
    (claimed,) = executing(acting)
    context = StepContext(
        name="ask",
        execution_id=claimed["execution"],
        task_id=claimed["task"],
        attempt=claimed["attempt"],
        scope=Scope(),
        workspace=tmp_path,
        deadline=None,
        engine=MemoryEngine(secrets=KEYS),
        workflow=Workflow(fields={}, organization_id=claimed["organization"]),
    )
    claude.script(Hang())
    with pytest.raises(ModelError) as failed:
        ask(context, request(timeout_seconds=0.3))
    assert failed.value.code == "timeout"
    with staff():
        pool.refresh_from_db()
    assert (pool.failures, pool.state) == (0, "active")
    assert pool.health != "degraded"


def test_what_the_mock_answers_takes_nothing_from_those_who_call_for_real(acting: User) -> None:
    pool_of_everybody("model", "m")
    (one, other) = executing(acting, 2)

    def ask_for(claimed: dict[str, Any], *, shared: bool) -> ledger.Refusal | None:
        return ledger.reserve_call(claimed["organization"], claimed["task"], 1, ["m"], 10, 60.0, shared=shared)

    assert ask_for(one, shared=True) is None, "the only slot"
    refused = ask_for(other, shared=True)
    assert refused is not None
    assert (refused.pool, refused.reason) == ("m", "slots")
    assert ask_for(other, shared=False) is None
