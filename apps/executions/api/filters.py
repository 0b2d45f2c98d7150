from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import django_filters
from django.db.models import QuerySet

from apps.core.errors import Invalid
from apps.executions.api.serializers import EXECUTION_STATUSES, TASK_STATUSES
from apps.executions.models import Artifact, Event, Execution, Task

MOST_IDS: Final = 100


class _Ids(django_filters.BaseInFilter, django_filters.UUIDFilter):  # type: ignore[misc]  # the package has no types
    """Several, divided by commas."""

    def filter(self, found: QuerySet[Execution], ids: Sequence[UUID] | None) -> QuerySet[Execution]:
        if ids and len(ids) > MOST_IDS:
            message = f"ids are at most {MOST_IDS}."
            raise Invalid(message, errors=[{"code": "invalid_parameter", "message": message, "pointer": "?ids"}])
        return super().filter(found, ids)  # type: ignore[no-any-return]  # the package has no types


class ExecutionFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    status = django_filters.MultipleChoiceFilter(choices=EXECUTION_STATUSES, label="May be given several times.")
    ids = _Ids(field_name="id", label=f"These only, divided by commas; at most {MOST_IDS}.")
    organization = django_filters.UUIDFilter(field_name="organization_id")
    melody = django_filters.UUIDFilter(field_name="melody_id")
    project = django_filters.UUIDFilter(field_name="project_id")
    agent = django_filters.UUIDFilter(field_name="agent_id")
    parent = django_filters.UUIDFilter(field_name="parent_execution_id")
    rerun_of = django_filters.UUIDFilter(field_name="rerun_of_id")
    trigger = django_filters.UUIDFilter(field_name="trigger_id")
    correlation_id = django_filters.UUIDFilter()
    error_code = django_filters.CharFilter(max_length=50)
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Execution
        fields = (
            "status",
            "ids",
            "organization",
            "melody",
            "project",
            "agent",
            "parent",
            "rerun_of",
            "trigger",
            "correlation_id",
            "error_code",
            "created_after",
            "created_before",
        )


class TaskFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    status = django_filters.MultipleChoiceFilter(choices=TASK_STATUSES, label="May be given several times.")
    kind = django_filters.CharFilter()
    name = django_filters.CharFilter(label="The step's name.")
    parent = django_filters.CharFilter(
        method="below", label="Id of the composite task they are inside of, or `none`: the melody's own steps."
    )

    class Meta:
        model = Task
        fields = ("status", "kind", "name", "parent")

    def below(self, queryset: QuerySet[Task], _name: str, value: Any) -> QuerySet[Task]:
        if value == "none":
            return queryset.filter(parent__isnull=True)
        try:
            return queryset.filter(parent_id=UUID(value))
        except ValueError:
            message = "parent is the id of a task, or `none`."
            raise Invalid(
                message, errors=[{"code": "invalid_parameter", "message": message, "pointer": "?parent"}]
            ) from None


class EventFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    type = django_filters.CharFilter(field_name="event_type")
    task = django_filters.UUIDFilter(field_name="task_id")

    class Meta:
        model = Event
        fields = ("type", "task")


class ArtifactFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    name = django_filters.CharFilter()
    artifact_type = django_filters.CharFilter()
    task = django_filters.UUIDFilter(field_name="task_id")

    class Meta:
        model = Artifact
        fields = ("name", "artifact_type", "task")
