"""Retrying and rerunning executions, deciding about their steps, controlling many at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.core.api.parsers import BoundedJSONParser
from apps.core.api.views import TenantAPIView
from apps.core.errors import Invalid
from apps.executions import lookups, services
from apps.executions.api.control import ControlView
from apps.executions.api.serializers import ExecutionDetailSerializer, TaskDetailSerializer
from apps.executions.api.serializers.control import (
    BulkInput,
    BulkResultSerializer,
    RerunInput,
    ResultInput,
    RetryInput,
    SkipInput,
)
from apps.executions.models import Execution, Task
from apps.executions.states import ExecutionStatus, RerunMode


class RetryView(IdempotentMixin, ControlView):
    @extend_schema(
        operation_id="executions_retry",
        summary="Retry an execution",
        description="One that failed or ran out of time goes on: what did not complete begins anew, what has completed is kept. "
        "409 with the code `not_retryable` for any other, and when `retry_count` has come to `max_retries`.",
        tags=["executions"],
        request=RetryInput,
        responses={200: ExecutionDetailSerializer},
    )
    def post(self, request: Request, execution_id: UUID) -> Response:
        execution = self.execution()
        given = RetryInput(data=request.data)
        given.is_valid(raise_exception=True)
        execution = services.retry_execution(actor=actor_of(request), execution=execution, **given.validated_data)
        return Response(self.get_serializer(execution).data)


class RerunView(IdempotentMixin, ControlView):
    parser_classes = [BoundedJSONParser]

    @extend_schema(
        operation_id="executions_rerun",
        summary="Run an execution again",
        description="A new execution that keeps results of this one, which must have ended (409 `not_over`). With another "
        "`version` 422 `versions_differ` lists the steps whose results cannot be kept; 422 `step_not_rerunnable` says why it "
        "cannot begin at `step`; 409 `nothing_to_rerun` that nothing failed.",
        tags=["executions"],
        request=RerunInput,
        responses={201: ExecutionDetailSerializer},
    )
    def post(self, request: Request, execution_id: UUID) -> Response:
        execution = self.execution()
        given = RerunInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = {**given.validated_data, "mode": RerunMode(given.validated_data["mode"])}
        made = services.rerun_execution(actor=actor_of(request), execution=execution, wanted=services.Wanted(**values))
        data = self.get_serializer(made).data
        return Response(data, status=status.HTTP_201_CREATED, headers={"Location": data["url"]})


class _TaskControlView(TenantAPIView, GenericAPIView[Task]):
    serializer_class = TaskDetailSerializer
    queryset = Task.objects.none()
    parser_classes = [BoundedJSONParser]

    def task(self) -> Task:
        return lookups.task_for(actor=actor_of(self.request), task_id=self.kwargs["task_id"])


class SkipView(IdempotentMixin, _TaskControlView):
    @extend_schema(
        operation_id="tasks_skip",
        summary="Skip a task",
        description="It ends as skipped and what follows goes on. For a task that no worker has; one that failed takes its "
        "failed execution along into a retry. 409 with the code `task_not_open` for any other.",
        tags=["executions"],
        request=SkipInput,
        responses={200: TaskDetailSerializer},
    )
    def post(self, request: Request, task_id: UUID) -> Response:
        task = self.task()
        given = SkipInput(data=request.data)
        given.is_valid(raise_exception=True)
        task = services.skip_task(actor=actor_of(request), task=task, **given.validated_data)
        return Response(self.get_serializer(task).data)


class ResultView(IdempotentMixin, _TaskControlView):
    @extend_schema(
        operation_id="tasks_set_result",
        summary="Give a task its result",
        description="It ends as completed with this result and what follows goes on; else as skipping. 422 with the code "
        "`result_refused` where the step declares an `output_schema` that the result does not fit.",
        tags=["executions"],
        request=ResultInput,
        responses={200: TaskDetailSerializer},
    )
    def post(self, request: Request, task_id: UUID) -> Response:
        task = self.task()
        given = ResultInput(data=request.data)
        given.is_valid(raise_exception=True)
        task = services.set_task_result(actor=actor_of(request), task=task, **given.validated_data)
        return Response(self.get_serializer(task).data)


class BulkView(IdempotentMixin, TenantAPIView, GenericAPIView[Any]):
    serializer_class = BulkResultSerializer
    parser_classes = [BoundedJSONParser]

    @extend_schema(
        operation_id="executions_bulk",
        summary="Control many executions",
        description="Counts the executions that match, unless `dry_run` is false; then cancels, pauses, resumes or retries the "
        "oldest `limit` of them, each by itself.",
        tags=["executions"],
        request=BulkInput,
        responses={200: BulkResultSerializer},
    )
    def post(self, request: Request) -> Response:
        given = BulkInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        chosen = _chosen(lookups.executions(actor=actor_of(request)), values.pop("filter"))
        action = services.BulkAction(values.pop("action"))
        result = services.control_many(actor=actor_of(request), action=action, chosen=chosen, **values)
        return Response(BulkResultSerializer(result).data)


_FIELDS = {
    "ids": "pk__in",
    "status": "status__in",
    "organization": "organization",
    "project": "project",
    "melody": "melody",
    "agent": "agent_id",
    "trigger": "trigger_id",
    "parent": "parent_execution",
    "rerun_of": "rerun_of",
    "correlation_id": "correlation_id",
    "error_code": "error_code",
    "created_after": "created_at__gte",
    "created_before": "created_at__lt",
}


def _chosen(executions: QuerySet[Execution], wanted: dict[str, Any]) -> QuerySet[Execution]:
    if not wanted:
        message = f"give at least one of {', '.join(_FIELDS)}"
        raise Invalid("Which executions?", errors=[{"code": "required", "message": message, "pointer": "/filter"}])
    known = set(ExecutionStatus)
    unknown = [number for number, one in enumerate(wanted.get("status", ())) if one not in known]
    if unknown:
        message = f"a status is one of {', '.join(ExecutionStatus)}"
        raise Invalid(
            "There is no such status.",
            errors=[{"code": "invalid", "message": message, "pointer": f"/filter/status/{at}"} for at in unknown],
        )
    return executions.filter(**{_FIELDS[name]: value for name, value in wanted.items()})
