"""What nobody calls for: leases that ended, timers and limits that are due, tasks that were never sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from apps.core.db.rows import rows_of
from apps.executions.ledger.releases import Release, release_of

TOGETHER = 100
"""Most tasks of one run that are swept in one transaction."""


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run in which the time of some tasks has come, or (none) its own. `gated`: some of them pass gates."""

    execution_id: UUID
    tasks: Sequence[UUID]
    gated: bool

    def portions(self) -> Iterator[Sequence[UUID]]:
        """What is swept in one transaction each; see ledger_sweep_run."""
        size = 1 if self.gated else TOGETHER
        for first in range(0, max(1, len(self.tasks)), size):
            yield self.tasks[first : first + size]


@dataclass(frozen=True, slots=True)
class Swept:
    """`released` are to be sent. The `undecided` have failed outside a worker: their next claim, by whoever comes first,
    decides what becomes of them."""

    released: list[Release]
    undecided: list[Release]


def lost_limits() -> tuple[int, float]:
    """How many workers a task may lose, and the first delay before it is run again."""
    return settings.SYMPHONY_MAX_LOST_ATTEMPTS, settings.SYMPHONY_LOSS_DELAY_SECONDS


def due_runs(limit: int) -> list[DueRun]:
    """Runs with something to sweep, those that have waited longest first; at most `limit` tasks of each sort."""
    return [
        DueRun(execution_id, tasks or [], bool(gated))
        for execution_id, tasks, gated in rows_of("SELECT * FROM ledger_due_runs(%s)", [limit])
    ]


def sweep_run(execution_id: UUID, tasks: Sequence[UUID]) -> Swept:
    """Give back what lost workers held, fire due timers, fail what has run out of time, close tasks of runs that are
    over, end runs that have run out of time. One transaction; nothing is done in a run another sweep is at."""
    rows = rows_of(
        "SELECT * FROM ledger_sweep_run(%s, %s::uuid[], %s, %s, %s)",
        [execution_id, [str(task) for task in tasks], *lost_limits(), settings.SYMPHONY_RESEND_SECONDS],
    )
    return Swept([release_of(row) for row in rows if not row[10]], [release_of(row) for row in rows if row[10]])


def sweep(limit: int) -> list[Release]:
    """All that is due, in the transaction that is open; what was released, the undecided among them."""
    released: list[Release] = []
    for run in due_runs(limit):
        for tasks in run.portions():
            swept = sweep_run(run.execution_id, tasks)
            released += [*swept.released, *swept.undecided]
    return released


def unsent(queue: str, room: int) -> list[Release]:
    """Released tasks of a queue nobody claimed in time, at most `room`; they are to be sent now."""
    rows = rows_of("SELECT * FROM ledger_unsent(%s, %s, %s)", [queue, room, settings.SYMPHONY_RESEND_SECONDS])
    return [release_of(row) for row in rows]
