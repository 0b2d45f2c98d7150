from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.filters import OrderingFilter
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.core.api.late import created
from apps.core.api.parsers import BoundedJSONParser
from apps.core.api.views import TenantAPIView
from apps.executions import lookups, queries, services
from apps.executions.api.filters import ArtifactFilter, EventFilter, ExecutionFilter, TaskFilter
from apps.executions.api.serializers import (
    EDGE_NAMES,
    STRIPED,
    ArtifactSerializer,
    EventSerializer,
    ExecutionDetailSerializer,
    ExecutionSerializer,
    GraphSerializer,
    StartInput,
    TaskDetailSerializer,
    TaskSerializer,
)
from apps.executions.models import Artifact, Event, Execution, Task
from apps.executions.states import COMPENSATION_KIND, JOIN_KIND
from apps.melodies import queries as melodies
from apps.spending import queries as spending
from apps.spending.api.serializers import ExecutionSpendingSerializer


class _ExecutionList(TenantAPIView, ListAPIView[Execution]):
    serializer_class = ExecutionSerializer
    queryset = Execution.objects.none()
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = ExecutionFilter
    ordering_fields = ("id", "created_at", "started_at", "completed_at", "status")
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Execution]:
        return lookups.executions(actor=actor_of(self.request))


class ExecutionListView(_ExecutionList):
    @extend_schema(operation_id="executions_list", summary="Executions of my organizations", tags=["executions"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class MelodyExecutionsView(IdempotentMixin, _ExecutionList):
    parser_classes = [BoundedJSONParser]

    def get_queryset(self) -> QuerySet[Execution]:
        melody = melodies.melody_for(actor=actor_of(self.request), melody_id=self.kwargs["melody_id"])
        return super().get_queryset().filter(melody=melody)

    @extend_schema(operation_id="melody_executions_list", summary="Executions of a melody", tags=["executions"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="melody_executions_create",
        summary="Execute a melody",
        tags=["executions"],
        request=StartInput,
        responses={201: ExecutionDetailSerializer},
    )
    def post(self, request: Request, melody_id: UUID) -> Response:
        actor = actor_of(request)
        given = StartInput(data=request.data)
        given.is_valid(raise_exception=True)
        parent = given.validated_data.get("parent")
        execution = services.start_execution(
            actor=actor,
            melody=melody_id,
            version=given.validated_data.get("version"),
            input=given.validated_data.get("input"),
            correlation_id=given.validated_data.get("correlation_id"),
            parent=None if parent is None else lookups.execution_for(actor=actor, execution_id=parent),
            priority=given.validated_data.get("priority", 0),
        )
        return created(lambda: ExecutionDetailSerializer(execution, context=self.get_serializer_context()).data)


class OfOneExecution(TenantAPIView):
    """Of one execution, which must be one of the caller's organizations'."""

    def execution(self) -> Execution:
        return lookups.execution_for(actor=actor_of(self.request), execution_id=self.kwargs["execution_id"])


class ExecutionView(OfOneExecution, GenericAPIView[Execution]):
    serializer_class = ExecutionDetailSerializer
    queryset = Execution.objects.none()

    @extend_schema(operation_id="executions_get", summary="One execution", tags=["executions"])
    def get(self, request: Request, execution_id: UUID) -> Response:
        return Response(self.get_serializer(self.execution()).data)


class GraphView(OfOneExecution, GenericAPIView[Any]):
    serializer_class = GraphSerializer

    @extend_schema(operation_id="executions_graph", summary="What it runs, as a graph", tags=["executions"])
    def get(self, request: Request, execution_id: UUID) -> Response:
        nodes = [node for node in queries.graph(self.execution()) if node["kind"] not in (JOIN_KIND, COMPENSATION_KIND)]
        shown = {node["node"] for node in nodes}
        return Response(
            {
                "nodes": [
                    {name: node[name] for name in ("node", "name", "kind", "parent", "depth")}
                    | {
                        "successors": [
                            {"node": target, "when": EDGE_NAMES[edge % STRIPED]}
                            for target, edge in zip(node["successors"], node["edge_on"], strict=True)
                            if target in shown
                        ]
                    }
                    for node in nodes
                ]
            }
        )


class SpendingView(OfOneExecution, GenericAPIView[Any]):
    serializer_class = ExecutionSpendingSerializer

    @extend_schema(operation_id="executions_spending", summary="What its model calls have cost", tags=["executions"])
    def get(self, request: Request, execution_id: UUID) -> Response:
        found = spending.execution_spending(self.execution().pk)
        return Response(ExecutionSpendingSerializer.of_run(found).data)


class TaskListView(OfOneExecution, ListAPIView[Task]):
    """In the order of the plan; what runs inside a composite step comes after the melody's own steps."""

    serializer_class = TaskSerializer
    queryset = Task.objects.none()
    filterset_class = TaskFilter
    cursor_ordering = ("id",)

    def get_queryset(self) -> QuerySet[Task]:
        return lookups.listed_tasks(self.execution())

    @extend_schema(operation_id="executions_tasks", summary="Tasks of an execution", tags=["executions"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class TaskView(TenantAPIView, GenericAPIView[Task]):
    serializer_class = TaskDetailSerializer
    queryset = Task.objects.none()

    @extend_schema(operation_id="tasks_get", summary="One task with its output", tags=["executions"])
    def get(self, request: Request, task_id: UUID) -> Response:
        return Response(self.get_serializer(lookups.task_for(actor=actor_of(request), task_id=task_id)).data)


class _NamesTasks(ListAPIView[Any]):
    """Rows that know their task by id only: its name is looked up once for a page."""

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        page = super().paginate_queryset(queryset)
        self._task_names = lookups.task_names(row.task_id for row in page or ())
        return page

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "task_names": getattr(self, "_task_names", {})}


class EventListView(OfOneExecution, _NamesTasks):
    serializer_class = EventSerializer
    queryset = Event.objects.none()
    filterset_class = EventFilter
    cursor_ordering = ("position", "id")

    def get_queryset(self) -> QuerySet[Event]:
        return lookups.events_of(self.execution())

    @extend_schema(operation_id="executions_events", summary="Events of an execution", tags=["executions"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class ArtifactListView(OfOneExecution, _NamesTasks):
    serializer_class = ArtifactSerializer
    queryset = Artifact.objects.none()
    filterset_class = ArtifactFilter
    cursor_ordering = ("id",)

    def get_queryset(self) -> QuerySet[Artifact]:
        return lookups.artifacts_of(self.execution())

    @extend_schema(operation_id="executions_artifacts", summary="Artifacts of an execution", tags=["executions"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class ArtifactView(TenantAPIView, GenericAPIView[Artifact]):
    serializer_class = ArtifactSerializer
    queryset = Artifact.objects.none()

    @extend_schema(operation_id="artifacts_get", summary="One artifact", tags=["executions"])
    def get(self, request: Request, artifact_id: UUID) -> Response:
        artifact = lookups.artifact_for(actor=actor_of(request), artifact_id=artifact_id)
        context = {**self.get_serializer_context(), "task_names": lookups.task_names([artifact.task_id])}
        return Response(ArtifactSerializer(artifact, context=context).data)
