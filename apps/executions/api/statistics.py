"""What the runs of a melody say about it."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.core.api.views import TenantAPIView
from apps.executions.models import MelodyStatistics
from apps.executions.queries import statistics_of
from apps.melodies import queries as melodies


class StatisticsSerializer(serializers.ModelSerializer[MelodyStatistics]):
    melody = serializers.UUIDField(source="melody_id", read_only=True)
    success_rate = serializers.FloatField(
        read_only=True,
        allow_null=True,
        help_text="Completed runs over those that ended by themselves, 0 to 1; null before the first.",
    )
    p50_ms = serializers.FloatField(
        read_only=True, allow_null=True, help_text="Half of the last thousand completed runs took no longer."
    )
    p95_ms = serializers.FloatField(read_only=True, allow_null=True)
    refreshed_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When the runs were counted; null if that has not happened yet."
    )

    class Meta:
        model = MelodyStatistics
        fields = ("melody", "executions", "completed", "failed", "timed_out", "cancelled", "success_rate", "p50_ms", "p95_ms",
                  "last_started_at", "last_completed_at", "refreshed_at")  # fmt: skip
        read_only_fields = fields


class StatisticsView(TenantAPIView, GenericAPIView[MelodyStatistics]):
    serializer_class = StatisticsSerializer
    queryset = MelodyStatistics.objects.none()

    @extend_schema(
        operation_id="melodies_statistics",
        summary="How often a melody has run, and how it went",
        description="Counted by the sweep, seconds after runs have changed; `refreshed_at` says when.",
        tags=["melodies"],
    )
    def get(self, request: Request, melody_id: UUID) -> Response:
        melody = melodies.melody_for(actor=actor_of(request), melody_id=melody_id)
        return Response(self.get_serializer(statistics_of(melody)).data)
