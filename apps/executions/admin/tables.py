"""Tables of many millions of rows are only read by a range of their keys: those of one run, or the latest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.executions.models import Execution, Task
from apps.executions.pages import drawing, reading
from apps.executions.reasons import prediction_of
from apps.melodies.admin import ReadOnlyAdmin, is_list, link, uuid_or_none

RECENT_ROWS = 200_000
CSS: dict[str, Sequence[str]] = {"all": ("executions/states.css", "executions/admin.css")}


def badge(status: str) -> SafeString:
    """A status by icon, colour and word."""
    return render_to_string("executions/_state.html", {"status": status})


def took(started_at: datetime | None, completed_at: datetime | None) -> str:
    if started_at is None or completed_at is None:
        return "–"
    return drawing.duration((completed_at - started_at).total_seconds())


def in_sentences(found: Mapping[str, Any]) -> SafeString:
    """What `apps.executions.explaining` has found, one reason to a line, and when it is likely to begin."""
    told = [reason["message"] for reason in found["reasons"]]
    predicted = prediction_of(found.get("predicted_start"))
    return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in [*told, *([predicted] if predicted else [])]))


class RunRows(ReadOnlyAdmin):
    """Rows of runs: those of `?execution=<id>`, else the latest."""

    list_select_related = ("organization",)

    class Media:
        css = CSS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)
        if not is_list(request):
            return found
        chosen = request.GET.get("execution")
        if chosen is None:
            return self.recent(found)
        identifier = uuid_or_none(chosen)
        return found.none() if identifier is None else self.of_run(found, identifier)

    def of_run(self, found: QuerySet[Any], execution_id: UUID) -> QuerySet[Any]:
        return found.filter(execution_id=execution_id)

    def recent(self, found: QuerySet[Any]) -> QuerySet[Any]:
        last = found.order_by().aggregate(last=Max("pk"))["last"] or 0
        return found.filter(pk__gt=last - RECENT_ROWS)

    @admin.display(description="execution")
    def execution_link(self, row: Any) -> SafeString | str:
        return link(row.execution_id, reading.short(row.execution_id), Execution)

    @admin.display(description="task")
    def task_link(self, row: Any) -> SafeString | str:
        return link(row.task_id, getattr(row, "task_name", None) or str(row.task_id), Task)


def with_task_name(found: QuerySet[Any]) -> QuerySet[Any]:
    """`task_id` is no foreign key to Django, so the name comes along as a column."""
    named: QuerySet[Any] = found.annotate(
        task_name=Subquery(Task.objects.filter(pk=OuterRef("task_id")).values("name")[:1])
    )
    return named
