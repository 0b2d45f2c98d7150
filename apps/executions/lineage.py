"""Where an artifact comes from, and what was made from it: steps and what they left, followed along the plan.

What a step was made from: results it reads (`read`), steps it came after and may have files or variables of (`follows`), the
composite step around it (`inside`), and, for a composite step itself, the steps in it (`collects`). A result that a later
run has kept (`kept`) leads into the earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.executions import lookups
from apps.executions.models import Artifact, Blob, Execution, Task
from apps.executions.states import JOIN_KIND
from apps.melodies.models import MelodyVersion

MOST_DEPTH: Final = 20
MOST_STEPS: Final = 500
SAME_BYTES_SHOWN: Final = 20

_SOURCES: Final = """
WITH t AS MATERIALIZED (
  SELECT id, execution_id, version_id, node, seq, scopes, parent_id, kept_from FROM executions_task WHERE id = ANY(%(tasks)s))
SELECT t.id, ledger_task_id(t.execution_id, t.scopes[(r.item ->> 1)::int + 1] + (r.item ->> 2)::int), 'read'
FROM t JOIN executions_plannode p ON p.version_id = t.version_id AND p.node = t.node, jsonb_array_elements(p.reads) AS r(item)
UNION ALL
SELECT t.id, ledger_task_id(t.execution_id, t.seq - t.node + e.node), 'follows'
FROM t JOIN executions_plannode e ON e.version_id = t.version_id AND t.node = ANY(e.successors)
UNION ALL
SELECT t.id, t.parent_id, 'inside' FROM t WHERE t.parent_id IS NOT NULL
UNION ALL
SELECT t.id, t.kept_from, 'kept' FROM t WHERE t.kept_from IS NOT NULL
UNION ALL
SELECT t.id, c.id, 'collects' FROM t JOIN executions_expansion x ON x.task_id = t.id CROSS JOIN LATERAL (
  SELECT k.id FROM executions_task k
  WHERE k.id BETWEEN ledger_task_id(t.execution_id, 0) AND (left(t.execution_id::text, 28) || 'ffffffff')::uuid
    AND k.parent_id = t.id ORDER BY k.id LIMIT %(most)s) c
WHERE t.id <> ALL(%(begun)s)
"""
_PRODUCTS: Final = """
WITH t AS MATERIALIZED (
  SELECT id, execution_id, version_id, node, seq, parent_id FROM executions_task WHERE id = ANY(%(tasks)s)),
readers AS MATERIALIZED (
  SELECT DISTINCT t.id, t.execution_id, p.version_id, p.node, (r.item ->> 1)::int AS scope, (r.item ->> 2)::int AS read
  FROM t JOIN executions_plannode p ON p.version_id = t.version_id AND p.reads <> '[]',
       jsonb_array_elements(p.reads) AS r(item)
  WHERE (r.item ->> 2)::int = t.node)
SELECT r.id, o.id, 'read' FROM readers r CROSS JOIN LATERAL (
  SELECT k.id FROM executions_task k
  WHERE k.id BETWEEN ledger_task_id(r.execution_id, 0) AND (left(r.execution_id::text, 28) || 'ffffffff')::uuid
    AND k.version_id = r.version_id AND k.node = r.node
    AND ledger_task_id(k.execution_id, k.scopes[r.scope + 1] + r.read) = r.id
  ORDER BY k.id LIMIT %(most)s) o
UNION ALL
SELECT t.id, ledger_task_id(t.execution_id, t.seq - t.node + s.node), 'follows'
FROM t JOIN executions_plannode p ON p.version_id = t.version_id AND p.node = t.node, unnest(p.successors) AS s(node)
UNION ALL
SELECT t.id, t.parent_id, 'collects' FROM t WHERE t.parent_id IS NOT NULL
UNION ALL
SELECT t.id, c.id, 'inside' FROM t JOIN executions_expansion x ON x.task_id = t.id CROSS JOIN LATERAL (
  SELECT k.id FROM executions_task k
  WHERE k.id BETWEEN ledger_task_id(t.execution_id, 0) AND (left(t.execution_id::text, 28) || 'ffffffff')::uuid
    AND k.parent_id = t.id ORDER BY k.id LIMIT %(most)s) c
WHERE t.id <> ALL(%(begun)s)
"""


@dataclass(frozen=True, slots=True)
class Link:
    """`task` was made from `source`, and how."""

    task: UUID
    source: UUID
    relation: str


@dataclass(slots=True)
class Step:
    """A task with what it left. `distance` counts the steps between it and the artifact's; `result_sha256` is that of a
    large result, whose bytes are in the store."""

    task: Task
    distance: int
    version_sha256: str
    artifacts: list[Artifact] = field(default_factory=list)
    result_size: int | None = None


@dataclass(slots=True)
class Lineage:
    """`truncated`: there is more than was asked for, or than is told at once."""

    artifact: Artifact
    execution: Execution
    made_by: Step
    made_from: list[Step]
    made_into: list[Step]
    links: list[Link]
    same_bytes: list[Artifact]
    truncated: bool


def lineage_of(*, actor: User, artifact: Artifact, depth: int) -> Lineage:
    """`depth` is how many steps away, in each direction. The task that made it is gone only together with the artifact."""
    execution = lookups.execution_for(actor=actor, execution_id=artifact.execution_id)
    back = _Walk(_SOURCES, artifact.task_id, depth)
    forth = _Walk(_PRODUCTS, artifact.task_id, depth)
    near = {artifact.task_id: 0}
    steps = _steps(actor, {**forth.distances, **back.distances, **near})
    shown = set(steps)
    links = [Link(task, source, relation) for task, source, relation in back.links]
    links += [Link(product, task, relation) for task, product, relation in forth.links]
    return Lineage(
        artifact=artifact,
        execution=execution,
        made_by=steps[artifact.task_id],
        made_from=_in_order(steps, back.distances),
        made_into=_in_order(steps, forth.distances),
        links=sorted({link for link in links if {link.task, link.source} <= shown}, key=lambda k: (k.task, k.source)),
        same_bytes=list(_same_bytes(actor, artifact)[:SAME_BYTES_SHOWN]),
        truncated=back.truncated or forth.truncated,
    )


class _Walk:
    """From one task along one direction, step by step. Virtual joins are passed through: they are nobody's step."""

    def __init__(self, sql: str, origin: UUID, depth: int) -> None:
        self.distances: dict[UUID, int] = {}
        self.links: set[tuple[UUID, UUID, str]] = set()
        self.truncated = False
        self._sql = sql
        self._origin = origin
        # Those that are reached from inside only began what is inside: they are not made from it.
        self._begun: set[UUID] = {origin} if sql is _PRODUCTS else set()
        frontier = [origin]
        for distance in range(1, depth + 1):
            frontier = self._next(frontier, distance)
            if not frontier:
                return
        self.truncated = self.truncated or bool(self._found(frontier))

    def _next(self, frontier: Sequence[UUID], distance: int) -> list[UUID]:
        reached: list[UUID] = []
        for task, other, relation in self._found(frontier):
            if other == self._origin:
                continue
            if other not in self.distances:
                if len(self.distances) >= MOST_STEPS:
                    self.truncated = True
                    return []
                self.distances[other] = distance
                reached.append(other)
                if relation == ("inside" if self._sql is _SOURCES else "collects"):
                    self._begun.add(other)
            self.links.add((task, other, relation))
        return reached

    def _found(self, tasks: Iterable[UUID]) -> list[tuple[UUID, UUID, str]]:
        """Neighbours, those behind joins instead of the joins; `read` where there are several ways."""
        found: dict[tuple[UUID, UUID], str] = {}
        ahead = {task: {task} for task in tasks}
        for _ in range(10):
            rows = self._rows(list(ahead))
            joins = _joins({other for _, other, _ in rows})
            beyond: dict[UUID, set[UUID]] = {}
            for near, other, relation in rows:
                for task in ahead[near]:
                    if other in joins:
                        beyond.setdefault(other, set()).add(task)
                    elif found.get((task, other)) != "read":
                        found[task, other] = relation
            if not beyond:
                break
            ahead = beyond
        return [(task, other, relation) for (task, other), relation in found.items()]

    def _rows(self, tasks: list[UUID]) -> list[tuple[UUID, UUID, str]]:
        with connection.cursor() as cursor:
            cursor.execute(self._sql, {"tasks": tasks, "begun": list(self._begun), "most": MOST_STEPS})
            rows: list[tuple[UUID, UUID, str]] = cursor.fetchall()
        return rows


def _joins(tasks: set[UUID]) -> set[UUID]:
    return set(Task.objects.filter(pk__in=tasks, kind=JOIN_KIND).order_by().values_list("pk", flat=True))


def _steps(actor: User, distances: dict[UUID, int]) -> dict[UUID, Step]:
    """Those the actor may see; a kept result may come from a run that is gone."""
    own = Task.objects.filter(pk__in=distances, execution__in=lookups.executions(actor=actor).order_by().values("pk"))
    tasks = {task.pk: task for task in own.exclude(kind=JOIN_KIND).defer("output", "carry", "error")}
    hashes = dict(
        MelodyVersion.objects.filter(pk__in={task.version_id for task in tasks.values()})
        .order_by()
        .values_list("pk", "sha256")
    )
    steps = {pk: Step(task, distances[pk], hashes.get(task.version_id, "")) for pk, task in tasks.items()}
    for artifact in Artifact.objects.filter(
        execution__in={task.execution_id for task in tasks.values()}, task_id__in=tasks
    ).order_by("id")[: MOST_STEPS * 10]:
        steps[artifact.task_id].artifacts.append(artifact)
    refs = {(task.organization_id, task.output_ref) for task in tasks.values() if task.output_ref}
    sizes = {
        (blob.organization_id, blob.sha256): blob.size
        for blob in Blob.objects.filter(sha256__in=[ref for _, ref in refs], organization__in={own for own, _ in refs})
    }
    for step in steps.values():
        if step.task.output_ref:
            step.result_size = sizes.get((step.task.organization_id, step.task.output_ref))
    return steps


def _in_order(steps: dict[UUID, Step], distances: dict[UUID, int]) -> list[Step]:
    return sorted(
        (steps[pk] for pk in distances if pk in steps), key=lambda step: (distances[step.task.pk], step.task.pk)
    )


def _same_bytes(actor: User, artifact: Artifact) -> QuerySet[Artifact]:
    """Other artifacts of the organization with these bytes, the newest first."""
    return (
        lookups.artifacts(actor=actor)
        .filter(organization=artifact.organization_id, content_hash=artifact.content_hash)
        .exclude(pk=artifact.pk)
        .order_by("-id")
    )
