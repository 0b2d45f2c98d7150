"""Finding runs, tasks and artifacts for somebody.

Each query names its user beside row-level security, so that it also holds for a database role that bypasses that.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Case, F, Func, IntegerField, JSONField, QuerySet, When

from apps.accounts import queries as accounts
from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.executions import queries
from apps.executions.models import Artifact, Event, Execution, Task
from apps.executions.states import JOIN_KIND
from apps.executions.waiting import with_decisions
from apps.projects.queries import visible

MAX_LISTED_OUTPUT = 10_000
"""Bytes of JSON: a list shows outputs up to this size, so that a page of it stays bearable."""


class ExecutionNotFound(NotFound):
    """There is no such execution, or it is not yours to see."""

    code = "execution_not_found"


class TaskNotFound(NotFound):
    """There is no such task, or it is not yours to see."""

    code = "task_not_found"


class ArtifactNotFound(NotFound):
    """There is no such artifact, or it is not yours to see."""

    code = "artifact_not_found"


class _JsonBytes(Func):
    function = "octet_length"
    template = "%(function)s((%(expressions)s)::text)"
    output_field = IntegerField()


def executions(*, actor: User) -> QuerySet[Execution]:
    """Those of the actor's organizations, with the melody's name and the version's number, without documents."""
    return (
        Execution.objects.filter(
            visible(actor, through="melody__project"), organization__in=accounts.organizations(actor=actor)
        )
        .select_related("melody", "version")
        .defer("version__source", "version__document", "melody__description")
    )


def execution_for(*, actor: User, execution_id: UUID) -> Execution:
    execution = executions(actor=actor).select_related("organization").filter(pk=execution_id).first()
    if execution is None:
        raise ExecutionNotFound
    return execution


def is_visible(*, actor: User, execution_id: UUID) -> bool:
    return (
        Execution.objects.filter(
            visible(actor, through="melody__project"),
            pk=execution_id,
            organization__in=accounts.organizations(actor=actor),
        )
        .order_by()
        .exists()
    )


def listed_tasks(execution: Execution) -> QuerySet[Task]:
    """The tasks of a run in plan order; `listed_output` is the output unless it is a large one, and
    `listed_decisions` what was said about those that wait for approval."""
    return (
        with_decisions(queries.tasks_of(execution.pk))
        .select_related("frame")
        .defer("output", "frame__loop", "frame__error")
        .annotate(
            output_bytes=_JsonBytes("output"),
            listed_output=Case(
                When(output_bytes__lte=MAX_LISTED_OUTPUT, then=F("output")), output_field=JSONField(null=True)
            ),
        )
    )


def task_for(*, actor: User, task_id: UUID) -> Task:
    own = Task.objects.filter(
        visible(actor, through="execution__melody__project"), organization__in=accounts.organizations(actor=actor)
    ).exclude(kind=JOIN_KIND)
    task = own.select_related("frame").filter(pk=task_id).first()
    if task is None:
        raise TaskNotFound
    return task


def events_of(execution: Execution) -> QuerySet[Event]:
    return Event.objects.filter(execution=execution).order_by("position", "id")


def artifacts_of(execution: Execution) -> QuerySet[Artifact]:
    return Artifact.objects.filter(execution=execution).order_by("id")


def artifacts(*, actor: User) -> QuerySet[Artifact]:
    return Artifact.objects.filter(
        visible(actor, through="execution__melody__project"), organization__in=accounts.organizations(actor=actor)
    )


def artifact_for(*, actor: User, artifact_id: UUID) -> Artifact:
    artifact = artifacts(actor=actor).filter(pk=artifact_id).first()
    if artifact is None:
        raise ArtifactNotFound
    return artifact


def task_names(task_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Names of tasks by id, in one query."""
    wanted = {task_id for task_id in task_ids if task_id is not None}
    return dict(Task.objects.filter(pk__in=wanted).order_by().values_list("pk", "name")) if wanted else {}
