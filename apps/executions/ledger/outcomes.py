"""How claimed tasks end, or go on as rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError

from apps.core.db.prepared import Prepared
from apps.core.db.rows import rows_of
from apps.executions.ledger.releases import (
    NOTHING,
    HandOver,
    Keep,
    Release,
    claim_of,
    hand_over_of,
    json_of,
    lease_times,
    release_of,
)

_FINISH: Final = Prepared.function("ledger_finish", 7)
_FINISH_AND_CLAIM: Final = Prepared.function("ledger_finish_and_claim", 9)

TOO_MANY_STEPS: Final = "SY001"
"""The SQLSTATE of TooManySteps."""


class TooManySteps(Exception):
    """The run would have more steps than its document allows."""


def finish(
    organization_id: str,
    outcomes: Sequence[Mapping[str, Any]],
    worker: str,
    keep: Keep = NOTHING,
    else_claim: tuple[str, str] | None = None,
) -> HandOver:
    """Record outcomes of one run; see ledger_finish for the keys of an outcome. `else_claim`: organization and task the caller
    would claim if there is nothing else to take along."""
    row = [organization_id, json.dumps(outcomes), keep.inline, keep.queue, worker, *lease_times()]
    return hand_over_of(_FINISH.rows(row) if else_claim is None else _FINISH_AND_CLAIM.rows([*row, *else_claim]))


def expand(
    claimed: Mapping[str, Any],
    frames: Sequence[Mapping[str, Any]],
    *,
    limit: int = 1,
    stop_on_failure: bool = True,
    watch: bool = False,
    phase: int = 1,
    error: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
    events: Sequence[tuple[str, Mapping[str, Any]]] = (),
    worker: str,
    keep: Keep = NOTHING,
) -> HandOver:
    """Let a claimed task go on as frames of child tasks; see ledger_expand. `TooManySteps`: the run may not grow so."""
    try:
        rows = rows_of(
            "SELECT * FROM ledger_expand(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                claimed["organization"],
                claimed["task"],
                claimed["lease"],
                json.dumps(frames),
                limit,
                stop_on_failure,
                watch,
                phase,
                json_of(error),
                due_at,
                json.dumps(events) if events else None,
                keep.inline,
                keep.queue,
                worker,
                *lease_times(),
            ],
        )
    except DatabaseError as refusal:
        if getattr(refusal.__cause__, "pgcode", None) == TOO_MANY_STEPS:
            raise TooManySteps from refusal
        raise
    return hand_over_of(rows)


def keep_waiting(claimed: Mapping[str, Any], seen: int, due_at: datetime | None) -> HandOver:
    """A task that watches its frames has seen so many end; it is released at once when more have ended meanwhile."""
    return hand_over_of(
        rows_of(
            "SELECT * FROM ledger_keep_waiting(%s, %s, %s, %s, %s, %s)",
            [*claim_of(claimed), seen, due_at, settings.SYMPHONY_RESEND_SECONDS],
        )
    )


def compensate(claimed: Mapping[str, Any]) -> HandOver:
    """Let the claimed compensation of a failed run go on as frames; nothing is released when there is nothing to undo."""
    return hand_over_of(
        rows_of(
            "SELECT * FROM ledger_compensate(%s, %s, %s, %s)", [*claim_of(claimed), settings.SYMPHONY_RESEND_SECONDS]
        )
    )


def wait(
    claimed: Mapping[str, Any],
    reason: str,
    due_at: datetime | None,
    *,
    key: str | None = None,
    output: Any = None,
    carry: Any = None,
    error: Mapping[str, Any] | None = None,
    events: Sequence[tuple[str, Mapping[str, Any]]] = (),
) -> HandOver:
    """Let a claimed task wait as a row; see ledger_wait. A signal that is there already releases it at once."""
    return hand_over_of(
        rows_of(
            "SELECT * FROM ledger_wait(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                *claim_of(claimed),
                reason,
                key,
                due_at,
                json_of(output),
                json_of(carry),
                json_of(error),
                json.dumps(events),
                settings.SYMPHONY_RESEND_SECONDS,
            ],
        )
    )


def withdraw_rest(claimed: Mapping[str, Any], sequence_numbers: Sequence[int]) -> list[Release]:
    """Cancel tasks beside the claimed one that have not ended; what that released."""
    rows = rows_of(
        "SELECT * FROM ledger_withdraw_rest(%s, %s, %s, %s, %s)",
        [*claim_of(claimed), list(sequence_numbers), settings.SYMPHONY_RESEND_SECONDS],
    )
    return [release_of(row) for row in rows]


def frames(organization_id: str, task_id: str, *, earlier: bool = False) -> list[tuple[Any, ...]]:
    """(index, body, label, status, loop, error, results) of a composite task's last round, or of those before it."""
    return [
        (*row[:4], *(json.loads(value) if isinstance(value, str) else value for value in row[4:]))
        for row in rows_of("SELECT * FROM ledger_frames(%s, %s, %s)", [organization_id, task_id, earlier])
    ]
