"""Pausing, resuming and cancelling a run."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.core.api.strict import NoInput
from apps.executions import services
from apps.executions.api.serializers import CancelInput, ExecutionDetailSerializer, PauseInput
from apps.executions.api.views import OfOneExecution
from apps.executions.models import Execution


class ControlView(OfOneExecution, GenericAPIView[Execution]):
    serializer_class = ExecutionDetailSerializer
    queryset = Execution.objects.none()


class CancelView(IdempotentMixin, ControlView):
    @extend_schema(
        operation_id="executions_cancel",
        summary="Cancel an execution",
        description="Nothing new starts, running steps are told to stop, late results change nothing. 409 with the code "
        "`execution_over` if it has ended already. Executions that were started for it (their `parent`) are cancelled too, unless "
        "`cascade` is false.",
        tags=["executions"],
        request=CancelInput,
        responses={200: ExecutionDetailSerializer},
    )
    def post(self, request: Request, execution_id: UUID) -> Response:
        execution = self.execution()
        given = CancelInput(data=request.data)
        given.is_valid(raise_exception=True)
        execution = services.cancel_execution(
            actor=actor_of(request),
            execution=execution,
            reason=given.validated_data.get("reason", ""),
            cascade=given.validated_data.get("cascade", True),
        )
        return Response(self.get_serializer(execution).data)


class PauseView(IdempotentMixin, ControlView):
    @extend_schema(
        operation_id="executions_pause",
        summary="Pause an execution",
        description="Nothing new starts until it is resumed. Steps that run come to their end, timers and approvals go on, the "
        "clock of its deadline stands still. 409 with the code `not_pausable` if it is not pending or running.",
        tags=["executions"],
        request=PauseInput,
        responses={200: ExecutionDetailSerializer},
    )
    def post(self, request: Request, execution_id: UUID) -> Response:
        execution = self.execution()
        given = PauseInput(data=request.data)
        given.is_valid(raise_exception=True)
        execution = services.pause_execution(
            actor=actor_of(request), execution=execution, reason=given.validated_data.get("reason", "")
        )
        return Response(self.get_serializer(execution).data)


class ResumeView(IdempotentMixin, ControlView):
    @extend_schema(
        operation_id="executions_resume",
        summary="Resume an execution",
        description="What is ready starts at once. 409 with the code `not_paused` if it is not paused.",
        tags=["executions"],
        request=None,
        responses={200: ExecutionDetailSerializer},
    )
    def post(self, request: Request, execution_id: UUID) -> Response:
        execution = self.execution()
        NoInput(data=request.data).is_valid(raise_exception=True)
        execution = services.resume_execution(actor=actor_of(request), execution=execution)
        return Response(self.get_serializer(execution).data)
