"""`GET /executions/{id}/stream`: the events of a run as they happen (server-sent events).

An asynchronous view around one of DRF: who asks, and whether they may, is settled by the same code as everywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from contextvars import copy_context
from typing import Any, Final
from uuid import UUID

from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.scopes import credential_of
from apps.accounts.credentials import BROWSER, Credential
from apps.core import metrics
from apps.core.api.exceptions import problem_handler
from apps.core.api.views import TenantAPIView
from apps.core.errors import Invalid
from apps.executions import lookups, streaming
from apps.executions.api.negotiation import OneRepresentation
from apps.executions.models import Event
from apps.executions.streaming import Cursor, Viewer

LAST_EVENT_ID: Final = "Last-Event-ID"
HEADERS: Final = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


class _Granted(HttpResponse):
    """Says to the view around it who listens, and from where on."""

    status_code = 204

    def __init__(self, viewer: Viewer, after: Cursor) -> None:
        super().__init__()
        self.viewer = viewer
        self.after = after


class StreamView(TenantAPIView, GenericAPIView[Event]):
    queryset = Event.objects.none()
    content_negotiation_class = OneRepresentation

    @extend_schema(
        operation_id="executions_stream",
        summary="Follow an execution live",
        description="Server-sent events: first those there are, then each as it happens. `event` is its type, `data` one "
        "line of JSON {id, type, task, task_name, payload, occurred_at}, `id` its place. After the last one comes "
        "`event: end` with the final status, and the stream closes. A comment every 15 seconds keeps it open.",
        tags=["executions"],
        parameters=[
            OpenApiParameter(
                LAST_EVENT_ID, str, OpenApiParameter.HEADER, description="Go on after the event with this `id`."
            ),
            OpenApiParameter("after", str, description="The same for a first request, which can set no header."),
        ],
        responses={(200, "text/event-stream"): OpenApiTypes.STR},
    )
    def get(self, request: Request, execution_id: UUID) -> HttpResponse:
        actor = actor_of(request)
        lookups.execution_for(actor=actor, execution_id=execution_id)
        return _Granted(Viewer(actor.pk, _credential_of(request)), _after(request))


def _credential_of(request: Request) -> Credential | None:
    """A browser's session too: who signs out there listens no longer."""
    key = request.session.session_key if request.auth is None else None
    return Credential(BROWSER, key) if key else credential_of(request)


def _after(request: Request) -> Cursor:
    # On a reconnect the header is newer than the address.
    given = request.headers.get(LAST_EVENT_ID) or request.query_params.get("after")
    if not given:
        return streaming.START
    cursor = streaming.parse_cursor(given)
    if cursor is None:
        raise Invalid(f"{LAST_EVENT_ID} is the `id` of an event of this stream, such as 4711-42.")
    return cursor


async def _counted(events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """As they come, and one more open stream as long as they do."""
    with metrics.inside(metrics.STREAMS):
        async with aclosing(events):
            async for event in events:
                yield event


class _Messages:
    """An asynchronous generator that ends with its response, wherever the response was when the client left."""

    def __init__(self, generator: AsyncGenerator[bytes]) -> None:
        self._generator = generator
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._generator

    def close(self) -> None:
        """Called on any thread."""
        if not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._generator.aclose(), self._loop)


def stream_view(**initkwargs: Any) -> Callable[..., Any]:
    """What `StreamView.as_view()` would be, were it not asynchronous."""
    access = StreamView.as_view(**initkwargs)

    def ask(request: HttpRequest, execution_id: UUID) -> HttpResponseBase:
        with transaction.atomic():
            return access(request, execution_id=execution_id)

    @csrf_exempt
    async def stream(request: HttpRequest, execution_id: UUID) -> HttpResponseBase:
        try:
            # On a thread of the pool, and still this request: its lines of the log say so.
            answer = await streaming.in_pool(copy_context().run, ask, request, execution_id)
        except Error as error:
            return problem_handler(error, {"request": None})
        if not isinstance(answer, _Granted):
            return answer
        if request.method == "HEAD":
            return HttpResponse(content_type="text/event-stream", headers=HEADERS)
        events = _Messages(_counted(streaming.messages(execution_id, answer.viewer, answer.after)))
        limits = {name: value for name, value in answer.headers.items() if name.startswith("RateLimit")}
        return StreamingHttpResponse(events, content_type="text/event-stream", headers=HEADERS | limits)

    transaction.non_atomic_requests(stream)
    # So the schema knows it for a view of DRF.
    stream.cls = StreamView  # type: ignore[attr-defined]
    stream.initkwargs = initkwargs  # type: ignore[attr-defined]
    return stream
