"""Signals: what a run is told by name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.core.api.parsers import BoundedJSONParser
from apps.core.api.strict import StrictSerializer
from apps.core.api.views import TenantAPIView
from apps.executions import lookups, signals, waiting
from apps.executions.models import Signal

_ANY = {"description": "Any JSON value."}


class SignalSerializer(serializers.ModelSerializer[Signal]):
    execution = serializers.UUIDField(source="execution_id", read_only=True)
    name = serializers.CharField(read_only=True)
    payload = serializers.SerializerMethodField()
    sent_by = serializers.EmailField(source="sent_by.email", read_only=True)
    received_at = serializers.DateTimeField(read_only=True)
    consumed_by = serializers.UUIDField(
        read_only=True, allow_null=True, help_text="The task it woke, null while none has waited for it."
    )

    class Meta:
        model = Signal
        fields = ("id", "execution", "name", "payload", "sent_by", "received_at", "consumed_by")
        read_only_fields = fields

    @extend_schema_field(_ANY)
    def get_payload(self, signal: Signal) -> Any:
        return signal.payload


class SignalInput(StrictSerializer):
    name = serializers.CharField(max_length=signals.LONGEST_NAME, help_text="As a `signal` step waits for it.")
    payload = serializers.JSONField(required=False, allow_null=True)
    broadcast = serializers.BooleanField(
        required=False, default=False, help_text="Wake all that wait for it, not only the one that has waited longest."
    )


class SignalFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    name = django_filters.CharFilter()

    class Meta:
        model = Signal
        fields = ("name",)


class SignalsView(IdempotentMixin, TenantAPIView, ListAPIView[Signal]):
    serializer_class = SignalSerializer
    queryset = Signal.objects.none()
    filterset_class = SignalFilter
    parser_classes = [BoundedJSONParser]
    cursor_ordering = ("id",)

    def get_queryset(self) -> QuerySet[Signal]:
        execution = lookups.execution_for(actor=actor_of(self.request), execution_id=self.kwargs["execution_id"])
        return waiting.signals_of(execution)

    @extend_schema(operation_id="executions_signals", summary="What an execution was told", tags=["executions"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="executions_tell",
        summary="Tell an execution something",
        description="The step that has waited for this name longest goes on; a signal nobody waits for is kept for the first "
        "who will. A payload that does not fit the schema of that step is refused with the code `payload_refused`, and "
        "409 with `execution_over` says that the execution has ended.",
        tags=["executions"],
        request=SignalInput,
        responses={201: SignalSerializer},
    )
    def post(self, request: Request, execution_id: UUID) -> Response:
        actor = actor_of(request)
        execution = lookups.execution_for(actor=actor, execution_id=execution_id)
        given = SignalInput(data=request.data)
        given.is_valid(raise_exception=True)
        signal = signals.send(actor=actor, execution=execution, **given.validated_data)
        return Response(self.get_serializer(signal).data, status=status.HTTP_201_CREATED)
