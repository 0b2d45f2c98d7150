"""Slots of pools, tokens of models, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from apps.core.db.rows import rows_of
from apps.executions.ledger.releases import Release, release_of


@dataclass(frozen=True, slots=True)
class Refusal:
    """A pool has no room for a call: which, why (`slots`, `tokens`, `closed`, `unhealthy`), and after how many seconds it is
    worth asking again. `unlimited`: there is no pool to ask."""

    pool: str | None
    reason: str
    seconds: float


def tend(queue: str) -> list[Release]:
    """Let a queue's window follow its slots and send what it has room for."""
    rows = rows_of("SELECT * FROM ledger_tend(%s, %s)", [queue, settings.SYMPHONY_RESEND_SECONDS])
    return [release_of(row) for row in rows]


def tend_pools() -> list[Release]:
    """Give slots that came back by themselves to those that wait for them."""
    rows = rows_of("SELECT * FROM ledger_tend_pools(%s)", [settings.SYMPHONY_POOL_IDLE_SECONDS])
    return [release_of(row) for row in rows]


def pool_stopped(claimed: Mapping[str, Any]) -> list[Release]:
    """A step that was told to stop has stopped: its slots are free. What may go instead."""
    rows = rows_of(
        "SELECT * FROM ledger_pool_stopped(%s, %s, %s)", [claimed["organization"], claimed["task"], claimed["attempt"]]
    )
    return [release_of(row) for row in rows]


def prioritize(execution_id: UUID, priority: int, head_start: float) -> None:
    """Another priority for a run in flight."""
    rows_of("SELECT ledger_prioritize(%s, %s, %s)", [execution_id, priority, head_start])


def keep_plan_pools(limits: Mapping[str, int]) -> None:
    """What plans allow ({organization: steps at once}) as pools; those of other organizations go."""
    rows_of("SELECT ledger_keep_plan_pools(%s::uuid[], %s::int[])", [list(limits), list(limits.values())])


def reserve_call(
    organization_id: UUID | str,
    task_id: str,
    attempt: int,
    names: Sequence[str],
    tokens: int,
    seconds: float,
    *,
    shared: bool = True,
) -> Refusal | None:
    """Slots and tokens of the pools of a model, known by any of `names`, for one call; all of them or none. Not `shared`:
    of the organization's own pools only."""
    rows = rows_of(
        "SELECT * FROM ledger_reserve_call(%s, %s, %s, %s, %s, %s, %s)",
        [organization_id, task_id, attempt, list(names), tokens, seconds, shared],
    )
    return Refusal(*rows[0]) if rows else None


def end_call(
    organization_id: UUID | str, task_id: str, names: Sequence[str], reserved: int, used: int, *, healthy: bool | None
) -> None:
    """A call is over: its slots are free, tokens it has not used may be used. `healthy` None says nothing of the model."""
    rows_of(
        "SELECT ledger_end_call(%s, %s, %s, %s, %s)", [organization_id, task_id, list(names), used - reserved, healthy]
    )
