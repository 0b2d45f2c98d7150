from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.executions import queries
from apps.executions.models import Route, Worker
from apps.melodies.admin import ReadOnlyAdmin


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Workers tell of themselves; here they are only looked at."""

    list_display = ("name", "standing", "served", "pool", "slots", "stuck", "able", "version", "started_at", "seen_at")
    list_filter = ("state", "pool")
    search_fields = ("name", "host")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        return queries.workers(super().get_queryset(request))

    @admin.display(description="state")
    def standing(self, worker: Worker) -> str:
        return str(getattr(worker, "now", worker.state))

    @admin.display(description="takes")
    def served(self, worker: Worker) -> str:
        return ", ".join(worker.routes)

    @admin.display(description="has")
    def able(self, worker: Worker) -> str:
        return ", ".join(worker.capabilities) or "–"


@admin.register(Route)
class RouteAdmin(ReadOnlyAdmin):
    """Queues with capabilities that runs have needed."""

    list_display = ("name", "base", "used_at")
    search_fields = ("name",)
    ordering = ("name",)
