from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.urls import NoReverseMatch
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.executions import queries, waiting
from apps.executions.models import Artifact, Event, Execution, Task
from apps.executions.states import TASK_TERMINAL, ExecutionStatus, TaskStatus

EDGE_NAMES: Final = ("success", "failure", "skipped", "done", "order")
"""By the number the plan keeps of an edge's kind."""
STRIPED: Final = 8
"""Added to that number where the join is counted in stripes; nothing a reader needs to know."""

EXECUTION_STATUSES: Final = [(status.value, status.value) for status in ExecutionStatus]
TASK_STATUSES: Final = [(status.value, status.value) for status in TaskStatus]
"""Named in the settings, so that the schema calls them ExecutionStatus and TaskStatus."""

MAX_VERSION: Final = 2**31 - 1

_URI = {"type": "string", "format": "uri"}
_NULLABLE_SECONDS = {"type": ["number", "null"], "description": "From start to end; null before the end."}
_ANY = {"description": "Any JSON value."}
_ERROR = {
    "type": ["object", "null"],
    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}
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
_LINKS = ("tasks", "events", "artifacts", "graph", "signals", "spending", "stream", "pause", "resume", "cancel", "page")


def _seconds(started: datetime | None, completed: datetime | None) -> float | None:
    return None if started is None or completed is None else (completed - started).total_seconds()


class ExecutionSerializer(serializers.ModelSerializer[Execution]):
    melody = serializers.UUIDField(source="melody_id", read_only=True)
    melody_name = serializers.CharField(source="melody.name", read_only=True)
    organization = serializers.UUIDField(source="organization_id", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    parent = serializers.UUIDField(  # type: ignore[assignment]  # a field
        source="parent_execution_id", read_only=True, allow_null=True
    )
    project = serializers.UUIDField(source="project_id", read_only=True, allow_null=True)
    agent = serializers.UUIDField(source="agent_id", read_only=True, allow_null=True)
    status = serializers.ChoiceField(choices=EXECUTION_STATUSES, read_only=True)
    error = serializers.SerializerMethodField()
    duration_seconds = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = Execution
        fields: tuple[str, ...] = (
            "id",
            "melody",
            "melody_name",
            "organization",
            "version",
            "version_sha256",
            "status",
            "status_message",
            "error",
            "correlation_id",
            "parent",
            "project",
            "agent",
            "retry_count",
            "max_retries",
            "created_at",
            "updated_at",
            "started_at",
            "paused_at",
            "resumed_at",
            "completed_at",
            "duration_seconds",
            "url",
            "links",
        )
        read_only_fields = fields

    @extend_schema_field(_ERROR)
    def get_error(self, execution: Execution) -> dict[str, str] | None:
        if not execution.error_code:
            return None
        return {"code": execution.error_code, "message": execution.error_message}

    @extend_schema_field(_NULLABLE_SECONDS)
    def get_duration_seconds(self, execution: Execution) -> float | None:
        return _seconds(execution.started_at, execution.completed_at)

    @extend_schema_field(_URI)
    def get_url(self, execution: Execution) -> str:
        return reverse("execution", [execution.pk], request=self.context["request"])

    @extend_schema_field(
        {
            "type": "object",
            "properties": {name: {"type": ["string", "null"], "format": "uri"} for name in _LINKS},
            "required": list(_LINKS),
        }
    )
    def get_links(self, execution: Execution) -> dict[str, str | None]:
        return {name: self._link(f"execution-{name}", execution) for name in _LINKS}

    def _link(self, name: str, execution: Execution) -> str | None:
        try:
            return reverse(name, [execution.pk], request=self.context["request"])
        except NoReverseMatch:
            # The API may be served without the pages.
            return None


class ExecutionDetailSerializer(ExecutionSerializer):
    input = serializers.DictField(read_only=True)
    outputs = serializers.SerializerMethodField()
    task_counts = serializers.SerializerMethodField()
    resource_usage = serializers.DictField(
        read_only=True,
        help_text="What it has used: processor time, memory, model calls, artifacts. Empty before the end.",
    )
    performance_metrics = serializers.DictField(
        read_only=True, help_text="How it went: waiting and running times, steps by outcome. Empty before the end."
    )

    class Meta:
        model = Execution
        fields = (
            *ExecutionSerializer.Meta.fields,
            "input",
            "outputs",
            "task_counts",
            "resource_usage",
            "performance_metrics",
        )
        read_only_fields = fields

    @extend_schema_field(
        {
            "type": ["object", "null"],
            "additionalProperties": True,
            "description": "Results of the melody's own steps by name, once the run has ended; null before. Of a run of "
            "more than 1,000 steps, or with more than 1 MB of results, those of its last steps only.",
        }
    )
    def get_outputs(self, execution: Execution) -> dict[str, Any] | None:
        return queries.execution_outputs(execution)

    @extend_schema_field(
        {
            "type": "object",
            "description": "Tasks by status, and `total`.",
            "properties": {name: {"type": "integer"} for name in (*map(str, TaskStatus), "total")},
            "required": [*map(str, TaskStatus), "total"],
        }
    )
    def get_task_counts(self, execution: Execution) -> dict[str, int]:
        return queries.task_counts(execution.pk)


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

    @extend_schema_field(_NULLABLE_SECONDS)
    def get_duration_seconds(self, task: Task) -> float | None:
        return _seconds(task.started_at, task.completed_at)

    @extend_schema_field(WAITING_FOR)
    def get_waiting_for(self, task: Task) -> dict[str, Any] | None:
        return told_waiting(task)

    @extend_schema_field(_ANY)
    def get_output(self, task: Task) -> Any:
        return task.listed_output if _has_ended(task) else None  # type: ignore[attr-defined]  # annotated

    def get_output_truncated(self, task: Task) -> bool:
        shown: bool = task.output_ref is None and task.listed_output is not None  # type: ignore[attr-defined]
        there: bool = task.output_ref is not None or task.output_bytes is not None  # type: ignore[attr-defined]
        return _has_ended(task) and there and not shown

    @extend_schema_field(_ERROR)
    def get_error(self, task: Task) -> Mapping[str, Any] | None:
        error: Mapping[str, Any] | None = task.error
        return error

    @extend_schema_field(_URI)
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

    @extend_schema_field(_ANY)
    def get_output(self, task: Task) -> Any:
        return queries.task_output(task) if _has_ended(task) else None

    def get_output_truncated(self, task: Task) -> bool:
        return False


class EventSerializer(serializers.ModelSerializer[Event]):
    type = serializers.CharField(source="event_type", read_only=True)
    task = serializers.UUIDField(source="task_id", read_only=True, allow_null=True)
    task_name = serializers.SerializerMethodField()
    payload = serializers.DictField(read_only=True)
    cursor = serializers.SerializerMethodField(help_text="Its `id` in the stream, good for `Last-Event-ID`.")

    class Meta:
        model = Event
        fields = ("id", "type", "task", "task_name", "payload", "occurred_at", "cursor")
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"]})
    def get_task_name(self, event: Event) -> str | None:
        name: str | None = self.context["task_names"].get(event.task_id)
        return name

    def get_cursor(self, event: Event) -> str:
        return f"{event.position}-{event.pk}"


class ArtifactSerializer(serializers.ModelSerializer[Artifact]):
    execution = serializers.UUIDField(source="execution_id", read_only=True)
    task = serializers.UUIDField(source="task_id", read_only=True)
    task_name = serializers.SerializerMethodField()
    name = serializers.CharField(read_only=True)
    artifact_type = serializers.CharField(read_only=True)
    content_type = serializers.CharField(read_only=True)
    content_hash = serializers.CharField(read_only=True, help_text="SHA-256 of the bytes.")
    size = serializers.IntegerField(read_only=True, help_text="Bytes.")
    metadata = serializers.DictField(read_only=True)
    url = serializers.SerializerMethodField()
    content_url = serializers.SerializerMethodField(help_text="Where the bytes are.")

    class Meta:
        model = Artifact
        fields = (
            "id",
            "execution",
            "task",
            "task_name",
            "name",
            "artifact_type",
            "content_type",
            "content_hash",
            "size",
            "metadata",
            "created_at",
            "url",
            "content_url",
        )
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"]})
    def get_task_name(self, artifact: Artifact) -> str | None:
        name: str | None = self.context["task_names"].get(artifact.task_id)
        return name

    @extend_schema_field(_URI)
    def get_url(self, artifact: Artifact) -> str:
        return reverse("artifact", [artifact.pk], request=self.context["request"])

    @extend_schema_field(_URI)
    def get_content_url(self, artifact: Artifact) -> str:
        return reverse("artifact-content", [artifact.pk], request=self.context["request"])


class EdgeSerializer(serializers.Serializer[Any]):
    node = serializers.IntegerField(help_text="The successor's number.")
    when = serializers.CharField(help_text=f"What it needs of its predecessor: {', '.join(EDGE_NAMES)}.")


class NodeSerializer(serializers.Serializer[Any]):
    node = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    parent = serializers.IntegerField(  # type: ignore[assignment]  # a field, whatever a serializer calls its own
        allow_null=True, help_text="The composite step it is inside of."
    )
    depth = serializers.IntegerField()
    successors = EdgeSerializer(many=True)


class GraphSerializer(serializers.Serializer[Any]):
    """The plan of the version the execution runs; nodes of one body come in topological order."""

    nodes = NodeSerializer(many=True)


class StartInput(serializers.Serializer[Execution]):
    input = serializers.DictField(required=False, help_text="Names and values, as `inputs.…` in the melody.")
    version = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_VERSION, help_text="The latest if not given."
    )
    correlation_id = serializers.UUIDField(
        required=False, help_text="Your own name for this run, new for each; one is made if not given."
    )
    parent = serializers.UUIDField(  # type: ignore[assignment]  # a field
        required=False, help_text="The execution this one is started for."
    )

    def to_internal_value(self, data: Any) -> Any:
        # An input under a name nobody reads would be a run with other values than were meant.
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"There is no such field; there are {known}."] for name in unknown}, code="unknown_field"
            )
        return super().to_internal_value(data)


class PauseInput(serializers.Serializer[Execution]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class CancelInput(serializers.Serializer[Execution]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
