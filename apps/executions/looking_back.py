"""Reading runs that have ended, to decide what of them is done again: a handful of statements, whatever their size."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from apps.executions.models import Execution
from apps.executions.past import ExpansionFacts, FrameFacts, NodeFacts, Past, TaskFacts, task_seq
from apps.executions.queries import first_task_id, last_task_id

_TASKS = """
    SELECT seq, node, version_id, frame_id, parent_id, name, kind, status, error ->> 'code', started_at IS NOT NULL
    FROM executions_task WHERE id BETWEEN %s AND %s ORDER BY id
"""
_FRAMES = """
    SELECT id, parent_task_id, index, label, first, size, status, lineage::text[]
    FROM executions_frame WHERE parent_task_id BETWEEN %s AND %s
"""
_EXPANSIONS = """
    SELECT task_id, total, remaining, base, round_first, watch, phase, at_once
    FROM executions_expansion WHERE task_id BETWEEN %s AND %s
"""
_NODES = """
    SELECT version_id, node, kind, successors, edge_on, tolerates, handled, compensates
    FROM executions_plannode WHERE version_id = ANY (%s::uuid[])
"""


def past_of(execution: Execution) -> Past:
    """A run as it ended; the caller holds its row, so that nothing of it changes meanwhile."""
    bounds = [first_task_id(execution.pk), last_task_id(execution.pk)]
    with connection.cursor() as cursor:
        cursor.execute(_TASKS, bounds)
        tasks = {
            row[0]: TaskFacts._make((*row[:4], None if row[4] is None else task_seq(row[4]), *row[5:]))
            for row in cursor.fetchall()
        }
        cursor.execute(_FRAMES, bounds)
        frames = [
            FrameFacts._make((row[0], task_seq(row[1]), *row[2:7], tuple(map(UUID, row[7]))))
            for row in cursor.fetchall()
        ]
        cursor.execute(_EXPANSIONS, bounds)
        expansions = {task_seq(row[0]): ExpansionFacts(task_seq(row[0]), *row[1:]) for row in cursor.fetchall()}
    plans = nodes_of({task.version for task in tasks.values()})
    return Past(execution.pk, execution.status, tasks, frames, expansions, plans)


def nodes_of(versions: Iterable[UUID]) -> dict[UUID, dict[int, NodeFacts]]:
    """The plans of versions, by node number."""
    plans: dict[UUID, dict[int, NodeFacts]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_NODES, [list(versions)])
        for version, node, kind, successors, edge_on, tolerates, handled, compensates in cursor.fetchall():
            edges = tuple(zip(successors, edge_on, strict=True))
            plans.setdefault(version, {})[node] = NodeFacts(kind, edges, tolerates, handled, compensates)
    return plans
