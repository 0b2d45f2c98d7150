"""What runs wait for: people who decide, events that are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import JSONObject

from apps.accounts.models import Membership, Role, User
from apps.executions.models import Decision, Execution, Signal, Task
from apps.executions.states import TaskStatus

DECIDING: Final[Mapping[str, tuple[str, ...]]] = {
    Role.OWNER: (Role.OWNER, Role.ADMIN, Role.MEMBER),
    Role.ADMIN: (Role.ADMIN, Role.MEMBER),
    Role.MEMBER: (Role.MEMBER,),
}
"""For each role, the roles an approval may ask for so that it may decide. Viewers decide nothing."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a task waits for. `name` is a signal's name or an approval's heading; `role` and `quorum` belong to approvals."""

    reason: str
    name: str | None
    due_at: datetime | None
    details: Mapping[str, Any]
    role: str | None
    quorum: int | None


def waiting_for(task: Task) -> Waiting | None:
    """None when the task does not wait."""
    if task.status != TaskStatus.WAITING or task.wait is None:
        return None
    carry: Mapping[str, Any] = task.carry if isinstance(task.carry, Mapping) else {}
    is_approval = task.wait == "approval"
    return Waiting(
        reason=task.wait,
        name=task.wait_key,
        due_at=task.due_at,
        details=(carry.get("details") or {}) if task.wait in ("approval", "signal") else {},
        role=str(carry.get("role") or Role.MEMBER) if is_approval else None,
        quorum=int(carry.get("quorum") or 1) if is_approval else None,
    )


def approvals(*, actor: User) -> QuerySet[Task]:
    """The tasks that wait for a decision the actor may still make, with the run, its melody, and `listed_decisions`."""
    allowed = Q(pk__in=[])
    for role, organization in Membership.objects.filter(user=actor, organization__is_active=True).values_list(
        "role", "organization"
    ):
        allowed |= Q(organization=organization, carry__role__in=DECIDING.get(role, ()))
    own = Decision.objects.filter(task_id=OuterRef("pk"), attempt=OuterRef("attempt"), user=actor)
    return with_decisions(
        Task.objects.filter(allowed, status=TaskStatus.WAITING, wait="approval")
        .annotate(
            own_request=Case(
                When(carry__details__exclude_submitter=True, execution__created_by=actor, then=Value(True)),
                default=Value(False),
                output_field=BooleanField(),
            )
        )
        .filter(~Exists(own), own_request=False)
        .select_related("execution__melody")
        .defer("output", "execution__input", "execution__melody__description")
        .order_by("id")
    )


def with_decisions(tasks: QuerySet[Task]) -> QuerySet[Task]:
    """Tasks with `listed_decisions`: who has said what, for those that wait for it."""
    told = JSONObject(user="person", role="role", decision="decision", comment="comment", at="decided_at")
    said = Decision.objects.filter(task_id=OuterRef("pk"), attempt=OuterRef("attempt")).order_by("id").values(told=told)
    return tasks.annotate(listed_decisions=Case(When(wait="approval", then=ArraySubquery(said))))


def decisions_of(task: Task) -> QuerySet[Decision]:
    """All that was said about a task, oldest first; also in earlier rounds of asking."""
    return Decision.objects.filter(task_id=task.pk).order_by("id")


def present_decisions(task: Task) -> list[dict[str, Any]]:
    """Who has said what in the round of asking that is open."""
    return [
        {
            "user": said.person,
            "role": said.role,
            "decision": said.decision,
            "comment": said.comment,
            "at": said.decided_at,
        }
        for said in Decision.objects.filter(task_id=task.pk, attempt=task.attempt).order_by("id")
    ]


def signals_of(execution: Execution) -> QuerySet[Signal]:
    """What a run was told, oldest first."""
    return Signal.objects.filter(execution=execution).select_related("sent_by").order_by("id")


def listeners(execution: Execution, name: str) -> QuerySet[Task]:
    """The tasks of a run that wait for a signal now; the one it would wake comes first."""
    return Task.objects.filter(
        organization=execution.organization_id,
        execution=execution,
        status=TaskStatus.WAITING,
        wait="signal",
        wait_key=name,
    ).order_by("started_at", "id")
