"""What one attempt at a task comes to, as the ledger records it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from apps.executions.states import Phase
from workers.storable import as_far_as_storable, storable_text

Claimed = Mapping[str, Any]
"""A task as ledger_payload hands it over."""
LONGEST_MESSAGE = 10_000
RESULT_REFUSED = "result_refused"


@dataclass(frozen=True, slots=True)
class Effort:
    """What an attempt has cost: processor time of its thread, and the highest its process has ever stood at in memory."""

    cpu_ms: int
    memory_kb: int


@dataclass(slots=True)
class Outcome:
    """The attempt has ended its task. `below`, `cancel`, `complete` and `run` are what ends with it (ledger_finish)."""

    claimed: Claimed
    status: str
    output: Any = None
    ref: str | None = None
    error: Mapping[str, Any] | None = None
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    variables: Mapping[str, Any] = field(default_factory=dict)
    scope: str | None = None
    below: bool = False
    cancel: Sequence[int] = ()
    complete: Sequence[int] = ()
    run: str | None = None
    message: str = ""
    """With `run`: why, for people."""
    effort: Effort | None = None

    def as_row(self) -> dict[str, Any]:
        """The outcome as ledger_finish reads it."""
        row: dict[str, Any] = {
            "task": self.claimed["task"],
            "attempt": self.claimed["attempt"],
            "lease": self.claimed["lease"],
            "status": self.status,
            "output": self.output,
            "ref": self.ref,
            "error": self.error,
            "events": self.events,
        }
        if self.effort is not None:
            row |= {"cpu": self.effort.cpu_ms, "memory": self.effort.memory_kb}
        if self.artifacts:
            row["artifacts"] = self.artifacts
        if self.variables:
            row["variables"] = dict(self.variables)
            row["scope"] = self.scope
        if self.below:
            row["below"] = True
        if self.cancel:
            row["cancel"] = list(self.cancel)
        if self.complete:
            row["complete"] = list(self.complete)
        if self.run is not None:
            row |= {"run": self.run, "message": self.message}
        return row


@dataclass(frozen=True, slots=True)
class Expansion:
    """The task goes on as frames; `frames` as ledger_expand reads them, `error` what an error handler handles."""

    claimed: Claimed
    frames: Sequence[Mapping[str, Any]]
    limit: int = 1
    stop_on_failure: bool = True
    watch: bool = False
    phase: int = Phase.RESUME
    error: Mapping[str, Any] | None = None
    due_at: datetime | None = None
    events: Sequence[tuple[str, Mapping[str, Any]]] = ()


@dataclass(frozen=True, slots=True)
class Watching:
    """The task has seen so many of its frames end and waits for more."""

    claimed: Claimed
    seen: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Compensation:
    """The task goes on as what undoes the steps of a failed run."""

    claimed: Claimed


Reason = Literal["timer", "retry", "approval", "signal", "limit"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The task waits as a row; see ledger_wait."""

    claimed: Claimed
    reason: Reason
    due_at: datetime | None
    key: str | None = None
    output: Any = None
    carry: Any = None
    error: Mapping[str, Any] | None = None
    events: Sequence[tuple[str, Mapping[str, Any]]] = ()


Result = Outcome | Expansion | Watching | Waiting | Compensation


def error_of(code: str, message: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """An error as rows hold it."""
    error: dict[str, Any] = {"code": code, "message": storable_text(message)[:LONGEST_MESSAGE]}
    return error | ({"details": as_far_as_storable(details)} if details else {})


def failed(claimed: Claimed, error: Mapping[str, Any], **more: Any) -> Outcome:
    told = {
        "name": claimed["name"],
        "kind": claimed["kind"],
        "code": error["code"],
        "message": error["message"][:1000],
    }
    return Outcome(claimed, "failed", error=error, events=[("error_occurred", told)], **more)


def why_refused(error: Exception) -> str:
    return storable_text(f"The result cannot be stored: {str(error).splitlines()[0]}")


def refused(row: Mapping[str, Any], error: Exception) -> dict[str, Any]:
    """The outcome instead of one the database cannot store."""
    told = {"code": RESULT_REFUSED, "message": why_refused(error)}
    kept = {key: row[key] for key in ("task", "attempt", "lease")}
    return {**kept, "status": "failed", "output": None, "error": told, "events": [["error_occurred", told]]}
