"""How a task that has not ended goes on as a row: waiting, as child tasks, or undoing what a run has done."""

from __future__ import annotations

from typing import Final

from apps.executions import ledger
from apps.executions.ledger import HandOver, Keep
from workers.failing import for_good
from workers.insisting import insist
from workers.outcomes import Compensation, Expansion, Outcome, Waiting, Watching

GoesOn = Expansion | Waiting | Watching | Compensation

_TOO_MANY: Final = {
    "code": "too_many_steps",
    "message": "The run would have more steps than resource_limits.max_total_steps allows.",
}


def go_on(result: GoesOn, worker: str, keep: Keep) -> HandOver | Outcome:
    """Let the task go on. An outcome when it cannot, or when there turned out to be nothing to go on with."""
    try:
        handed = insist(lambda: _as_row(result, worker, keep))
    except ledger.TooManySteps:
        instead = for_good(result.claimed, _TOO_MANY)
        # Steps that handle it may still run.
        return instead if isinstance(instead, Outcome) else insist(lambda: _as_row(instead, worker, keep))
    if isinstance(result, Compensation) and not (handed.taken or handed.released):
        return Outcome(result.claimed, "completed", {"success": True, "compensated": []})
    return handed


def _as_row(result: GoesOn, worker: str, keep: Keep) -> HandOver:
    if isinstance(result, Expansion):
        return ledger.expand(
            result.claimed,
            result.frames,
            limit=result.limit,
            stop_on_failure=result.stop_on_failure,
            watch=result.watch,
            phase=result.phase,
            error=result.error,
            due_at=result.due_at,
            events=result.events,
            worker=worker,
            keep=keep,
        )
    if isinstance(result, Watching):
        return ledger.keep_waiting(result.claimed, result.seen, result.due_at)
    if isinstance(result, Compensation):
        return ledger.compensate(result.claimed)
    return ledger.wait(
        result.claimed,
        result.reason,
        result.due_at,
        key=result.key,
        output=result.output,
        carry=result.carry,
        error=result.error,
        events=result.events,
    )


__all__ = ["GoesOn", "go_on"]
