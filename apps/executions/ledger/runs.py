"""Runs as a whole: begun, paused, cancelled, counted, forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings

from apps.executions.ledger.releases import Release, release_of, rows_of


def start(execution_id: UUID) -> list[Release]:
    """Insert the tasks of a queued execution; its entry steps are released."""
    rows = rows_of("SELECT * FROM ledger_start(%s, %s)", [execution_id, settings.SYMPHONY_RESEND_SECONDS])
    return [release_of(row) for row in rows]


def cancel(execution_id: UUID, reason: str) -> int | None:
    """Cancel a run and its unfinished tasks; None when it had ended already."""
    count: int | None = rows_of("SELECT ledger_cancel(%s, %s)", [execution_id, reason])[0][0]
    return count


def pause(execution_id: UUID, message: str) -> str:
    """Let nothing new of a run begin; the status it has now, `paused` when that worked."""
    status: str = rows_of("SELECT ledger_pause(%s, %s)", [execution_id, message])[0][0]
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


def forget(execution_id: UUID) -> list[str] | None:
    """Delete a run that has ended, with all it left behind; the addresses of bytes that nothing may name any more. None:
    it has not ended, or is gone already."""
    found: list[str] | None = rows_of("SELECT ledger_forget(%s)", [execution_id])[0][0]
    return found


def forget_blobs(organization_id: UUID, addresses: Sequence[str]) -> list[str]:
    """Delete the blobs among these that nothing names any more; their addresses."""
    return [row[0] for row in rows_of("SELECT * FROM ledger_forget_blobs(%s, %s)", [organization_id, list(addresses)])]
