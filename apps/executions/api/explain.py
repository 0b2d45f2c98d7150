"""Why steps and runs are where they are."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.core.api.views import TenantAPIView
from apps.executions import lookups
from apps.executions.api.serializers.fields import EXECUTION_STATUSES, TASK_STATUSES
from apps.executions.explaining import explain_execution, explain_task
from apps.executions.reasons import CODES

REASONS: Final = {
    "type": "array",
    "description": "The nearest first; never empty for a step. What else a reason says depends on its code.",
    "items": {
        "type": "object",
        "properties": {"code": {"type": "string", "examples": list(CODES)}, "message": {"type": "string"}},
        "required": ["code", "message"],
        "additionalProperties": True,
    },
}
PREDICTED: Final = {
    "type": ["object", "null"],
    "description": "When the step is likely to begin; null when it has. `at` is null where nobody can know, `because` says why.",
    "properties": {
        "at": {"type": ["string", "null"], "format": "date-time"},
        "confidence": {"type": ["string", "null"], "enum": ["high", "medium", "low", None]},
        "because": {"type": ["string", "null"]},
        "measured_steps": {"type": "integer", "description": "Steps before it whose time earlier runs tell."},
        "estimated_steps": {"type": "integer", "description": "Steps before it whose time is guessed."},
    },
    "required": ["at", "confidence", "because", "measured_steps", "estimated_steps"],
}


class _ExplainedSerializer(serializers.Serializer[dict[str, Any]]):
    reasons = serializers.SerializerMethodField()

    @extend_schema_field(REASONS)
    def get_reasons(self, found: dict[str, Any]) -> Any:
        return found["reasons"]


class ExplainedStepSerializer(_ExplainedSerializer):
    task = serializers.UUIDField(read_only=True)
    execution = serializers.UUIDField(read_only=True)
    name = serializers.CharField(read_only=True)
    kind = serializers.CharField(read_only=True)
    queue = serializers.CharField(read_only=True)
    state = serializers.ChoiceField(choices=TASK_STATUSES, read_only=True)
    attempt = serializers.IntegerField(read_only=True)


class TaskExplanationSerializer(ExplainedStepSerializer):
    predicted_start = serializers.SerializerMethodField()

    @extend_schema_field(PREDICTED)
    def get_predicted_start(self, found: dict[str, Any]) -> Any:
        return found["predicted_start"]


class ExecutionExplanationSerializer(_ExplainedSerializer):
    execution = serializers.UUIDField(read_only=True)
    state = serializers.ChoiceField(choices=EXECUTION_STATUSES, read_only=True)
    message = serializers.CharField(read_only=True)
    counts = serializers.DictField(child=serializers.IntegerField(), read_only=True, help_text="Steps by status.")
    steps = ExplainedStepSerializer(
        many=True, read_only=True, help_text="Steps that are under way or wait, at most 20 of them."
    )


class TaskExplanationView(TenantAPIView, GenericAPIView[Any]):
    serializer_class = TaskExplanationSerializer

    @extend_schema(
        operation_id="tasks_explain",
        summary="Why a task is not running",
        description="Every reason with a code for programs and a sentence for people, and when the task is likely to begin.",
        tags=["executions"],
    )
    def get(self, request: Request, task_id: UUID) -> Response:
        task = lookups.task_for(actor=actor_of(request), task_id=task_id)
        return Response(self.get_serializer(explain_task(task)).data)


class ExecutionExplanationView(TenantAPIView, GenericAPIView[Any]):
    serializer_class = ExecutionExplanationSerializer

    @extend_schema(
        operation_id="executions_explain",
        summary="What an execution waits for",
        description="What holds it up as a whole, and the reasons of its steps that are under way or wait.",
        tags=["executions"],
    )
    def get(self, request: Request, execution_id: UUID) -> Response:
        execution = lookups.execution_for(actor=actor_of(request), execution_id=execution_id)
        return Response(self.get_serializer(explain_execution(execution)).data)
