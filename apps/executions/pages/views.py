"""The pages of runs, for people. What they show is read as the user who is signed in."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, Final, cast
from urllib.parse import quote
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.accounts.permissions import Action, may
from apps.accounts.queries import role_of
from apps.core.errors import Forbidden, NotFound
from apps.core.tenancy import set_actor
from apps.executions import blobs, services
from apps.executions.errors import ExecutionOver
from apps.executions.models import Artifact, Execution
from apps.executions.pages import drawing, reading
from apps.executions.queries import tasks_of
from apps.executions.states import EXECUTION_TERMINAL

RUNS_PER_PAGE: Final = 25
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
ARTIFACT_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_SHOWN_AS: Final = {
    "image/png": "image/png",
    "image/jpeg": "image/jpeg",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
    "image/svg+xml": "image/svg+xml",
    "application/json": "application/json",
    "text/plain": "text/plain; charset=utf-8",
    "text/markdown": "text/plain; charset=utf-8",
    "text/csv": "text/plain; charset=utf-8",
}
"""What a browser may open in place; anything else is downloaded."""

_TERMINAL: Final = {status.value for status in EXECUTION_TERMINAL}

View = Callable[..., HttpResponse]


def page(view: View) -> View:
    """For people who are signed in; the database is told who they are for the length of the request."""

    @functools.wraps(view)
    def as_user(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        set_actor(str(request.user.pk))
        response = view(request, *args, **kwargs)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return cast(View, login_required(never_cache(as_user), login_url="login"))


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _execution(request: HttpRequest, execution_id: UUID) -> Execution:
    execution = reading.visible_executions(_user(request)).filter(pk=execution_id).first()
    if execution is None:
        raise Http404("There is no such execution, or it is not yours to see.")
    return execution


@require_safe
@page
def runs(request: HttpRequest) -> HttpResponse:
    """The latest runs, `?before=<id>` for older ones."""
    found = reading.visible_executions(_user(request)).order_by("-id")
    before = _uuid(request.GET.get("before", ""))
    if before is not None:
        found = found.filter(id__lt=before)
    rows = list(found[: RUNS_PER_PAGE + 1])
    more, rows = len(rows) > RUNS_PER_PAGE, rows[:RUNS_PER_PAGE]
    counts = reading.counts_of(rows)
    context = {
        "runs": [_run(execution, counts.get(execution.id)) for execution in rows],
        "alive": any(execution.status not in _TERMINAL for execution in rows),
        "older": rows[-1].id if more else None,
        "paged": before is not None,
    }
    return render(request, "executions/runs.html", context)


def _run(execution: Execution, counts: dict[str, int] | None) -> dict[str, Any]:
    seconds = None
    if execution.started_at and execution.completed_at:
        seconds = (execution.completed_at - execution.started_at).total_seconds()
    return {
        "execution": execution,
        "short_id": short(execution.id),
        "progress": drawing.progress(counts) if counts is not None else f"about {execution.next_seq} steps",
        "parts": list(drawing.bar(counts)) if counts else [],
        "duration": drawing.duration(seconds) if seconds is not None else "",
    }


def short(identifier: UUID) -> str:
    """The end of an id, where those of one day differ."""
    return identifier.hex[-8:]


@require_safe
@page
def live(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """One run as it happens."""
    execution = _execution(request, execution_id)
    picture = drawing.picture_of(execution)
    found = drawing.tallies(execution, picture)
    counts = drawing.total_counts(list(found.values()))
    over = execution.status in _TERMINAL
    context = {
        "execution": execution,
        "short_id": short(execution.id),
        "picture": picture,
        "boxes": drawing.painted(picture, found),
        "counts": counts.items(),
        "total": sum(counts.values()),
        "parts": list(drawing.bar(counts)),
        "over": over,
        "may_cancel": not over and _may_write(request, execution),
        "data": _page_data(execution, picture),
    }
    return render(request, "executions/live.html", context)


def _may_write(request: HttpRequest, execution: Execution) -> bool:
    return may(role_of(user=_user(request), organization=execution.organization), Action.WRITE)


def _page_data(execution: Execution, picture: drawing.Picture) -> dict[str, Any]:
    """For the script of the page; `0` in an address stands for the number, the zero id for the id to put in."""
    nil = UUID(int=0)
    return {
        "execution": _told(execution),
        "boxes": drawing.described(picture),
        "columns": reading.TASK_COLUMNS,
        "urls": {
            "tasks": reverse("execution-tasks", args=[execution.id]),
            "task": reverse("execution-task", args=[execution.id, 0]),
            "artifact": reverse("execution-artifact", args=[execution.id, nil]),
            "stream": f"/api/v1/executions/{execution.id}/stream",
        },
    }


def _told(execution: Execution) -> dict[str, Any]:
    return {
        "id": str(execution.id),
        "status": execution.status,
        "message": execution.status_message,
        "error": execution.error_message,
        "created": reading.milliseconds(execution.created_at),
        "started": reading.milliseconds(execution.started_at),
        "completed": reading.milliseconds(execution.completed_at),
        "now": round(time.time() * 1000),
    }


@require_safe
@page
def tasks(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """All that the page knows, compact: tasks by pages; events, artifacts and the run itself with the first page."""
    execution = _execution(request, execution_id)
    after = request.GET.get("after", "")
    first = not (after.isascii() and after.isdigit() and len(after) <= 10)
    body: dict[str, Any] = {}
    if first:
        # Events before tasks: what happens between the two queries is then told twice, never not at all.
        body |= {"events": reading.recent_events(execution)}
    rows, following = reading.task_rows(execution, -1 if first else min(int(after), 0xFFFFFFFF))
    body |= {"execution": _told(execution), "tasks": rows, "next": following}
    if first:
        body |= {"artifacts": reading.artifact_rows(execution)}
    return JsonResponse(body)


@require_safe
@page
def task(request: HttpRequest, execution_id: UUID, number: int) -> HttpResponse:
    """One task with its result."""
    execution = _execution(request, execution_id)
    found = tasks_of(execution.id).filter(seq=number).first() if number <= 0xFFFFFFFF >> 1 else None
    if found is None:
        raise Http404("There is no such task.")
    return JsonResponse(reading.task_detail(found))


@require_safe
@page
def artifact(request: HttpRequest, execution_id: UUID, artifact_id: UUID) -> HttpResponse:
    """The bytes of an artifact. They are whatever a step made: no browser may run anything in them."""
    execution = _execution(request, execution_id)
    found = Artifact.objects.filter(execution=execution, pk=artifact_id).first()
    if found is None:
        raise Http404("There is no such artifact.")
    return artifact_response(found)


def artifact_response(found: Artifact) -> HttpResponse:
    """The verified bytes, shown where that is safe and downloaded otherwise."""
    try:
        data = blobs.get(str(found.organization_id), found.content_hash)
    except NotFound as missing:
        raise Http404(missing.detail) from missing
    shown_as = _SHOWN_AS.get(found.content_type.partition(";")[0].strip().lower())
    name = quote(found.name.rsplit("/", 1)[-1] or "artifact", safe="")
    return HttpResponse(
        data,
        content_type=shown_as or "application/octet-stream",
        headers={
            "Content-Disposition": f"{'inline' if shown_as else 'attachment'}; filename*=UTF-8''{name}",
            "Content-Security-Policy": ARTIFACT_POLICY,
            "X-Content-Type-Options": "nosniff",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page
def cancel(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """Asks, then cancels."""
    execution = _execution(request, execution_id)
    if request.method != "POST":
        return render(request, "executions/cancel.html", {"execution": execution, "short_id": short(execution.id)})
    try:
        services.cancel_execution(actor=_user(request), execution=execution)
    except Forbidden as refused:
        raise PermissionDenied(refused.detail) from refused
    except ExecutionOver:
        pass  # The page says how it ended.
    return redirect("execution", execution_id=execution.id)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
