"""After an attempt has failed: another attempt, the step's error handler, or the end of the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from apps.executions.states import Phase
from workers import retrying
from workers.contract import FrameOutcome, StepFailed
from workers.outcomes import (
    RESULT_REFUSED,
    Claimed,
    Expansion,
    Outcome,
    Result,
    Waiting,
    error_of,
    failed,
    why_refused,
)
from workers.storable import as_far_as_storable

_NEVER_AGAIN = frozenset(
    {"bad_params", "bad_expression", "expression_error", "internal_error", "too_many_steps", "total_timeout"}
)
"""Another attempt would fail in the same way."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed; see `StepFailed` for the rest."""

    code: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)
    transient: bool = False
    final: bool = False
    retry_after: float | None = None

    @classmethod
    def of(cls, error: StepFailed) -> Self:
        return cls(error.code, str(error), error.details, error.transient, error.final, error.retry_after)


def refusal_of(error: Exception) -> Failure:
    """The database cannot store what the step made."""
    return Failure(RESULT_REFUSED, why_refused(error))


def after_failure(claimed: Claimed, failure: Failure, told: Sequence[tuple[str, Mapping[str, Any]]] = ()) -> Result:
    """What becomes of the task. `told` are the events of the attempt."""
    events = [(kind, as_far_as_storable(payload)) for kind, payload in told]
    error = error_of(failure.code, failure.message, failure.details)
    delay = _delay(claimed, failure)
    if delay is not None:
        return Waiting(claimed, "retry", datetime.now(UTC) + timedelta(seconds=delay), error=error, events=events)
    return for_good(claimed, error, events)


def for_good(
    claimed: Claimed, error: Mapping[str, Any], events: Sequence[tuple[str, Mapping[str, Any]]] = ()
) -> Result:
    """No further attempt: the handler, if there is one, else the end."""
    body = next((n for n, body in enumerate(claimed["bodies"]) if body["field"] == "on_error"), None)
    if body is not None and claimed["bodies"][body]["size"] and claimed["phase"] != Phase.HANDLED:
        told = {**error, "step": claimed["name"]}
        loop = {**(claimed.get("loop") or {}), "error": told}
        return Expansion(claimed, [{"body": body, "loop": loop}], phase=Phase.HANDLED, error=error, events=events)
    outcome = failed(claimed, error, below=claimed["phase"] > 0)
    outcome.events[:0] = events
    return _ended(outcome, error)


def handled(claimed: Claimed, frames: Sequence[FrameOutcome]) -> Outcome:
    """The error handler has ended: the failure is dealt with, unless the handler has failed itself."""
    error, frame = claimed["error"], frames[-1]
    if frame.status != "completed":
        own = dict(frame.error or {"code": frame.status, "message": f"the handler was {frame.status}"})
        details = {**error.get("details", {}), "handler_error": own}
        return _ended(failed(claimed, {**error, "details": details}), error)
    output = {"success": False, "handled": True, "error": error, "results": dict(frame.results)}
    event = ("task_completed", {"name": claimed["name"], "kind": claimed["kind"], "handled": error["code"]})
    return _ended(Outcome(claimed, "completed", output, events=[event]), error)


def _ended(outcome: Outcome, error: Mapping[str, Any]) -> Outcome:
    """`error_output` keeps the error in a variable."""
    name = outcome.claimed["options"].get("error_output")
    if name:
        outcome.variables = {name: {**error, "step": outcome.claimed["name"]}}
        outcome.scope = outcome.claimed.get("home")
    return outcome


def _delay(claimed: Claimed, failure: Failure) -> float | None:
    options = claimed["options"]
    if claimed["phase"] == Phase.HANDLED or (options.get("retries_itself") and "retry" not in options):
        return None
    begun = claimed.get("begun_at") or claimed.get("started_at")
    elapsed = (datetime.now(UTC) - datetime.fromisoformat(begun)).total_seconds() if begun else 0.0
    return retrying.delay_before_next(
        options.get("retry"),
        {"code": failure.code, "message": failure.message},
        retries=claimed.get("retries", 0),
        elapsed=elapsed,
        transient=failure.transient,
        final=failure.final or failure.code in _NEVER_AGAIN,
        retry_after=failure.retry_after,
    )
