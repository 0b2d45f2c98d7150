"""What the pages read of runs, in few queries whatever the size of a run. Everything under row-level security."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.fields.json import KeyTextTransform

from apps.accounts.models import User
from apps.executions import waiting
from apps.executions.models import Artifact, Execution
from apps.executions.queries import first_task_id, last_task_id, tasks_of

TASKS_PER_PAGE = 5000
MOST_COUNTED = 5000
"""Runs of more tasks are not counted in lists of runs."""

_SEQUENCE_BITS = 0xFFFFFFFF
_SHOWN_ARTIFACTS = 500
_SHOWN_EVENTS = 200
_SHOWN_APPROVALS = 20

TASK_COLUMNS = (
    "seq", "name", "kind", "status", "attempt", "parent", "iteration", "label", "worker", "created", "dispatched",
    "started", "completed", "error",
)  # fmt: skip
"""Columns of a row of `task_rows`; `parent` is the sequence number of the step around it, times are milliseconds."""


def asked_of(actor: User, execution: Execution) -> list[dict[str, Any]]:
    """What the actor may decide about a run now, the first 20, as the page shows it."""
    found = []
    for task in waiting.approvals(actor=actor).filter(execution=execution)[:_SHOWN_APPROVALS]:
        asked = waiting.waiting_for(task)
        if asked is None:
            continue
        details = asked.details.get("details")
        decisions = task.listed_decisions or []  # type: ignore[attr-defined]  # annotated
        found.append(
            {
                "task": task.pk,
                "step": task.name,
                "title": asked.name or task.name,
                "description": asked.details.get("description") or "",
                "details": details if isinstance(details, str) else _pretty(details),
                "role": asked.role,
                "quorum": asked.quorum,
                "approved": sum(decision["decision"] == "approve" for decision in decisions),
                "decisions": decisions,
                "due_at": asked.due_at,
            }
        )
    return found


def _pretty(details: Any) -> str:
    return "" if details is None else json.dumps(details, indent=2, ensure_ascii=False)


def short(identifier: UUID) -> str:
    """The end of an id, where those of one day differ."""
    return identifier.hex[-8:]


def counts_of(executions: Iterable[Execution]) -> dict[UUID, dict[str, int]]:
    """Tasks by status of several runs, in one query; runs of more than `MOST_COUNTED` tasks are left out."""
    wanted = [execution.id for execution in executions if execution.next_seq <= MOST_COUNTED]
    counts: dict[UUID, dict[str, int]] = {identifier: {} for identifier in wanted}
    if not wanted:
        return counts
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.id, t.status, count(*) FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS r(id, low, high)"
            " JOIN executions_task t ON t.id >= r.low AND t.id <= r.high AND t.kind <> 'join' GROUP BY 1, 2",
            [wanted, [first_task_id(identifier) for identifier in wanted], [last_task_id(i) for i in wanted]],
        )
        for identifier, status, count in cursor.fetchall():
            counts[identifier][status] = count
    return counts


def task_rows(execution: Execution, after: int) -> tuple[list[list[Any]], int | None]:
    """Up to `TASKS_PER_PAGE` tasks beyond a sequence number, as `TASK_COLUMNS`, and where the next page begins."""
    start = first_task_id(execution.id).int + after
    rows = (
        tasks_of(execution.id)
        .filter(id__gt=UUID(int=start))
        .values_list(
            "seq", "name", "kind", "status", "attempt", "parent_id", "frame__index", "frame__label", "worker",
            "created_at", "dispatched_at", "started_at", "completed_at", KeyTextTransform("message", "error"),
        )[: TASKS_PER_PAGE + 1]
    )  # fmt: skip
    found = [
        [*row[:5], sequence_of(row[5]), *row[6:9], *map(milliseconds, row[9:13]), row[13] and row[13][:1000]]
        for row in rows
    ]
    return found[:TASKS_PER_PAGE], found[TASKS_PER_PAGE - 1][0] if len(found) > TASKS_PER_PAGE else None


def sequence_of(task_id: UUID | None) -> int | None:
    """A task's number within its run: the last 32 bits of its id."""
    return None if task_id is None else task_id.int & _SEQUENCE_BITS


def milliseconds(moment: datetime | None) -> int | None:
    """Since 1970, as browsers count."""
    return None if moment is None else round(moment.timestamp() * 1000)


def recent_events(execution: Execution) -> list[dict[str, Any]]:
    """The last 200 events everybody can see by now, oldest first, in the shape of the stream.

    Events of transactions older than the oldest running one only: the stream goes on after the last one given here,
    and must not pass over one that is committed later but comes before.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.position, e.id, e.event_type, e.task_id, t.name, e.payload, e.occurred_at"
            " FROM (SELECT * FROM executions_event"
            "       WHERE execution_id = %s AND position < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
            "       ORDER BY position DESC, id DESC LIMIT %s) e"
            " LEFT JOIN executions_task t ON t.id = e.task_id ORDER BY e.position, e.id",
            [execution.id, _SHOWN_EVENTS],
        )
        rows = cursor.fetchall()
    return [
        {
            "id": f"{position}-{number}",
            "type": event_type,
            "task": task_id and str(task_id),
            "task_name": name,
            "payload": json.loads(payload) if isinstance(payload, str) else payload,
            "occurred_at": occurred_at.isoformat(),
        }
        for position, number, event_type, task_id, name, payload, occurred_at in rows
    ]


def artifact_rows(execution: Execution) -> list[dict[str, Any]]:
    """The first 500 artifacts, oldest first."""
    rows = Artifact.objects.filter(execution=execution).order_by("id")[:_SHOWN_ARTIFACTS]
    return [
        {
            "id": str(artifact.id),
            "name": artifact.name,
            "type": artifact.artifact_type,
            "content_type": artifact.content_type,
            "size": artifact.size,
            "task": sequence_of(artifact.task_id),
        }
        for artifact in rows
    ]
