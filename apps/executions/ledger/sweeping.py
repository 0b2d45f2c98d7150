"""What nobody calls for: leases that ended, timers that are due, tasks that were never sent."""

from __future__ import annotations

from django.conf import settings

from apps.executions.ledger.releases import Release, release_of, rows_of


def sweep(limit: int) -> list[Release]:
    """Give back what lost workers held, fire due timers, close tasks of runs that are over."""
    rows = rows_of(
        "SELECT * FROM ledger_sweep(%s, %s, %s)",
        [limit, settings.SYMPHONY_MAX_LOST_ATTEMPTS, settings.SYMPHONY_RESEND_SECONDS],
    )
    return [release_of(row) for row in rows]


def unsent(queue: str, room: int) -> list[Release]:
    """Released tasks of a queue nobody claimed in time, at most `room`; they are to be sent now."""
    rows = rows_of("SELECT * FROM ledger_unsent(%s, %s, %s)", [queue, room, settings.SYMPHONY_RESEND_SECONDS])
    return [release_of(row) for row in rows]
