"""The pages of runs, for people. What they show is read as the user who is signed in."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, Final, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.permissions import Action, may
from apps.accounts.queries import role_of
from apps.core.errors import Forbidden, Invalid, NotFound
from apps.core.tenancy import set_actor
from apps.executions import approvals, lookups, services
from apps.executions.errors import AlreadyDecided, ExecutionOver, NotPausable, NotPaused, NotWaiting
from apps.executions.models import Execution
from apps.executions.pages import drawing, reading
from apps.executions.pages.holding import held_up
from apps.executions.states import EXECUTION_TERMINAL, ExecutionStatus

RUNS_PER_PAGE: Final = 25
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
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
    try:
        return lookups.execution_for(actor=_user(request), execution_id=execution_id)
    except NotFound as missing:
        raise Http404(missing.detail) from missing


@require_safe
@page
def runs(request: HttpRequest) -> HttpResponse:
    """The latest runs, `?before=<id>` for older ones."""
    found = lookups.executions(actor=_user(request)).order_by("-id")
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
        "short_id": reading.short(execution.id),
        "progress": drawing.progress(counts) if counts is not None else f"about {execution.next_seq} steps",
        "parts": list(drawing.bar(counts)) if counts else [],
        "duration": drawing.duration(seconds) if seconds is not None else "",
    }


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
        "short_id": reading.short(execution.id),
        "picture": picture,
        "boxes": drawing.painted(picture, found),
        "counts": counts.items(),
        "total": sum(counts.values()),
        "parts": list(drawing.bar(counts)),
        "over": over,
        "may_control": not over and _may_write(request, execution),
        "paused": execution.status == ExecutionStatus.PAUSED,
        "held": [] if over else held_up(execution),
        "asked": [] if over else reading.asked_of(_user(request), execution),
        "longest_comment": approvals.LONGEST_COMMENT,
        "data": _page_data(execution, picture),
    }
    return render(request, "executions/live.html", context)


def _may_write(request: HttpRequest, execution: Execution) -> bool:
    return may(role_of(user=_user(request), organization=execution.organization), Action.WRITE)


def _page_data(execution: Execution, picture: drawing.Picture) -> dict[str, Any]:
    """For the script of the page; the zero id in an address stands for the id to put in."""
    nil = UUID(int=0)
    return {
        "execution": _told(execution),
        "boxes": drawing.described(picture),
        "columns": reading.TASK_COLUMNS,
        "urls": {
            "tasks": reverse("execution-page-tasks", args=[execution.id]),
            "task": reverse("task", args=[nil]),
            "explain": reverse("task-explain", args=[nil]),
            "artifact": reverse("artifact-content", args=[nil]),
            "stream": reverse("execution-stream", args=[execution.id]),
            "held": reverse("execution-page-held", args=[execution.id]),
            "approvals": reverse("execution-page-approvals", args=[execution.id]),
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


@require_http_methods(["GET", "HEAD", "POST"])
@page
def cancel(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """Asks, then cancels."""
    execution = _execution(request, execution_id)
    if request.method != "POST":
        return render(
            request, "executions/cancel.html", {"execution": execution, "short_id": reading.short(execution.id)}
        )
    try:
        services.cancel_execution(actor=_user(request), execution=execution)
    except Forbidden as refused:
        raise PermissionDenied(refused.detail) from refused
    except ExecutionOver:
        pass  # The page says how it ended.
    return redirect("execution-page", execution_id=execution.id)


@require_POST
@page
def pause(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    return _control(request, execution_id, services.pause_execution)


@require_POST
@page
def resume(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    return _control(request, execution_id, services.resume_execution)


def _control(request: HttpRequest, execution_id: UUID, verb: Callable[..., Execution]) -> HttpResponse:
    execution = _execution(request, execution_id)
    try:
        verb(actor=_user(request), execution=execution)
    except Forbidden as refused:
        raise PermissionDenied(refused.detail) from refused
    except (ExecutionOver, NotPausable, NotPaused):
        pass  # Somebody was faster; the page says how it stands.
    return redirect("execution-page", execution_id=execution.id)


@require_safe
@page
def held(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """The part of the live page that says what holds the run up just now."""
    execution = _execution(request, execution_id)
    over = execution.status in _TERMINAL
    return render(request, "executions/_held.html", {"held": [] if over else held_up(execution)})


@require_safe
@page
def asked(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """The part of the live page that asks whoever looks at it to decide."""
    execution = _execution(request, execution_id)
    context = {
        "execution": execution,
        "asked": reading.asked_of(_user(request), execution),
        "longest_comment": approvals.LONGEST_COMMENT,
    }
    return render(request, "executions/_approvals.html", context)


@require_POST
@page
def decide(request: HttpRequest, execution_id: UUID, task_id: UUID) -> HttpResponse:
    """Approves or rejects, and goes back to the page, which says what came of it."""
    execution = _execution(request, execution_id)
    try:
        task = lookups.task_for(actor=_user(request), task_id=task_id)
        if task.execution_id != execution.pk:
            raise Http404
        approvals.decide(
            actor=_user(request),
            task=task,
            decision=request.POST.get("decision", ""),
            comment=request.POST.get("comment", "").strip(),
        )
    except NotFound as missing:
        raise Http404(missing.detail) from missing
    except Forbidden as refused:
        raise PermissionDenied(refused.detail) from refused
    except Invalid as wrong:
        return HttpResponseBadRequest(wrong.detail, content_type="text/plain; charset=utf-8")
    except (AlreadyDecided, NotWaiting):
        pass  # Somebody was faster; the page says how it went on.
    return redirect("execution-page", execution_id=execution.id)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
