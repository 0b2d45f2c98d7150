"""Runs as a whole: begun, paused, cancelled, counted, forgotten."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from apps.core.db.prepared import Prepared
from apps.core.db.rows import rows_of
from apps.executions.ledger.releases import Release, release_of

_BEGIN: Final = Prepared.function("ledger_begin", 3)


@dataclass(frozen=True, slots=True)
class Begun:
    """`standing`: what the ledger has made of the run's row; see ledger_begin."""

    standing: dict[str, Any]
    released: list[Release]


def begin(row: str, variables: str) -> Begun:
    """Insert an execution (JSON of its columns) with its variables (JSON, by name) and its tasks; entry steps are released."""
    rows = _BEGIN.rows([row, variables, settings.SYMPHONY_RESEND_SECONDS])
    standing = rows.pop()[10]
    return Begun(
        json.loads(standing) if isinstance(standing, str) else standing, [release_of(released) for released in rows]
    )


def cancel(execution_id: UUID, reason: str, *, cascade: bool = True) -> list[UUID]:
    """Cancel a run and its unfinished tasks, with `cascade` also the runs that were started for it: which ones, the given
    one first; none when it had ended already."""
    return [row[0] for row in rows_of("SELECT * FROM ledger_cancel(%s, %s, %s)", [execution_id, reason, cascade])]


def settle_ended(execution_id: UUID | None = None, limit: int = 100) -> int:
    """Cancel what others held when its run ended; of all runs, or one. How many were gone over."""
    count: int = rows_of("SELECT ledger_settle_ended(%s, %s)", [execution_id, limit])[0][0]
    return count


def pause(execution_id: UUID, message: str, by: str | None = None) -> str:
    """Let nothing new of a run begin; the status it has now, `paused` when that worked."""
    status: str = rows_of("SELECT ledger_pause(%s, %s, %s)", [execution_id, message, by])[0][0]
    return status


def resume(execution_id: UUID) -> list[Release] | None:
    """Let a paused run go on: what is to be sent now. None when it is not paused."""
    rows = rows_of("SELECT * FROM ledger_resume(%s, %s)", [execution_id, settings.SYMPHONY_RESEND_SECONDS])
    if rows and rows[0][1] is None:
        return None
    return [release_of(row[1:]) for row in rows]


def refresh_statistics(limit: int) -> int:
    """Count the runs of melodies anew where they have changed; how many melodies were counted."""
    count: int = rows_of("SELECT ledger_refresh_statistics(%s)", [limit])[0][0]
    return count


def expired(organization_id: UUID, before: datetime, limit: int) -> list[UUID]:
    """Runs of an organization that ended before a moment."""
    newest = UUID(int=int(before.timestamp() * 1000) << 80 | (1 << 80) - 1)
    return [
        row[0]
        for row in rows_of("SELECT * FROM ledger_expired(%s, %s, %s, %s)", [organization_id, before, newest, limit])
    ]


def forget(execution_id: UUID) -> bool:
    """Delete a run that has ended, with all it left behind; False when it has not, or is gone already."""
    forgotten: bool = rows_of("SELECT ledger_forget(%s)", [execution_id])[0][0]
    return forgotten
