"""Reading runs. Everything is under row-level security: who asks decides what is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, Count, F, QuerySet, TextField, Value, When
from django.db.models.functions import Now

from apps.accounts.models import Organization
from apps.executions import blobs
from apps.executions.models import Execution, MelodyStatistics, StoreStatistics, Task, Worker, WorkerState
from apps.executions.states import COMPENSATION_KIND, EXECUTION_TERMINAL, JOIN_KIND, TaskStatus
from apps.melodies.models import Melody

MAX_OUTPUTS_BYTES = 1_000_000
MAX_OUTPUT_STEPS = 1000

_IS_LAST = """
    EXISTS (SELECT 1 FROM executions_plannode p
            WHERE p.version_id = executions_task.version_id AND p.node = executions_task.node
              AND (p.ends OR cardinality(p.successors) = 1 AND EXISTS (
                SELECT 1 FROM executions_plannode e
                WHERE e.version_id = p.version_id AND e.node = p.successors[1] AND e.kind = 'join')))
"""


def statistics_of(melody: Melody) -> MelodyStatistics:
    """What the sweep has counted; zeros for a melody that it has not come to."""
    found = MelodyStatistics.objects.filter(melody=melody).first()
    return found or MelodyStatistics(melody=melody, organization_id=melody.organization_id)


def store_statistics_of(organization: Organization) -> StoreStatistics:
    """What the sweep has counted; zeros for an organization that it has not come to."""
    return StoreStatistics.objects.filter(organization=organization).first() or StoreStatistics(
        organization=organization
    )


def first_task_id(execution_id: UUID) -> UUID:
    """The lowest id a task of this execution can have; see `Task`."""
    return UUID(int=execution_id.int >> 32 << 32)


def last_task_id(execution_id: UUID) -> UUID:
    """The highest id a task of this execution can have."""
    return UUID(int=execution_id.int | 0xFFFFFFFF)


def tasks_of(execution_id: UUID) -> QuerySet[Task]:
    """The tasks of a run in plan order, children after the document's own steps; virtual nodes left out."""
    return (
        Task.objects.filter(id__gte=first_task_id(execution_id), id__lte=last_task_id(execution_id))
        .exclude(kind=JOIN_KIND)
        .exclude(kind=COMPENSATION_KIND, started_at__isnull=True)
        .order_by("id")
    )


def task_counts(execution: Execution) -> dict[str, int]:
    """Tasks by status; every status is there, and `total`. Of one that has just begun they are known."""
    if execution.begun is not None:
        steps, released = execution.begun
        counted = {TaskStatus.PENDING.value: steps - released, TaskStatus.DISPATCHED.value: released}
    else:
        counted = dict(tasks_of(execution.pk).order_by().values_list("status").annotate(count=Count("id")))
    counts = {status.value: 0 for status in TaskStatus} | counted
    return {**counts, "total": sum(counts.values())}


def execution_outputs(execution: Execution) -> dict[str, Any] | None:
    """Results of the document's own steps by name, once the run has ended; None before.

    A run of more than 1,000 steps, or with more than 1 MB of results, gives those of its last steps only.
    """
    if execution.status not in {status.value for status in EXECUTION_TERMINAL}:
        return None
    own = tasks_of(execution.id).filter(parent__isnull=True, status=TaskStatus.COMPLETED)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(sum(pg_column_size(output)), 0) FROM executions_task"
            " WHERE id >= %s AND id <= %s AND parent_id IS NULL",
            [first_task_id(execution.id), last_task_id(execution.id)],
        )
        count, size = cursor.fetchone()
    if count > MAX_OUTPUT_STEPS or size > MAX_OUTPUTS_BYTES:
        own = own.extra(where=[_IS_LAST])[:MAX_OUTPUT_STEPS]  # noqa: S610 - no user input
    return {task.name: task_output(task) for task in own}


def task_output(task: Task) -> Any:
    """A task's result, read from the blob store when it is a large one."""
    if task.output_ref:
        return json.loads(blobs.get(str(task.organization_id), task.output_ref))
    return task.output


def graph(execution: Execution) -> list[Mapping[str, Any]]:
    """The plan's nodes as the live page and the admin draw them: node, name, kind, parent, depth, successors, edges."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT node, name, kind, parent, depth, successors, edge_on FROM executions_plannode"
            " WHERE version_id = %s ORDER BY node",
            [execution.version_id],
        )
        names = ("node", "name", "kind", "parent", "depth", "successors", "edge_on")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def workers(found: QuerySet[Worker] | None = None) -> QuerySet[Worker]:
    """Workers with what they are `now`: one that fell silent is gone, whatever it said last."""
    silent = When(until__lte=Now(), then=Value(WorkerState.GONE.value))
    everybody = Worker.objects.all() if found is None else found
    return everybody.annotate(now=Case(silent, default=F("state"), output_field=TextField()))
