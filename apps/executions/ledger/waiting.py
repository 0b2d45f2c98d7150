"""What people and other systems say to steps that wait for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from apps.core.db.rows import rows_of
from apps.core.ids import uuid7
from apps.executions.ledger.releases import Release, release_of


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision: recorded, decided (the step goes on), already (this person has decided before) or
    not_waiting; and what is to be sent now."""

    outcome: str
    released: list[Release]


def decide(task_id: UUID, user_id: UUID, person: str, role: str, decision: str, comment: str) -> Decided:
    """Somebody decides on a waiting approval. Whether they may is the caller's business."""
    rows = rows_of(
        "SELECT * FROM ledger_decide(%s, %s, %s, %s, %s, %s, %s, %s)",
        [uuid7(), task_id, user_id, person, role, decision, comment, settings.SYMPHONY_RESEND_SECONDS],
    )
    return Decided(rows[0][0], [release_of(row[1:]) for row in rows if row[1] is not None])


def signal(
    organization_id: UUID | str,
    execution_id: UUID | str,
    name: str,
    payload: Any,
    user_id: UUID | str,
    *,
    broadcast: bool = False,
    identifier: UUID | None = None,
) -> list[Release]:
    """Tell a run something by name; see ledger_signal. What is to be sent now: nothing when it was told already under
    the same `identifier`."""
    rows = rows_of(
        "SELECT * FROM ledger_signal(%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            identifier or uuid7(),
            organization_id,
            execution_id,
            name,
            json.dumps(payload),
            user_id,
            broadcast,
            settings.SYMPHONY_RESEND_SECONDS,
        ],
    )
    return [release_of(row) for row in rows]
