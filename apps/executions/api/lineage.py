"""Where an artifact comes from, what was made from it, and what an organization stores."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.core.api.views import TenantAPIView
from apps.executions import lookups, queries
from apps.executions.api.serializers.lineage import LineageInput, LineageSerializer
from apps.executions.lineage import Lineage, lineage_of
from apps.executions.models import StoreStatistics
from apps.executions.provenance import prov_json


class _OfArtifact(TenantAPIView, GenericAPIView[Any]):
    def lineage(self, request: Request, artifact_id: UUID) -> Lineage:
        artifact = lookups.artifact_for(actor=actor_of(request), artifact_id=artifact_id)
        given = LineageInput(data=request.query_params)
        given.is_valid(raise_exception=True)
        return lineage_of(actor=actor_of(request), artifact=artifact, depth=given.validated_data["depth"])


class LineageView(_OfArtifact):
    serializer_class = LineageSerializer

    @extend_schema(
        operation_id="artifacts_lineage",
        summary="Where an artifact comes from, and what was made from it",
        tags=["executions"],
        parameters=[LineageInput],
    )
    def get(self, request: Request, artifact_id: UUID) -> Response:
        return Response(self.get_serializer(self.lineage(request, artifact_id)).data)


class ProvenanceView(_OfArtifact):
    serializer_class = LineageSerializer

    @extend_schema(
        operation_id="artifacts_provenance",
        summary="The lineage of an artifact as W3C PROV-JSON",
        tags=["executions"],
        parameters=[LineageInput],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, artifact_id: UUID) -> Response:
        return Response(prov_json(self.lineage(request, artifact_id)))


class StorageSerializer(serializers.ModelSerializer[StoreStatistics]):
    named_bytes = serializers.IntegerField(
        read_only=True, help_text="All that artifacts and large results name, each time they are named."
    )
    hit_rate = serializers.FloatField(
        read_only=True, allow_null=True, help_text="How much of what was named was there already, 0 to 1."
    )

    class Meta:
        model = StoreStatistics
        fields = ("artifacts", "artifact_bytes", "results", "result_bytes", "named_bytes", "blobs", "unique_bytes", "stored_bytes",
                  "hit_rate", "refreshed_at")  # fmt: skip
        read_only_fields = fields
        extra_kwargs = {
            "artifacts": {"help_text": "Artifacts of all runs that are kept."},
            "results": {"help_text": "Results too large for their row."},
            "blobs": {"help_text": "Different contents that are stored."},
            "unique_bytes": {"help_text": "Bytes of those, each once: what the plan's storage limit counts."},
            "stored_bytes": {"help_text": "What compression leaves of them."},
            "refreshed_at": {"help_text": "When it was counted; null if that has not happened yet."},
        }


class StorageView(TenantAPIView, GenericAPIView[StoreStatistics]):
    serializer_class = StorageSerializer
    queryset = StoreStatistics.objects.none()

    @extend_schema(
        operation_id="organizations_storage",
        summary="What an organization keeps in the artifact store",
        description="Counted by the sweep, at most once a minute; `refreshed_at` says when.",
        tags=["executions"],
    )
    def get(self, request: Request, organization_id: UUID) -> Response:
        organization = accounts.organization_for(actor=actor_of(request), reference=str(organization_id))
        return Response(self.get_serializer(queries.store_statistics_of(organization)).data)
