"""Workflows of an agent: its melodies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.agents import queries as agents
from apps.agents.models import Agent
from apps.core.api.views import TenantAPIView
from apps.melodies import services
from apps.melodies.api.n8n import STRICT, N8nImportSerializer, imported_response, is_strict
from apps.melodies.api.parsers import JsonDocumentParser, sent_document
from apps.melodies.api.serializers import MelodySerializer
from apps.melodies.api.views import DOCUMENT_BODY, PATH, MelodyListView, created
from apps.melodies.models import Melody


class _OfOneAgent(TenantAPIView):
    def agent(self) -> Agent:
        return agents.agent_for(actor=actor_of(self.request), agent_id=self.kwargs["agent_id"])


class AgentWorkflowListView(_OfOneAgent, MelodyListView):
    def get_queryset(self) -> QuerySet[Melody]:
        return super().get_queryset().filter(agent=self.agent())

    @extend_schema(operation_id="agent_workflows_list", summary="Workflows of an agent", tags=["agents"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="agent_workflows_create",
        summary="Create a workflow of an agent",
        description="The body is the document of a melody. It belongs to the agent's organization and project.",
        tags=["agents"],
        parameters=[PATH],
        request=DOCUMENT_BODY,
        responses={201: MelodySerializer},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        sent = sent_document(request)
        version = services.create_workflow(
            actor=actor_of(request),
            agent=self.agent(),
            source=sent.source,
            media=sent.media,
            path=request.query_params.get("path"),
        )
        return created(self, version)


class AgentN8nView(IdempotentMixin, _OfOneAgent, GenericAPIView[Melody]):
    serializer_class = N8nImportSerializer
    parser_classes = [JsonDocumentParser]
    queryset = Melody.objects.none()

    @extend_schema(
        operation_id="agent_workflows_import_n8n",
        summary="Import a workflow of n8n as one of an agent",
        tags=["agents"],
        parameters=[PATH, STRICT],
        request={"application/json": OpenApiTypes.OBJECT},
        responses={201: N8nImportSerializer},
    )
    def post(self, request: Request, agent_id: UUID) -> Response:
        sent = sent_document(request)
        agent = self.agent()
        actor = actor_of(request)
        imported = services.import_n8n(
            actor=actor,
            organization=agent.organization,
            project=agent.project,
            agent=agent,
            source=sent.source,
            strict=is_strict(request),
            path=request.query_params.get("path"),
        )
        return imported_response(actor, imported, self.get_serializer_context())


__all__ = ["AgentN8nView", "AgentWorkflowListView"]
