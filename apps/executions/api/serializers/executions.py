"""Runs."""

from __future__ import annotations

from typing import Any

from django.urls import NoReverseMatch
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.executions import queries
from apps.executions.api.serializers.fields import ERROR, EXECUTION_STATUSES, NULLABLE_SECONDS, URI, seconds_between
from apps.executions.models import Execution
from apps.executions.states import TaskStatus

_LINKS = ("tasks", "events", "artifacts", "graph", "signals", "spending", "stream", "pause", "resume", "cancel", "retry", "rerun",
          "page")  # fmt: skip


class ExecutionSerializer(serializers.ModelSerializer[Execution]):
    melody = serializers.UUIDField(source="melody_id", read_only=True)
    melody_name = serializers.CharField(source="melody.name", read_only=True)
    organization = serializers.UUIDField(source="organization_id", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    parent = serializers.UUIDField(  # type: ignore[assignment]  # a field
        source="parent_execution_id", read_only=True, allow_null=True
    )
    rerun_of = serializers.UUIDField(
        source="rerun_of_id", read_only=True, allow_null=True, help_text="The execution whose results it has kept."
    )
    rerun_mode = serializers.CharField(
        read_only=True, help_text="failed, downstream or from_here; empty if it is none."
    )
    rerun_step = serializers.CharField(read_only=True, help_text="The step it began from, with from_here.")
    trigger = serializers.UUIDField(
        source="trigger_id", read_only=True, allow_null=True, help_text="What started it, if no person did."
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
            "rerun_of",
            "rerun_mode",
            "rerun_step",
            "trigger",
            "project",
            "agent",
            "retry_count",
            "max_retries",
            "priority",
            "created_at",
            "updated_at",
            "retried_at",
            "started_at",
            "paused_at",
            "resumed_at",
            "completed_at",
            "duration_seconds",
            "url",
            "links",
        )
        read_only_fields = fields

    @extend_schema_field(ERROR)
    def get_error(self, execution: Execution) -> dict[str, str] | None:
        if not execution.error_code:
            return None
        return {"code": execution.error_code, "message": execution.error_message}

    @extend_schema_field(NULLABLE_SECONDS)
    def get_duration_seconds(self, execution: Execution) -> float | None:
        return seconds_between(execution.started_at, execution.completed_at)

    @extend_schema_field(URI)
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
        return queries.task_counts(execution)
