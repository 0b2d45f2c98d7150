"""Executions of an agent: those of its workflows."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.filters import OrderingFilter
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.agents import queries as agents
from apps.core.api.views import TenantAPIView
from apps.executions import lookups
from apps.executions.api.filters import ExecutionFilter
from apps.executions.api.serializers import ExecutionSerializer
from apps.executions.models import Execution


class AgentExecutionListView(TenantAPIView, ListAPIView[Execution]):
    serializer_class = ExecutionSerializer
    queryset = Execution.objects.none()
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = ExecutionFilter
    ordering_fields = ("id", "created_at", "started_at", "completed_at", "status")
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Execution]:
        actor = actor_of(self.request)
        agent = agents.agent_for(actor=actor, agent_id=self.kwargs["agent_id"])
        return lookups.executions(actor=actor).filter(melody__agent=agent)

    @extend_schema(operation_id="agent_executions_list", summary="Executions of an agent's workflows", tags=["agents"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


__all__ = ["AgentExecutionListView"]
