from __future__ import annotations

import json
from typing import Any, cast
from urllib.parse import quote
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponseNotFound, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.core.errors import SymphonyError
from apps.executions import blobs, queries, services
from apps.executions.admin.filters import KindFilter, OfExecution, QueueFilter, TypeFilter
from apps.executions.admin.tables import RunRows, badge, in_sentences, took, with_task_name
from apps.executions.explaining import explain_task
from apps.executions.models import Artifact, Event, Execution, PitOperation, Task
from apps.executions.pages import reading
from apps.executions.services.damage import record_damage, watched
from apps.executions.states import JOIN_KIND, TASK_TERMINAL, RerunMode, TaskStatus
from apps.melodies.admin import is_list, link, preformatted, uuid_or_none

RECENT_RUNS = 100


@admin.register(Task)
class TaskAdmin(RunRows):
    list_display = (
        "name",
        "state",
        "kind",
        "queue",
        "attempt",
        "execution_link",
        "organization",
        "started_at",
        "duration",
    )
    list_filter = (OfExecution, "status", KindFilter, QueueFilter)
    search_fields = ("name",)
    search_help_text = "By name or id, among the tasks of one execution, or of the latest 100."
    ordering = ("-id",)
    actions = ("skip", "set_result", "rerun_from_here")
    fields = ("id", "execution_link", "organization", "name", "kind", "queue", "state", "attempt", "worker", "parent_link",
              "kept_from",
              "why", "created_at", "dispatched_at", "started_at", "completed_at", "due_at", "duration", "error_text",
              "output_text")  # fmt: skip
    readonly_fields = ("execution_link", "state", "why", "parent_link", "duration", "error_text", "output_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        found = super().get_queryset(request).exclude(kind=JOIN_KIND)
        return found.defer("output", "error", "scopes") if is_list(request) else found.select_related("organization")

    def of_run(self, found: QuerySet[Any], execution_id: UUID) -> QuerySet[Any]:
        first, last = queries.first_task_id(execution_id), queries.last_task_id(execution_id)
        return found.filter(id__gte=first, id__lte=last)

    def recent(self, found: QuerySet[Any]) -> QuerySet[Any]:
        runs = Execution.objects.order_by("-id").values_list("id", flat=True)
        oldest = next(iter(runs[RECENT_RUNS - 1 : RECENT_RUNS]), None)
        return found if oldest is None else found.filter(id__gte=queries.first_task_id(oldest))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        identifier = uuid_or_none(search_term)
        if identifier is None:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(pk=identifier), False

    @admin.action(description="Skip the selected tasks", permissions=["skip"])
    def skip(self, request: HttpRequest, chosen: QuerySet[Task]) -> None:
        count = 0
        for task in chosen.select_related("execution__organization", "execution__melody").order_by("id"):
            try:
                services.skip_task(actor=cast(User, request.user), task=task, reason="in the admin")
            except SymphonyError as refused:
                self.message_user(request, f"{task.name}: {refused.detail}", messages.ERROR)
            else:
                count += 1
        if count:
            self.message_user(request, f"{count} task{'s' * (count != 1)} skipped.", messages.SUCCESS)

    @admin.action(description="Give the selected task a result", permissions=["skip"])
    def set_result(self, request: HttpRequest, chosen: QuerySet[Task]) -> HttpResponseBase | None:
        tasks = list(chosen.select_related("execution__organization", "execution__melody__project")[:2])
        if len(tasks) != 1:
            self.message_user(request, "Choose one task; each has a result of its own.", messages.WARNING)
            return None
        (task,) = tasks
        output, reason = request.POST.get("output", ""), request.POST.get("reason", "")
        problems = _give(cast(User, request.user), task, output, reason) if "output" in request.POST else ()
        if "output" in request.POST and not problems:
            self.message_user(request, f"{task.name} is {task.status} with your result.", messages.SUCCESS)
            return None
        context = {**self.admin_site.each_context(request), "opts": self.opts, "task": task, "output": output,
                   "reason": reason, "problems": problems, "media": self.media,
                   "title": f"A result for {task.name}"}  # fmt: skip
        return TemplateResponse(request, "admin/executions/task/result.html", context)

    @admin.action(description="Rerun from here: the selected task, with all that follows", permissions=["skip"])
    def rerun_from_here(self, request: HttpRequest, chosen: QuerySet[Task]) -> None:
        """A new execution for each run; which of several tasks of one run is meant nobody can know."""
        found = chosen.order_by().values_list("execution").annotate(count=Count("pk"))
        crowded = {run: count for run, count in found if count > 1}
        for run, count in crowded.items():
            told = f"{count} of the selected tasks are of the same execution; choose one: each makes a new execution."
            self.message_user(request, f"{reading.short(run)}: {told}", messages.ERROR)
        done = 0
        related = ("execution__organization", "execution__version", "execution__melody")
        for task in chosen.exclude(execution__in=crowded).select_related(*related).order_by("id"):
            wanted = services.Wanted(RerunMode.FROM_HERE, str(task.pk))
            try:
                services.rerun_execution(actor=cast(User, request.user), execution=task.execution, wanted=wanted)
            except SymphonyError as refused:
                self.message_user(request, f"{task.name}: {refused.detail}", messages.ERROR)
            else:
                done += 1
        if done:
            told = f"{done} execution{'s' * (done != 1)} run again from the selected task, with all that follows."
            self.message_user(request, told, messages.SUCCESS)

    def has_skip_permission(self, request: HttpRequest) -> bool:
        return cast(User, request.user).has_perm("executions.change_execution")

    @admin.display(description="status", ordering="status")
    def state(self, task: Task) -> SafeString:
        return badge(task.status)

    @admin.display(description="why")
    def why(self, task: Task) -> SafeString | str:
        """Why it is where it is, while it is not over."""
        return in_sentences(explain_task(task)) if task.status not in TASK_TERMINAL else "–"

    @admin.display(description="duration")
    def duration(self, task: Task) -> str:
        return took(task.started_at, task.completed_at)

    @admin.display(description="inside of")
    def parent_link(self, task: Task) -> SafeString | str:
        return link(task.parent_id, str(task.parent_id), Task)

    @admin.display(description="error")
    def error_text(self, task: Task) -> SafeString | str:
        return preformatted(task.error) if task.error else "–"

    @admin.display(description="output")
    def output_text(self, task: Task) -> SafeString | str:
        if task.output_ref:
            return f"In the artifact store, SHA-256 {task.output_ref}."
        return preformatted(task.output) if task.status in (TaskStatus.COMPLETED, TaskStatus.SKIPPED) else "–"


def _give(actor: User, task: Task, output: str, reason: str) -> list[str]:
    """What is wrong with the result, in sentences; nothing when the task has it now."""
    try:
        services.set_task_result(actor=actor, task=task, output=json.loads(output), reason=reason)
    except SymphonyError as refused:
        found: list[dict[str, str]] = getattr(refused, "errors", [])
        return [refused.detail, *(f"{one['pointer']}: {one['message']}" for one in found)]
    except (ValueError, RecursionError) as error:
        return [f"This is not JSON: {error}."]
    return []


@admin.register(Event)
class EventAdmin(RunRows):
    list_display = ("occurred_at", "event_type", "task_link", "execution_link", "organization", "payload_line")
    list_display_links = ("occurred_at", "event_type")
    list_filter = (OfExecution, TypeFilter)
    fields = ("id", "event_type", "occurred_at", "task_link", "execution_link", "organization", "payload_text")
    readonly_fields = ("task_link", "execution_link", "payload_text")
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return with_task_name(super().get_queryset(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-position", "-id") if "execution" in request.GET else ("-id",)

    @admin.display(description="payload")
    def payload_line(self, event: Event) -> str:
        return ", ".join(f"{key}: {value}" for key, value in event.payload.items())[:160]

    @admin.display(description="payload")
    def payload_text(self, event: Event) -> SafeString:
        return preformatted(event.payload)


@admin.register(Artifact)
class ArtifactAdmin(RunRows):
    list_display = ("name", "artifact_type", "size_text", "task_link", "execution_link", "organization", "created_at",
                    "download")  # fmt: skip
    list_filter = (OfExecution, "created_at")
    search_fields = ("name", "=content_hash")
    search_help_text = "By name, or a whole SHA-256."
    ordering = ("-id",)
    fields = ("id", "name", "artifact_type", "content_type", "size_text", "content_hash", "download", "task_link",
              "execution_link", "organization", "created_at", "metadata_text")  # fmt: skip
    readonly_fields = ("size_text", "download", "task_link", "execution_link", "metadata_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Artifact]:
        return with_task_name(super().get_queryset(request))

    def recent(self, found: QuerySet[Any]) -> QuerySet[Any]:
        return found  # its key is a time: the newest are at the end of its index

    def get_urls(self) -> list[Any]:
        bytes_of = self.admin_site.admin_view(self.bytes_view)
        own: list[URLPattern] = [path("<uuid:artifact_id>/bytes/", bytes_of, name="executions_artifact_bytes")]
        return [*own, *super().get_urls()]

    def bytes_view(self, request: HttpRequest, artifact_id: UUID) -> HttpResponseBase:
        """Always a download: the bytes are a melody's, and this is the admin's origin."""
        if not self.has_view_permission(request):
            raise Http404
        artifact = get_object_or_404(Artifact, pk=artifact_id)
        actor = cast(User, request.user)
        try:
            pieces = blobs.stream(str(artifact.organization_id), artifact.content_hash)
        except SymphonyError as error:
            record_damage(actor=actor, artifact=artifact, error=error)
            return HttpResponseNotFound(error.detail, content_type="text/plain; charset=utf-8")
        name = quote(artifact.name.rsplit("/", 1)[-1] or "artifact", safe="")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "X-Content-Type-Options": "nosniff"}
        told = watched(pieces, actor=actor, artifact=artifact)
        return StreamingHttpResponse(told, content_type="application/octet-stream", headers=headers)

    @admin.display(description="size", ordering="size")
    def size_text(self, artifact: Artifact) -> str:
        return f"{artifact.size:,} bytes"

    @admin.display(description="bytes")
    def download(self, artifact: Artifact) -> SafeString:
        return format_html('<a href="{}">Download</a>', reverse("admin:executions_artifact_bytes", args=[artifact.id]))

    @admin.display(description="metadata")
    def metadata_text(self, artifact: Artifact) -> SafeString:
        return preformatted(artifact.metadata)


@admin.register(PitOperation)
class PitOperationAdmin(RunRows):
    list_display = ("performed_at", "operation_type", "task_link", "execution_link", "organization", "context_line")
    list_display_links = ("performed_at", "operation_type")
    list_filter = (OfExecution, "operation_type")
    ordering = ("-id",)
    sortable_by = ()
    fields = ("id", "operation_type", "performed_at", "task_link", "execution_link", "organization", "context_text",
              "resources_text")  # fmt: skip
    readonly_fields = ("task_link", "execution_link", "context_text", "resources_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PitOperation]:
        return with_task_name(super().get_queryset(request))

    @admin.display(description="context")
    def context_line(self, operation: PitOperation) -> str:
        return ", ".join(f"{key}: {value}" for key, value in operation.operation_context.items())[:160]

    @admin.display(description="context")
    def context_text(self, operation: PitOperation) -> SafeString:
        return preformatted(operation.operation_context)

    @admin.display(description="resources")
    def resources_text(self, operation: PitOperation) -> SafeString:
        return preformatted(operation.resource_allocations)
