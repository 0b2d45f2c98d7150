from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.agents import queries, services
from apps.agents.api.filters import DeploymentFilter
from apps.agents.api.serializers import DeploymentInput, DeploymentLogsSerializer, DeploymentSerializer
from apps.agents.api.views import OneAgentView
from apps.agents.models import Deployment
from apps.core.api.views import TenantAPIView


class AgentDeploymentListView(IdempotentMixin, OneAgentView, ListAPIView[Deployment]):
    serializer_class = DeploymentSerializer
    queryset = Deployment.objects.none()
    filterset_class = DeploymentFilter

    def get_queryset(self) -> QuerySet[Deployment]:
        return queries.deployments(actor=actor_of(self.request)).filter(agent=self.agent())

    @extend_schema(operation_id="agent_deployments_list", summary="Deployments of an agent", tags=["agents"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="agent_deployments_create",
        summary="Deploy an agent",
        description="Writes down what shall run; `manage.py agents run` makes it so. What was deployed before is asked to "
        "stop. The agent must be active, and the version's config must name a `graph`.",
        tags=["agents"],
        request=DeploymentInput,
        responses={201: DeploymentSerializer},
    )
    def post(self, request: Request, agent_id: UUID) -> Response:
        agent = self.agent()
        given = DeploymentInput(data=request.data)
        given.is_valid(raise_exception=True)
        version = queries.version_of(agent, given.validated_data.get("version"))
        deployment = services.deploy(
            actor=actor_of(request), agent=agent, version=version, runtime=given.validated_data["runtime"]
        )
        data = self.get_serializer(deployment).data
        return Response(data, status=status.HTTP_201_CREATED, headers={"Location": data["url"]})


class _OneDeploymentView(TenantAPIView):
    """Of one deployment, which must be one of the caller's organizations'."""

    def deployment(self) -> Deployment:
        return queries.deployment_for(actor=actor_of(self.request), deployment_id=self.kwargs["deployment_id"])


class DeploymentView(_OneDeploymentView, GenericAPIView[Deployment]):
    serializer_class = DeploymentSerializer
    queryset = Deployment.objects.none()

    @extend_schema(operation_id="deployments_get", summary="One deployment", tags=["agents"])
    def get(self, request: Request, deployment_id: UUID) -> Response:
        return Response(self.get_serializer(self.deployment()).data)


class DeploymentLogsView(_OneDeploymentView, GenericAPIView[Deployment]):
    serializer_class = DeploymentLogsSerializer
    queryset = Deployment.objects.none()

    @extend_schema(
        operation_id="deployments_logs",
        summary="What a deployment has printed",
        description="The last 64 KB.",
        tags=["agents"],
    )
    def get(self, request: Request, deployment_id: UUID) -> Response:
        return Response(self.get_serializer(self.deployment()).data)


class DeploymentStopView(_OneDeploymentView, GenericAPIView[Deployment]):
    serializer_class = DeploymentSerializer
    queryset = Deployment.objects.none()

    @extend_schema(
        operation_id="deployments_stop",
        summary="Ask a deployment to stop",
        tags=["agents"],
        request=None,
        responses={200: DeploymentSerializer},
    )
    def post(self, request: Request, deployment_id: UUID) -> Response:
        deployment = services.stop_deployment(actor=actor_of(request), deployment=self.deployment())
        return Response(self.get_serializer(deployment).data)


class DeploymentRestartView(_OneDeploymentView, GenericAPIView[Deployment]):
    serializer_class = DeploymentSerializer
    queryset = Deployment.objects.none()

    @extend_schema(
        operation_id="deployments_restart",
        summary="Start a deployment anew",
        description="What runs is stopped first; what was stopped, or given up on, comes back. An agent in error becomes "
        "active again.",
        tags=["agents"],
        request=None,
        responses={200: DeploymentSerializer},
    )
    def post(self, request: Request, deployment_id: UUID) -> Response:
        deployment = services.restart_deployment(actor=actor_of(request), deployment=self.deployment())
        return Response(self.get_serializer(deployment).data)
