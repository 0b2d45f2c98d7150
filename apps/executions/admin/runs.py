from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.core.errors import SymphonyError
from apps.executions import services
from apps.executions.admin.tables import CSS, badge, in_sentences, took
from apps.executions.explaining import explain_execution
from apps.executions.models import Execution
from apps.executions.pages import drawing, reading
from apps.executions.states import EXECUTION_TERMINAL, RerunMode
from apps.melodies.admin import ReadOnlyAdmin, is_list, link, preformatted, uuid_or_none
from apps.melodies.models import Melody, MelodyVersion

_TERMINAL = {status.value for status in EXECUTION_TERMINAL}


class RunList(ChangeList):
    """Tasks of all runs on the page are counted in one query."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Execution] = list(self.result_list)
        counts = reading.counts_of(rows)
        for execution in rows:
            execution.counted = counts.get(execution.id)  # type: ignore[attr-defined]
        self.result_list = rows


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    list_display = ("short_id", "melody", "organization", "state", "progress", "started_at", "duration")
    list_filter = ("status", "created_at", "organization")
    list_select_related = ("melody", "organization")
    search_fields = ("melody__name",)
    search_help_text = "By id (or its last 8 characters), correlation id or the melody's name."
    ordering = ("-id",)
    actions = ("pause", "resume", "retry", "rerun_failed", "rerun_downstream", "hurry", "delay", "cancel")
    fields = ("id", "melody_link", "version_link", "organization", "state", "status_message", "why", "error_code", "error_message",
              "created_by", "created_at", "started_at", "paused_at", "resumed_at", "completed_at", "duration", "retry_count", "priority",
              "project", "correlation_id", "parent_execution", "rerun_of", "rerun_mode", "rerun_step", "trigger_id", "retried_at",
              "version_sha256", "input_text", "usage_text", "metrics_text")  # fmt: skip
    readonly_fields = (
        "melody_link",
        "version_link",
        "state",
        "why",
        "duration",
        "input_text",
        "usage_text",
        "metrics_text",
    )

    class Media:
        css = CSS

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RunList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        found: QuerySet[Execution] = super().get_queryset(request)
        if is_list(request):
            return found.defer("input", "resource_usage", "performance_metrics")
        related = found.select_related(
            "melody", "version", "organization", "created_by", "parent_execution", "rerun_of", "project"
        )
        return related.defer("version__source", "version__document")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip().lower()
        identifier = uuid_or_none(term)
        if identifier is not None:
            return queryset.filter(Q(pk=identifier) | Q(correlation_id=identifier) | Q(melody_id=identifier)), False
        if len(term) == 8 and set(term) <= set("0123456789abcdef"):
            return queryset.filter(Q(id__iendswith=term) | Q(melody__name__icontains=term)), False
        return super().get_search_results(request, queryset, search_term)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context |= _run_context(cast(Execution, kwargs["obj"]))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="execution", ordering="id")
    def short_id(self, execution: Execution) -> str:
        return reading.short(execution.id)

    @admin.display(description="status", ordering="status")
    def state(self, execution: Execution) -> SafeString:
        return badge(execution.status)

    @admin.display(description="tasks")
    def progress(self, execution: Execution) -> SafeString | str:
        counts: dict[str, int] | None = execution.counted  # type: ignore[attr-defined]
        if counts is None:
            return f"about {execution.next_seq}"
        words = drawing.progress(counts)
        bar = render_to_string("executions/_bar.html", {"parts": list(drawing.bar(counts)), "label": words})
        return format_html('<span class="progress-cell">{}{}</span>', bar, words) if words else "–"

    @admin.display(description="why")
    def why(self, execution: Execution) -> SafeString | str:
        """What holds it up, while it is not over: its own reasons, then those of its steps."""
        if execution.status in _TERMINAL:
            return "–"
        found = explain_execution(execution)
        steps = [
            {"message": f"{step['name']}: {reason['message']}"} for step in found["steps"] for reason in step["reasons"]
        ]
        return in_sentences({"reasons": [*found["reasons"], *steps]})

    @admin.display(description="duration")
    def duration(self, execution: Execution) -> str:
        return took(execution.started_at, execution.completed_at)

    @admin.display(description="melody")
    def melody_link(self, execution: Execution) -> SafeString | str:
        return link(execution.melody_id, execution.melody.name, Melody)

    @admin.display(description="version")
    def version_link(self, execution: Execution) -> SafeString | str:
        return link(execution.version_id, f"v{execution.version.number}", MelodyVersion)

    @admin.display(description="input")
    def input_text(self, execution: Execution) -> SafeString:
        return preformatted(execution.input)

    @admin.display(description="resource usage")
    def usage_text(self, execution: Execution) -> SafeString:
        return preformatted(execution.resource_usage)

    @admin.display(description="performance metrics")
    def metrics_text(self, execution: Execution) -> SafeString:
        return preformatted(execution.performance_metrics)

    @admin.action(description="Pause the selected executions", permissions=["cancel"])
    def pause(self, request: HttpRequest, chosen: QuerySet[Execution]) -> None:
        self._each(request, chosen.select_related("organization"), services.pause_execution, "paused")

    @admin.action(description="Resume the selected executions", permissions=["cancel"])
    def resume(self, request: HttpRequest, chosen: QuerySet[Execution]) -> None:
        self._each(request, chosen.select_related("organization"), services.resume_execution, "resumed")

    @admin.action(description="Retry the selected executions", permissions=["cancel"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Execution]) -> None:
        self._each(request, chosen.select_related("organization"), services.retry_execution, "retried")

    @admin.action(description="Rerun what failed in the selected executions", permissions=["cancel"])
    def rerun_failed(self, request: HttpRequest, chosen: QuerySet[Execution]) -> None:
        self._rerun(request, chosen, RerunMode.FAILED)

    @admin.action(description="Rerun what failed, and all that follows it", permissions=["cancel"])
    def rerun_downstream(self, request: HttpRequest, chosen: QuerySet[Execution]) -> None:
        self._rerun(request, chosen, RerunMode.DOWNSTREAM)

    def _rerun(self, request: HttpRequest, chosen: QuerySet[Execution], mode: RerunMode) -> None:
        verb = partial(services.rerun_execution, wanted=services.Wanted(mode))
        self._each(request, chosen.select_related("organization"), verb, "run again")

    @admin.action(description="Let the selected executions go first (priority 10)", permissions=["cancel"])
    def hurry(self, request: HttpRequest, chosen: QuerySet[Execution]) -> None:
        verb = partial(services.set_priority, priority=10)
        self._each(request, chosen.select_related("organization"), verb, "put first")

    @admin.action(description="Let the selected executions go last (priority -10)", permissions=["cancel"])
    def delay(self, request: HttpRequest, chosen: QuerySet[Execution]) -> None:
        verb = partial(services.set_priority, priority=-10)
        self._each(request, chosen.select_related("organization"), verb, "put last")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return cast(User, request.user).has_perm("executions.change_execution")

    @admin.action(description="Cancel the selected executions", permissions=["cancel"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Execution]) -> HttpResponseBase | None:
        alive = [execution for execution in chosen.select_related("organization") if execution.status not in _TERMINAL]
        if not alive:
            self.message_user(request, "All of them have ended already.", messages.WARNING)
            return None
        if request.POST.get("confirmed") != "yes":
            context = {**self.admin_site.each_context(request), "opts": self.opts, "alive": alive, "media": self.media,
                       "title": "Cancel executions?", "left_out": len(chosen) - len(alive)}  # fmt: skip
            return TemplateResponse(request, "admin/executions/execution/cancel.html", context)
        self._each(request, alive, services.cancel_execution, "cancelled")
        return None

    def _each(
        self, request: HttpRequest, chosen: Iterable[Execution], verb: Callable[..., Execution], done: str
    ) -> None:
        count = 0
        for execution in chosen:
            try:
                verb(actor=cast(User, request.user), execution=execution)
            except SymphonyError as refused:
                self.message_user(request, f"{reading.short(execution.id)}: {refused.detail}", messages.ERROR)
            else:
                count += 1
        if count:
            self.message_user(request, f"{count} execution{'s' * (count != 1)} {done}.", messages.SUCCESS)


def _run_context(execution: Execution) -> dict[str, Any]:
    picture = drawing.picture_of(execution)
    found = drawing.tallies(execution, picture)
    counts = drawing.total_counts(list(found.values()))

    def listed(model: str, **more: str) -> str:
        address = reverse(f"admin:executions_{model}_changelist")
        return f"{address}?{urlencode({'execution': str(execution.id), **more})}"

    return {
        "picture": picture,
        "boxes": drawing.painted(picture, found),
        "parts": list(drawing.bar(counts)),
        "total": sum(counts.values()),
        "summary": [
            {"status": status, "count": count, "url": listed("task", status__exact=status)}
            for status, count in counts.items()
            if count
        ],
        "lists": [
            ("All tasks", listed("task")),
            ("Events", listed("event")),
            ("Artifacts", listed("artifact")),
            ("Pit operations", listed("pitoperation")),
        ],
        "page": reverse("execution-page", args=[execution.id]),
    }
