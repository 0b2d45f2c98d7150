"""Workflows of n8n over the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.models import User
from apps.core.api.views import TenantAPIView
from apps.core.errors import Invalid
from apps.melodies import queries, services
from apps.melodies.api.parsers import JsonDocumentParser, sent_document
from apps.melodies.api.serializers import MelodySerializer
from apps.melodies.api.views import ORGANIZATION, PATH, PROJECT, project_named
from apps.melodies.models import Melody
from apps.melodies.services import ImportedMelody

STRICT = OpenApiParameter(
    "strict",
    bool,
    description="Refuse a workflow of which a node has no counterpart. Without it such a node is left as a disabled step.",
)
SEVERITIES = [("error", "error"), ("warning", "warning")]


class N8nIssueSerializer(serializers.Serializer[Any]):
    node = serializers.CharField(allow_blank=True, help_text="Empty where it is about the whole workflow.")
    type = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    message = serializers.CharField()
    severity = serializers.ChoiceField(choices=SEVERITIES)


class N8nImportSerializer(serializers.Serializer[Any]):
    melody = MelodySerializer()
    issues = N8nIssueSerializer(many=True, help_text="What did not come over (error), or came over changed (warning).")


def is_strict(request: Request) -> bool:
    text = request.query_params.get("strict", "false").lower()
    if text not in ("true", "false", "1", "0"):
        message = "`strict` is true or false."
        raise Invalid(message, errors=[{"code": "invalid_parameter", "message": message, "pointer": "?strict"}])
    return text in ("true", "1")


def imported_response(actor: User, imported: ImportedMelody, context: Mapping[str, Any]) -> Response:
    melody = imported.version.melody
    melody.latest = [imported.version]  # type: ignore[attr-defined]  # as queries.melodies would
    queries.add_lineage([melody], actor=actor)
    data = N8nImportSerializer({"melody": melody, "issues": imported.issues}, context=dict(context)).data
    headers = {"Location": data["melody"]["url"]}
    return Response(data, status=status.HTTP_201_CREATED, headers=headers)


class N8nImportView(IdempotentMixin, TenantAPIView, GenericAPIView[Melody]):
    serializer_class = N8nImportSerializer
    parser_classes = [JsonDocumentParser]
    queryset = Melody.objects.none()

    @extend_schema(
        operation_id="melodies_import_n8n",
        summary="Import a workflow of n8n",
        description="The body is the workflow's JSON as n8n exports it. Credentials are never read.",
        tags=["melodies"],
        parameters=[ORGANIZATION, PATH, PROJECT, STRICT],
        request={"application/json": OpenApiTypes.OBJECT},
        responses={201: N8nImportSerializer},
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        sent = sent_document(request)
        asked = request.query_params
        organization = accounts.organization_for(actor=actor, reference=asked.get("organization"))
        imported = services.import_n8n(
            actor=actor,
            organization=organization,
            source=sent.source,
            strict=is_strict(request),
            path=asked.get("path"),
            project=project_named(actor, asked.get("project")),
        )
        return imported_response(actor, imported, self.get_serializer_context())


__all__ = ["STRICT", "N8nImportSerializer", "N8nImportView", "imported_response", "is_strict"]
