"""What holds a run up just now, in sentences: a pause, limits without room, others before it in a queue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Count

from apps.core.db.rows import rows_of
from apps.executions import ledger
from apps.executions.models import Execution, Pool, PoolKind, Task
from apps.executions.reasons import sentence_of
from apps.executions.states import ExecutionStatus

_MOST_TOLD: Final = 20
_BACKLOG: Final = """
SELECT pool_id, queue, count(*) FROM executions_backlog WHERE execution_id = %s
GROUP BY pool_id, queue ORDER BY pool_id NULLS LAST, queue LIMIT %s
"""
_GATE_SEPARATOR: Final = chr(31)


@dataclass(frozen=True, slots=True)
class Hold:
    """`status` is the state whose sign stands before the sentence."""

    status: str
    text: str


def held_up(execution: Execution) -> list[Hold]:
    """The caller has made sure that the execution may be seen, and asks only of one that is not over."""
    return [*_paused(execution), *_without_room(execution), *_before_gates(execution), *_before_calls(execution)]


def _paused(execution: Execution) -> Iterator[Hold]:
    if execution.status != ExecutionStatus.PAUSED:
        return
    told = ledger.explain_run(execution.pk, 0) or {"reasons": []}
    for reason in told["reasons"]:
        yield Hold("paused", sentence_of(reason))


def _without_room(execution: Execution) -> Iterator[Hold]:
    rows = rows_of(_BACKLOG, [execution.pk, _MOST_TOLD])
    pools = {pool.pk: pool for pool in Pool.objects.filter(pk__in={pool_id for pool_id, _, _ in rows if pool_id})}
    for pool_id, queue, count in rows:
        if pool_id is None:
            yield Hold("dispatched", f"{_steps(count)} for a turn in the queue {queue}, behind others.")
        else:
            yield Hold("waiting", f"{_steps(count)} for room in {_named(pools.get(pool_id))}.")


def _before_gates(execution: Execution) -> Iterator[Hold]:
    held = Task.objects.filter(execution=execution, held="gate", status="dispatched").order_by("gate")
    for row in held.values("gate").annotate(count=Count("pk"))[:_MOST_TOLD]:
        names = str(row["gate"] or "*").replace(_GATE_SEPARATOR, ", ")
        if names == "*":
            yield Hold("waiting", f"{_steps(row['count'])} because only so many of the run may execute at once.")
        else:
            yield Hold("waiting", f"{_steps(row['count'])} for others that exclude them ({names}).")


def _before_calls(execution: Execution) -> Iterator[Hold]:
    asking = Task.objects.filter(
        organization_id=execution.organization_id, wait="limit", execution=execution, status="waiting"
    )
    for row in asking.order_by("wait_key").values("wait_key").annotate(count=Count("pk"))[:_MOST_TOLD]:
        yield Hold("waiting", f"{_steps(row['count'])} for room in the limit of the model {row['wait_key']}.")


def _steps(count: int) -> str:
    return f"{count:,} step{'' if count == 1 else 's'} wait{'s' if count == 1 else ''}"


def _named(pool: Pool | None) -> str:
    if pool is None:
        return "a limit"
    named = {
        PoolKind.MODEL: f"the limit of the model {pool.name}",
        PoolKind.QUEUE: f"the limit of the queue {pool.name}",
        PoolKind.ORGANIZATION: "what the organization may execute at once",
        PoolKind.KEY: f"the limit {pool.name}",
    }[PoolKind(pool.kind)]
    if not pool.open:
        return f"{named}, which is closed"
    return named if pool.slots is None else f"{named} ({pool.slots:,} slot{'' if pool.slots == 1 else 's'})"
