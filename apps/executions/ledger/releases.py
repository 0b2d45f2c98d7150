"""What calls of the ledger hand over: tasks taken, tasks to be sent, outcomes refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Release:
    """A task that may be claimed now, as the dispatcher sends it.

    `shift` is sequence number minus node number, so `shift + n` is the sequence number of plan node `n` in the same
    frame; `ahead` is what the plan lets a canvas carry besides (see `workers.compiler.canvas`).
    """

    task_id: UUID
    organization_id: UUID
    name: str
    kind: str
    queue: str
    inline: bool
    rank: float
    shift: int
    node: int
    ahead: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Keep:
    """What a worker would take along at once: up to `inline` small steps, and one other step of `queue` if given."""

    inline: int = 0
    queue: str = ""


@dataclass(frozen=True, slots=True)
class HandOver:
    """What a call released: `taken` are claimed by the caller already, `released` are to be sent, `stale` lists the
    tasks whose outcome was refused. `waiting`: other organizations wait for the caller's queue, so it is for the arbiter to
    say what the caller may go on with (see `claims.grant`)."""

    taken: list[dict[str, Any]]
    released: list[Release]
    stale: list[UUID]
    waiting: bool = False


NOTHING = Keep()


def release_of(row: Sequence[Any]) -> Release:
    task_id, owner, name, kind, queue, inline, rank, shift, node, ahead = row[:10]
    ahead = json.loads(ahead) if isinstance(ahead, str) else ahead
    return Release(task_id, owner, name, kind, queue, inline, rank, shift, node, ahead)


def hand_over_of(rows: Iterable[Sequence[Any]]) -> HandOver:
    taken: list[dict[str, Any]] = []
    released: list[Release] = []
    stale: list[UUID] = []
    waiting = False
    for row in rows:
        if row[10] is not None:
            taken.append(json.loads(row[10]) if isinstance(row[10], str) else row[10])
        elif row[3] == "stale":
            stale.append(row[0])
        elif row[0] is None:
            waiting = True
        else:
            released.append(release_of(row))
    return HandOver(taken, released, stale, waiting)


def lease_times() -> tuple[float, float]:
    return settings.SYMPHONY_LEASE_SECONDS, settings.SYMPHONY_RESEND_SECONDS


def claim_of(claimed: Mapping[str, Any]) -> tuple[str, str, str]:
    return claimed["organization"], claimed["task"], claimed["lease"]


def json_of(value: Any) -> str | None:
    return None if value is None else json.dumps(value)
