from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.filters import OrderingFilter
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.api.scopes import require_administer
from apps.accounts.models import User
from apps.agents import queries, services
from apps.agents.api.filters import AgentFilter
from apps.agents.api.serializers import (
    AgentChange,
    AgentInput,
    AgentSerializer,
    AgentVersionDetailSerializer,
    AgentVersionInput,
    AgentVersionSerializer,
    IntegrationSerializer,
    PublishInput,
)
from apps.agents.errors import AgentNotFound
from apps.agents.models import Agent, AgentVersion, MarketplaceIntegration
from apps.core.api.etags import IF_MATCH, check_if_match, etag_of
from apps.core.api.views import TenantAPIView
from apps.projects import queries as projects
from apps.projects.models import Project

ORGANIZATION = OpenApiParameter(
    "organization",
    str,
    description="Slug or id of the organization it shall belong to; your personal one if not given.",
)


def project_of(actor: User, identifier: UUID | None) -> Project | None:
    return None if identifier is None else projects.project_for(actor=actor, project_id=identifier)


class AgentListView(IdempotentMixin, TenantAPIView, ListAPIView[Agent]):
    serializer_class = AgentSerializer
    queryset = Agent.objects.none()
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = AgentFilter
    ordering_fields = ("id", "name", "status", "created_at", "updated_at")
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Agent]:
        return queries.agents(actor=actor_of(self.request))

    @extend_schema(operation_id="agents_list", summary="Agents of my organizations", tags=["agents"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="agents_create",
        summary="Create an agent",
        description="A draft with its version 1.0.0.",
        tags=["agents"],
        parameters=[ORGANIZATION],
        request=AgentInput,
        responses={201: AgentSerializer},
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        organization = accounts.organization_for(actor=actor, reference=request.query_params.get("organization"))
        given = AgentInput(data=request.data)
        given.is_valid(raise_exception=True)
        fields = {**given.validated_data, "project": project_of(actor, given.validated_data.get("project"))}
        agent = services.create_agent(actor=actor, organization=organization, **fields)
        data = self.get_serializer(agent).data
        headers = {"Location": data["url"], "ETag": etag_of(agent)}
        return Response(data, status=status.HTTP_201_CREATED, headers=headers)


class OneAgentView(TenantAPIView):
    """Of one agent, which must be one of the caller's organizations'."""

    def agent(self) -> Agent:
        return queries.agent_for(actor=actor_of(self.request), agent_id=self.kwargs["agent_id"])


class AgentView(OneAgentView, GenericAPIView[Agent]):
    serializer_class = AgentSerializer
    queryset = Agent.objects.none()

    def shown(self, agent: Agent) -> Response:
        return Response(self.get_serializer(agent).data, headers={"ETag": etag_of(agent)})

    @extend_schema(operation_id="agents_get", summary="One agent", tags=["agents"])
    def get(self, request: Request, agent_id: UUID) -> Response:
        return self.shown(self.agent())

    @extend_schema(
        operation_id="agents_change",
        summary="Change an agent",
        description="What is not given stays as it is. What the agent is made of changes by publishing a version.",
        tags=["agents"],
        parameters=[IF_MATCH],
        request=AgentChange,
    )
    def patch(self, request: Request, agent_id: UUID) -> Response:
        agent = self.agent()
        given = AgentChange(data=request.data)
        given.is_valid(raise_exception=True)
        check_if_match(request, agent)
        actor, changes = actor_of(request), given.validated_data
        if "project" in changes:
            changes["project"] = project_of(actor, changes["project"])
        return self.shown(services.update_agent(actor=actor, agent=agent, **changes))

    @extend_schema(
        operation_id="agents_delete",
        summary="Delete an agent",
        description="With its versions and past deployments; its workflows stay as the organization's own melodies. 409 "
        "with the code `agent_in_use` while a deployment of it runs. For admins.",
        tags=["agents"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, agent_id: UUID) -> Response:
        agent = self.agent()
        require_administer(request)
        services.delete_agent(actor=actor_of(request), agent=agent)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AgentActivateView(OneAgentView, GenericAPIView[Agent]):
    serializer_class = AgentSerializer
    queryset = Agent.objects.none()

    @extend_schema(
        operation_id="agents_activate",
        summary="Activate an agent",
        description="A draft, an inactive agent, or one in error. From then on it can be run and deployed.",
        tags=["agents"],
        request=None,
        responses={200: AgentSerializer},
    )
    def post(self, request: Request, agent_id: UUID) -> Response:
        agent = services.activate_agent(actor=actor_of(request), agent=self.agent())
        return Response(self.get_serializer(agent).data)


class AgentDeactivateView(OneAgentView, GenericAPIView[Agent]):
    serializer_class = AgentSerializer
    queryset = Agent.objects.none()

    @extend_schema(
        operation_id="agents_deactivate",
        summary="Deactivate an agent",
        description="Its deployments are asked to stop, and steps that want it fail.",
        tags=["agents"],
        request=None,
        responses={200: AgentSerializer},
    )
    def post(self, request: Request, agent_id: UUID) -> Response:
        agent = services.deactivate_agent(actor=actor_of(request), agent=self.agent())
        return Response(self.get_serializer(agent).data)


class AgentVersionListView(IdempotentMixin, OneAgentView, ListAPIView[AgentVersion]):
    serializer_class = AgentVersionSerializer
    queryset = AgentVersion.objects.none()
    cursor_ordering = ("-major", "-minor", "-patch")

    def get_queryset(self) -> QuerySet[AgentVersion]:
        return queries.versions_of(self.agent())

    @extend_schema(
        operation_id="agent_versions_list", summary="Versions of an agent, the newest first", tags=["agents"]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="agent_versions_create",
        summary="Publish the next version of an agent",
        description="Without `version`, and equal to the latest, it publishes nothing and answers 200 with that.",
        tags=["agents"],
        request=AgentVersionInput,
        responses={200: AgentVersionDetailSerializer, 201: AgentVersionDetailSerializer},
    )
    def post(self, request: Request, agent_id: UUID) -> Response:
        agent = self.agent()
        before = agent.version
        given = AgentVersionInput(data=request.data)
        given.is_valid(raise_exception=True)
        fields = dict(given.validated_data)
        number = fields.pop("version", None)
        version = services.publish_version(actor=actor_of(request), agent=agent, number=number, **fields)
        code = status.HTTP_200_OK if str(version.number) == before else status.HTTP_201_CREATED
        return Response(AgentVersionDetailSerializer(version).data, status=code)


class AgentVersionView(OneAgentView, GenericAPIView[AgentVersion]):
    serializer_class = AgentVersionDetailSerializer
    queryset = AgentVersion.objects.none()

    @extend_schema(
        operation_id="agent_versions_get",
        summary="One version of an agent with what it holds",
        tags=["agents"],
        parameters=[OpenApiParameter("number", str, OpenApiParameter.PATH, description="MAJOR.MINOR.PATCH")],
    )
    def get(self, request: Request, agent_id: UUID, number: str) -> Response:
        return Response(self.get_serializer(queries.version_of(self.agent(), number)).data)


class AgentMarketplaceView(OneAgentView, GenericAPIView[MarketplaceIntegration]):
    serializer_class = IntegrationSerializer
    queryset = MarketplaceIntegration.objects.none()

    @extend_schema(
        operation_id="agents_marketplace",
        summary="Where an agent is published",
        description="404 while it was never published.",
        tags=["agents"],
    )
    def get(self, request: Request, agent_id: UUID) -> Response:
        record = getattr(self.agent(), "integration", None)
        if record is None:
            raise AgentNotFound("This agent was never published.")
        return Response(self.get_serializer(record).data)


class AgentPublishView(OneAgentView, GenericAPIView[MarketplaceIntegration]):
    serializer_class = IntegrationSerializer
    queryset = MarketplaceIntegration.objects.none()

    @extend_schema(
        operation_id="agents_publish",
        summary="Record that an agent is published",
        description="Only here: no marketplace is called. The agent must be active. For admins.",
        tags=["agents"],
        request=PublishInput,
        responses={200: IntegrationSerializer},
    )
    def post(self, request: Request, agent_id: UUID) -> Response:
        agent = self.agent()
        require_administer(request)
        given = PublishInput(data=request.data)
        given.is_valid(raise_exception=True)
        record = services.publish_agent(actor=actor_of(request), agent=agent, **given.validated_data)
        return Response(self.get_serializer(record).data)


class AgentUnpublishView(OneAgentView, GenericAPIView[MarketplaceIntegration]):
    serializer_class = IntegrationSerializer
    queryset = MarketplaceIntegration.objects.none()

    @extend_schema(
        operation_id="agents_unpublish",
        summary="Record that an agent is published no longer",
        description="For admins.",
        tags=["agents"],
        request=None,
        responses={200: IntegrationSerializer},
    )
    def post(self, request: Request, agent_id: UUID) -> Response:
        agent = self.agent()
        require_administer(request)
        record = services.unpublish_agent(actor=actor_of(request), agent=agent)
        return Response(self.get_serializer(record).data)
