"""Workers: their signs of life, the routes to them, and what they hand over when they go."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from apps.core.db.rows import rows_of
from apps.executions.ledger.releases import Release, release_of


@dataclass(frozen=True, slots=True)
class NotRunnable:
    """A step no worker could ever take. `reason` is `queue`, `requires`, `routes` when there are too many already, or
    `limit`: then `elsewhere` names the pool there is none of."""

    step: str
    node: int
    queue: str
    requires: list[str]
    reason: str
    elsewhere: list[str]


def beat(worker: Mapping[str, Any]) -> list[str]:
    """A sign of life (see ledger_beat for the keys): the routes this worker is to take messages from."""
    rows = rows_of("SELECT ledger_beat(%s, %s)", [json.dumps(worker), settings.SYMPHONY_WORKER_GONE_SECONDS])
    return list(rows[0][0])


def leave(name: str, pid: int) -> None:
    """A worker has ended in order."""
    rows_of("SELECT ledger_leave(%s, %s)", [name, pid])


def slots_for(queue: str) -> int:
    """How many slots are there for a route just now."""
    count: int = rows_of("SELECT ledger_workers(%s)", [queue])[0][0]
    return count


def routes() -> list[str]:
    """All routes with capabilities that runs have needed."""
    return [row[0] for row in rows_of("SELECT name FROM executions_route ORDER BY name", [])]


def not_runnable(version_id: UUID) -> list[NotRunnable]:
    """What of a version no worker could ever take; the ways to the rest are open from now on."""
    rows = rows_of(
        "SELECT * FROM ledger_not_runnable(%s, %s, %s, %s)",
        [
            version_id,
            list(settings.SYMPHONY_QUEUE_NAMES),
            list(settings.SYMPHONY_CAPABILITIES),
            settings.SYMPHONY_MAX_ROUTES,
        ],
    )
    return [NotRunnable(*row) for row in rows]


def tidy_workers() -> int:
    """Mark who fell silent, forget who was not seen for long; how many were marked."""
    count: int = rows_of("SELECT ledger_tidy_workers(%s)", [settings.SYMPHONY_WORKERS_REMEMBERED_DAYS])[0][0]
    return count


def hand_over_all(worker: str, reason: str) -> list[Release]:
    """Give back all that a worker still executes; what is to be sent. Within `sweeping()`."""
    rows = rows_of("SELECT * FROM ledger_hand_over_all(%s, %s, %s)", [worker, reason, settings.SYMPHONY_RESEND_SECONDS])
    return [release_of(row) for row in rows]


def give_back(organization_id: str, held: Sequence[tuple[str, str]], reason: str) -> list[Release]:
    """Give back tasks (id, lease) the caller has claimed and not begun; what is to be sent."""
    rows = rows_of(
        "SELECT * FROM ledger_hand_back(%s, %s::uuid[], %s::uuid[], %s, %s)",
        [
            organization_id,
            [task for task, _ in held],
            [lease for _, lease in held],
            reason,
            settings.SYMPHONY_RESEND_SECONDS,
        ],
    )
    return [release_of(row) for row in rows]
