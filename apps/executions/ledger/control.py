"""Runs that go on after a failure, runs made from earlier ones, steps a person decides about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError

from apps.core.db.rows import rows_of
from apps.executions.ledger.outcomes import TOO_MANY_STEPS, TooManySteps
from apps.executions.ledger.releases import Release, release_of
from apps.executions.redo import Redo


@dataclass(frozen=True, slots=True)
class Numbers:
    """Between the plans of two versions: `new` by the old node number, `before` by the new one; None where there is none."""

    new: Sequence[int | None]
    before: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Overridden:
    """`outcome` is done, or why not: the status of the task, or `run STATUS`."""

    outcome: str
    released: list[Release]


def retry(
    execution_id: UUID, redo: Redo, deadline: datetime | None, most: int | None, told: Mapping[str, Any]
) -> list[Release]:
    """A failed run goes on as decided, with at most so many steps; `told` is written with the event."""
    rows = rows_of(
        "SELECT * FROM ledger_retry(%s, %s, %s, %s, %s, %s, %s, %s)",
        [execution_id, *_moves(redo), deadline, most, json.dumps(told), settings.SYMPHONY_RESEND_SECONDS],
    )
    return [release_of(row) for row in rows]


def fork(
    execution_id: UUID, old_id: UUID, redo: Redo, numbers: Numbers | None, told: Mapping[str, Any]
) -> list[Release]:
    """A new run, queued until now, begins with what it keeps of an earlier one. `TooManySteps`: it keeps more than it may have."""
    between = [None, None] if numbers is None else [list(numbers.new), list(numbers.before)]
    try:
        rows = rows_of(
            "SELECT * FROM ledger_fork(%s, %s, %s, %s, %s, %s::int[], %s::int[], %s, %s)",
            [execution_id, old_id, *_moves(redo), *between, json.dumps(told), settings.SYMPHONY_RESEND_SECONDS],
        )
    except DatabaseError as refusal:
        if getattr(refusal.__cause__, "pgcode", None) == TOO_MANY_STEPS:
            raise TooManySteps from refusal
        raise
    return [release_of(row) for row in rows]


def override(task_id: UUID, status: str, output: Any, by: str, reason: str) -> Overridden:
    """A person ends a step that no worker has: `skipped`, or `completed` with a result."""
    rows = rows_of(
        "SELECT * FROM ledger_override(%s, %s, %s, %s, %s, %s)",
        [
            task_id,
            status,
            json.dumps(output) if status == "completed" else None,
            by,
            reason,
            settings.SYMPHONY_RESEND_SECONDS,
        ],
    )
    return Overridden(rows[0][0], [release_of(row[1:]) for row in rows[1:]])


def _moves(redo: Redo) -> list[str]:
    return [
        redo.digits(),
        json.dumps([(str(frame.id), frame.status) for frame in redo.frames]),
        json.dumps(list(redo.expansions)),
    ]
