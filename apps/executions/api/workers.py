"""Who works here: which queues are served, and by how many slots."""

from __future__ import annotations

from typing import Any, Final

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.filters import OrderingFilter
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.core.api.views import TenantAPIView
from apps.executions import queries
from apps.executions.models import Worker, WorkerState

_FOR_STAFF: Final = "For staff only; null for everybody else."


class WorkerSerializer(serializers.ModelSerializer[Worker]):
    state = serializers.ChoiceField(
        source="now", choices=WorkerState.choices, read_only=True, help_text="`gone` also for one that fell silent."
    )
    name = serializers.SerializerMethodField(help_text=_FOR_STAFF)
    host = serializers.SerializerMethodField(help_text=_FOR_STAFF)
    version = serializers.SerializerMethodField(help_text=_FOR_STAFF)

    class Meta:
        model = Worker
        fields = (
            "id",
            "state",
            "queues",
            "routes",
            "capabilities",
            "pool",
            "slots",
            "stuck",
            "started_at",
            "seen_at",
            "name",
            "host",
            "version",
        )
        read_only_fields = fields

    def get_name(self, worker: Worker) -> str | None:
        return self._for_staff(worker.name)

    def get_host(self, worker: Worker) -> str | None:
        return self._for_staff(worker.host)

    def get_version(self, worker: Worker) -> str | None:
        return self._for_staff(worker.version)

    def _for_staff(self, value: str) -> str | None:
        return value if actor_of(self.context["request"]).is_staff else None


class WorkerFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    state = django_filters.MultipleChoiceFilter(
        field_name="now", choices=WorkerState.choices, label="May be given several times."
    )
    queue = django_filters.CharFilter(method="taking", label="Those that take steps of this queue or route just now.")
    capability = django_filters.CharFilter(method="able", label="Those that have it.")

    class Meta:
        model = Worker
        fields = ("state", "queue", "capability")

    def taking(self, queryset: QuerySet[Worker], _name: str, value: str) -> QuerySet[Worker]:
        return queryset.filter(routes__contains=[value])

    def able(self, queryset: QuerySet[Worker], _name: str, value: str) -> QuerySet[Worker]:
        return queryset.filter(capabilities__contains=[value])


class WorkerListView(TenantAPIView, ListAPIView[Worker]):
    """Of no organization: workers serve all. Those not seen for SYMPHONY_WORKERS_REMEMBERED_DAYS are forgotten."""

    serializer_class = WorkerSerializer
    queryset = Worker.objects.none()
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = WorkerFilter
    ordering_fields = ("id", "started_at", "seen_at", "slots")
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Worker]:
        return queries.workers()

    @extend_schema(operation_id="workers_list", summary="Workers, their queues and slots", tags=["workers"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
