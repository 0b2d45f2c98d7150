"""Steps of runs, and what they wait for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.executions import queries, waiting
from apps.executions.api.serializers.fields import ANY, ERROR, NULLABLE_SECONDS, TASK_STATUSES, URI, seconds_between
from apps.executions.models import Task
from apps.executions.states import TASK_TERMINAL

DECISION: Final = {
    "type": "object",
    "properties": {
        "user": {"type": "string", "format": "email"},
        "role": {"type": "string"},
        "decision": {"type": "string", "enum": ["approve", "reject"]},
        "comment": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
    },
    "required": ["user", "role", "decision", "comment", "at"],
}


WAITING_FOR = {
    "type": ["object", "null"],
    "description": "What a waiting task waits for; null for any other.",
    "properties": {
        "reason": {"type": "string", "enum": ["timer", "retry", "frames", "approval", "signal"]},
        "name": {"type": ["string", "null"], "description": "The signal's name, or the approval's heading."},
        "due_at": {"type": ["string", "null"], "format": "date-time"},
        "details": {"type": "object", "additionalProperties": True},
        "role": {"type": ["string", "null"], "description": "The least role that may decide."},
        "quorum": {"type": ["integer", "null"], "description": "How many must approve."},
        "decisions": {"type": "array", "items": DECISION},
    },
    "required": ["reason", "name", "due_at", "details", "role", "quorum", "decisions"],
}


class TaskSerializer(serializers.ModelSerializer[Task]):
    """For `lookups.listed_tasks`."""

    execution = serializers.UUIDField(source="execution_id", read_only=True)
    name = serializers.CharField(read_only=True)
    kind = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(choices=TASK_STATUSES, read_only=True)
    attempt = serializers.IntegerField(read_only=True, help_text="How often it was begun.")
    queue = serializers.CharField(read_only=True)
    worker = serializers.CharField(read_only=True, allow_null=True)
    parent = serializers.UUIDField(source="parent_id", read_only=True, allow_null=True)  # type: ignore[assignment]
    kept_from = serializers.UUIDField(
        read_only=True, allow_null=True, help_text="The task of an earlier execution whose result this is."
    )
    iteration = serializers.SerializerMethodField()
    duration_seconds = serializers.SerializerMethodField()
    waiting_for = serializers.SerializerMethodField()
    output = serializers.SerializerMethodField()
    output_truncated = serializers.SerializerMethodField(
        help_text="True where the output is too long for a list; the task's own address has it."
    )
    error = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = Task
        fields = (
            "id",
            "execution",
            "name",
            "kind",
            "status",
            "attempt",
            "queue",
            "worker",
            "parent",
            "kept_from",
            "iteration",
            "created_at",
            "dispatched_at",
            "started_at",
            "completed_at",
            "duration_seconds",
            "waiting_for",
            "output",
            "output_truncated",
            "error",
            "url",
        )
        read_only_fields = fields

    @extend_schema_field(
        {"type": ["integer", "null"], "description": "Which iteration of `parent` it belongs to, counted from 0."}
    )
    def get_iteration(self, task: Task) -> int | None:
        return None if task.frame is None else task.frame.index

    @extend_schema_field(NULLABLE_SECONDS)
    def get_duration_seconds(self, task: Task) -> float | None:
        return seconds_between(task.started_at, task.completed_at)

    @extend_schema_field(WAITING_FOR)
    def get_waiting_for(self, task: Task) -> dict[str, Any] | None:
        return told_waiting(task)

    @extend_schema_field(ANY)
    def get_output(self, task: Task) -> Any:
        return task.listed_output if _has_ended(task) else None  # type: ignore[attr-defined]  # annotated

    def get_output_truncated(self, task: Task) -> bool:
        shown: bool = task.output_ref is None and task.listed_output is not None  # type: ignore[attr-defined]
        there: bool = task.output_ref is not None or task.output_bytes is not None  # type: ignore[attr-defined]
        return _has_ended(task) and there and not shown

    @extend_schema_field(ERROR)
    def get_error(self, task: Task) -> Mapping[str, Any] | None:
        error: Mapping[str, Any] | None = task.error
        return error

    @extend_schema_field(URI)
    def get_url(self, task: Task) -> str:
        return reverse("task", [task.pk], request=self.context["request"])


def told_waiting(task: Task) -> dict[str, Any] | None:
    """What a task waits for, with the decisions made so far, in one question unless they came along with the task."""
    found = waiting.waiting_for(task)
    if found is None:
        return None
    decisions: Any = []
    if found.reason == "approval":
        listed = getattr(task, "listed_decisions", None)
        decisions = waiting.present_decisions(task) if listed is None else listed
    return {
        "reason": found.reason,
        "name": found.name,
        "due_at": found.due_at,
        "details": dict(found.details),
        "role": found.role,
        "quorum": found.quorum,
        "decisions": decisions,
    }


def _has_ended(task: Task) -> bool:
    # A waiting task's row keeps what its output will be.
    return task.status in TASK_TERMINAL


class TaskDetailSerializer(TaskSerializer):
    """With the output whatever its size."""

    @extend_schema_field(ANY)
    def get_output(self, task: Task) -> Any:
        return queries.task_output(task) if _has_ended(task) else None

    def get_output_truncated(self, task: Task) -> bool:
        return False
