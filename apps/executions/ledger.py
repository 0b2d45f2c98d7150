"""The ledger: the one writer of task outcomes. Thin calls of the SQL functions in sql/.

Each call is one round trip and one transaction (unless the caller has one open). Nothing here sends anything: what a
call released is returned, and the caller sends it after the commit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection

from apps.core.ids import uuid7

_TOO_MANY_STEPS = "SY001"


class TooManySteps(Exception):
    """The run would have more steps than its document allows."""


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
    tasks whose outcome was refused."""

    taken: list[dict[str, Any]]
    released: list[Release]
    stale: list[UUID]


NOTHING = Keep()


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _release(row: Sequence[Any]) -> Release:
    task_id, owner, name, kind, queue, inline, rank, shift, node, ahead = row[:10]
    ahead = json.loads(ahead) if isinstance(ahead, str) else ahead
    return Release(task_id, owner, name, kind, queue, inline, rank, shift, node, ahead)


def _hand_over(rows: Iterable[Sequence[Any]]) -> HandOver:
    result = HandOver([], [], [])
    for row in rows:
        if row[10] is not None:
            result.taken.append(json.loads(row[10]) if isinstance(row[10], str) else row[10])
        elif row[3] == "stale":
            result.stale.append(row[0])
        else:
            result.released.append(_release(row))
    return result


def start(execution_id: UUID) -> list[Release]:
    """Insert the tasks of a queued execution; its entry steps are released."""
    rows = _rows("SELECT * FROM ledger_start(%s, %s)", [execution_id, settings.SYMPHONY_RESEND_SECONDS])
    return [_release(row) for row in rows]


def claim(organization_id: str, task_id: str, worker: str) -> HandOver:
    """Claim one task: `taken` has everything needed to run it, or is empty when it is not to be had."""
    return _hand_over(
        _rows("SELECT * FROM ledger_claim(%s, %s, %s, %s, %s)", [organization_id, task_id, worker, *_times()])
    )


def finish(organization_id: str, outcomes: Sequence[Mapping[str, Any]], worker: str, keep: Keep = NOTHING) -> HandOver:
    """Record outcomes of one run; see ledger_finish for the keys of an outcome."""
    return _hand_over(
        _rows(
            "SELECT * FROM ledger_finish(%s, %s, %s, %s, %s, %s, %s)",
            [organization_id, json.dumps(outcomes), keep.inline, keep.queue, worker, *_times()],
        )
    )


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
        rows = _rows(
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
                _json(error),
                due_at,
                json.dumps(events) if events else None,
                keep.inline,
                keep.queue,
                worker,
                *_times(),
            ],
        )
    except DatabaseError as refusal:
        if getattr(refusal.__cause__, "pgcode", None) == _TOO_MANY_STEPS:
            raise TooManySteps from refusal
        raise
    return _hand_over(rows)


def keep_waiting(claimed: Mapping[str, Any], seen: int, due_at: datetime | None) -> HandOver:
    """A task that watches its frames has seen so many end; it is released at once when more have ended meanwhile."""
    return _hand_over(
        _rows(
            "SELECT * FROM ledger_keep_waiting(%s, %s, %s, %s, %s, %s)",
            [*_claim(claimed), seen, due_at, settings.SYMPHONY_RESEND_SECONDS],
        )
    )


def compensate(claimed: Mapping[str, Any]) -> HandOver:
    """Let the claimed compensation of a failed run go on as frames; nothing is released when there is nothing to undo."""
    return _hand_over(
        _rows("SELECT * FROM ledger_compensate(%s, %s, %s, %s)", [*_claim(claimed), settings.SYMPHONY_RESEND_SECONDS])
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
    return _hand_over(
        _rows(
            "SELECT * FROM ledger_wait(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                *_claim(claimed),
                reason,
                key,
                due_at,
                _json(output),
                _json(carry),
                _json(error),
                json.dumps(events),
                settings.SYMPHONY_RESEND_SECONDS,
            ],
        )
    )


def progress(claimed: Mapping[str, Any], event_type: str, payload: Mapping[str, Any]) -> bool:
    """An event while the step runs. False: the claim is not the caller's any more."""
    rows = _rows("SELECT ledger_progress(%s, %s, %s, %s, %s)", [*_claim(claimed), event_type, json.dumps(payload)])
    return bool(rows[0][0])


def withdraw_rest(claimed: Mapping[str, Any], sequence_numbers: Sequence[int]) -> list[Release]:
    """Cancel tasks beside the claimed one that have not ended; what that released."""
    rows = _rows(
        "SELECT * FROM ledger_withdraw_rest(%s, %s, %s, %s, %s)",
        [*_claim(claimed), list(sequence_numbers), settings.SYMPHONY_RESEND_SECONDS],
    )
    return [_release(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision: recorded, decided (the step goes on), already (this person has decided before) or
    not_waiting; and what is to be sent now."""

    outcome: str
    released: list[Release]


def decide(task_id: UUID, user_id: UUID, person: str, role: str, decision: str, comment: str) -> Decided:
    """Somebody decides on a waiting approval. Whether they may is the caller's business."""
    rows = _rows(
        "SELECT * FROM ledger_decide(%s, %s, %s, %s, %s, %s, %s, %s)",
        [uuid7(), task_id, user_id, person, role, decision, comment, settings.SYMPHONY_RESEND_SECONDS],
    )
    return Decided(rows[0][0], [_release(row[1:]) for row in rows if row[1] is not None])


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
    rows = _rows(
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
    return [_release(row) for row in rows]


def melody(
    organization_id: str, *, path: str | None = None, name: str | None = None, number: int | None = None
) -> tuple[str, str, str, int] | None:
    """(version id, melody id, name, size) of a stored melody, by its path or by its id or name; see ledger_melody."""
    try:
        identifier = UUID(name) if name else None
    except ValueError:
        identifier = None
    rows = _rows("SELECT * FROM ledger_melody(%s, %s, %s, %s, %s)", [organization_id, path, identifier, name, number])
    return (str(rows[0][0]), str(rows[0][1]), rows[0][2], rows[0][3]) if rows else None


def remember(organization_id: str, scope: str, name: str, record: Mapping[str, Any]) -> None:
    """Add to a kept record; what other steps add at the same time stays."""
    _rows("SELECT ledger_remember(%s, %s, %s, %s)", [organization_id, scope, name, json.dumps(record)])


def variables(claimed: Mapping[str, Any]) -> dict[str, Any]:
    """All variables a claimed task can see."""
    rows = _rows("SELECT ledger_visible(%s, %s)", [claimed["organization"], claimed["task"]])
    found = rows[0][0]
    return dict((json.loads(found) if isinstance(found, str) else found) or {})


def renew(organization_id: str, held: Mapping[str, str]) -> set[str]:
    """Prolong leases ({lease: task}); those that still hold."""
    rows = _rows(
        "SELECT * FROM ledger_renew(%s, %s::uuid[], %s::uuid[], %s)",
        [organization_id, list(held.values()), list(held), settings.SYMPHONY_LEASE_SECONDS],
    )
    return {str(row[0]) for row in rows}


def frames(organization_id: str, task_id: str, *, earlier: bool = False) -> list[tuple[Any, ...]]:
    """(index, body, label, status, loop, error, results) of a composite task's last round, or of those before it."""
    return [
        (*row[:4], *(json.loads(value) if isinstance(value, str) else value for value in row[4:]))
        for row in _rows("SELECT * FROM ledger_frames(%s, %s, %s)", [organization_id, task_id, earlier])
    ]


def cancel(execution_id: UUID, reason: str) -> int | None:
    """Cancel a run and its unfinished tasks; None when it had ended already."""
    count: int | None = _rows("SELECT ledger_cancel(%s, %s)", [execution_id, reason])[0][0]
    return count


def pause(execution_id: UUID, message: str) -> str:
    """Let nothing new of a run begin; the status it has now, `paused` when that worked."""
    status: str = _rows("SELECT ledger_pause(%s, %s)", [execution_id, message])[0][0]
    return status


def resume(execution_id: UUID) -> list[Release] | None:
    """Let a paused run go on: what is to be sent now. None when it is not paused."""
    rows = _rows("SELECT * FROM ledger_resume(%s, %s)", [execution_id, settings.SYMPHONY_RESEND_SECONDS])
    if rows and rows[0][1] is None:
        return None
    return [_release(row[1:]) for row in rows]


def refresh_statistics(limit: int) -> int:
    """Count the runs of melodies anew where they have changed; how many melodies were counted."""
    count: int = _rows("SELECT ledger_refresh_statistics(%s)", [limit])[0][0]
    return count


def expired(organization_id: UUID, before: datetime, limit: int) -> list[UUID]:
    """Runs of an organization that ended before a moment."""
    newest = UUID(int=int(before.timestamp() * 1000) << 80 | (1 << 80) - 1)
    return [
        row[0]
        for row in _rows("SELECT * FROM ledger_expired(%s, %s, %s, %s)", [organization_id, before, newest, limit])
    ]


def forget(execution_id: UUID) -> list[str] | None:
    """Delete a run that has ended, with all it left behind; the addresses of bytes that nothing may name any more. None:
    it has not ended, or is gone already."""
    found: list[str] | None = _rows("SELECT ledger_forget(%s)", [execution_id])[0][0]
    return found


def forget_blobs(organization_id: UUID, addresses: Sequence[str]) -> list[str]:
    """Delete the blobs among these that nothing names any more; their addresses."""
    return [row[0] for row in _rows("SELECT * FROM ledger_forget_blobs(%s, %s)", [organization_id, list(addresses)])]


def report_lost(organization_id: str, carrier: str, reason: str) -> list[Release]:
    """A worker process died: give back what it held. `carrier` is what it named itself in its claims."""
    rows = _rows(
        "SELECT * FROM ledger_report_lost(%s, %s, %s, %s, %s)",
        [organization_id, carrier, reason, settings.SYMPHONY_MAX_LOST_ATTEMPTS, settings.SYMPHONY_RESEND_SECONDS],
    )
    return [_release(row) for row in rows]


def sweep(limit: int) -> list[Release]:
    """Give back what lost workers held, fire due timers, close tasks of runs that are over."""
    rows = _rows(
        "SELECT * FROM ledger_sweep(%s, %s, %s)",
        [limit, settings.SYMPHONY_MAX_LOST_ATTEMPTS, settings.SYMPHONY_RESEND_SECONDS],
    )
    return [_release(row) for row in rows]


def unsent(queue: str, room: int) -> list[Release]:
    """Released tasks of a queue nobody claimed in time, at most `room`; they are to be sent now."""
    rows = _rows("SELECT * FROM ledger_unsent(%s, %s, %s)", [queue, room, settings.SYMPHONY_RESEND_SECONDS])
    return [_release(row) for row in rows]


def _times() -> tuple[float, float]:
    return settings.SYMPHONY_LEASE_SECONDS, settings.SYMPHONY_RESEND_SECONDS


def _claim(claimed: Mapping[str, Any]) -> tuple[str, str, str]:
    return claimed["organization"], claimed["task"], claimed["lease"]


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)
