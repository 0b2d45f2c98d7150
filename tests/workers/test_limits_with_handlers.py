"""A step that handles its errors, or can be undone, keeps to the limits of any other step that works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.tenancy import acting_as
from apps.executions.models import PoolLease
from tests.workers.test_backlog import claimed_of, messages, nap
from tests.workers.test_ledger import begin
from tests.workers.test_pools import pool_of

pytestmark = pytest.mark.django_db
HANDLERS = [
    pytest.param({"on_error": [{"name": "note", "type": "test_echo", "value": 1}]}, id="on_error"),
    pytest.param({"compensate": [{"name": "undo", "type": "test_echo", "value": 1}]}, id="compensate"),
]


@pytest.fixture
def acting(alice: User) -> Iterator[User]:
    with acting_as(alice.pk):
        yield alice


def pair(handler: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    """Two steps; the second has the handler."""
    return [nap("a", **fields), nap("b", **fields, **handler)]


@pytest.mark.parametrize("handler", HANDLERS)
def test_it_takes_a_slot_of_its_pool(acting: User, handler: dict[str, Any]) -> None:
    pool = pool_of(acting, 1)
    workflow = {"name": "w", "mode": "dag", "steps": pair(handler, limit="api")}
    execution, _ = begin(acting, {"workflow": workflow})
    assert [len(claimed_of(release).taken) for release in messages(execution)] == [1, 0]
    assert PoolLease.objects.filter(pool=pool).count() == 1


@pytest.mark.parametrize("handler", HANDLERS)
def test_it_counts_among_the_steps_of_its_run(acting: User, handler: dict[str, Any]) -> None:
    workflow = {"name": "w", "mode": "dag", "steps": pair(handler), "resource_limits": {"max_parallel_steps": 1}}
    execution, _ = begin(acting, {"workflow": workflow})
    assert [len(claimed_of(release).taken) for release in messages(execution)] == [1, 0]
