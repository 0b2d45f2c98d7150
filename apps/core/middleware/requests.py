"""The first middleware: gives each request its id and says in the log what became of it.

Runs on WSGI and on ASGI without a thread of its own: a live stream must not hold one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.db import Error, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.utils.functional import SimpleLazyObject

from apps.core import metrics
from apps.core.logs import one_line
from apps.core.middleware.address import TrustedProxies
from apps.core.origin import (
    ADMIN,
    API,
    PAGES,
    Origin,
    coming_from,
    current_origin,
    new_request_id,
    sane_request_id,
    sane_traceparent,
)
from apps.core.trail import keeping_traces_for_later

HEADER: Final = "X-Request-ID"
_LONGEST_AGENT: Final = 300
_LONGEST_PATH: Final = 500
_UNREMARKABLE: Final = frozenset({"/livez", "/readyz", "/metrics"})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

access: Final = logging.getLogger("symphony.access")
logger: Final = logging.getLogger(__name__)

Trace = Callable[[], Any]


@sync_and_async_middleware
def request_origin(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    if iscoroutinefunction(get_response):

        async def around_async(request: HttpRequest) -> HttpResponseBase:
            started = time.perf_counter()
            with coming_from(origin_of(request)), keeping_traces_for_later() as later:
                response: HttpResponseBase = await get_response(request)
                if later:
                    await sync_to_async(_write, thread_sensitive=False)(later)
                return _finished(request, response, started)

        return around_async

    def around(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        with coming_from(origin_of(request)), keeping_traces_for_later() as later:
            response: HttpResponseBase = get_response(request)
            if later:
                _write(later)
            return _finished(request, response, started)

    return around


def origin_of(request: HttpRequest) -> Origin:
    meta = request.META
    return Origin(
        request_id=sane_request_id(meta.get("HTTP_X_REQUEST_ID")) or new_request_id(),
        address=_proxies(settings.SYMPHONY_TRUSTED_PROXIES).client(
            meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", "")
        ),
        user_agent=one_line(meta.get("HTTP_USER_AGENT", "")[:_LONGEST_AGENT]),
        channel=_channel(request.path_info),
        traceparent=sane_traceparent(meta.get("HTTP_TRACEPARENT")),
    )


@lru_cache(maxsize=8)
def _proxies(items: tuple[str, ...]) -> TrustedProxies:
    return TrustedProxies.parse(items)


def _channel(path: str) -> str:
    if path.startswith("/api/"):
        return API
    return ADMIN if path.startswith("/admin/") else PAGES


def _write(traces: list[Trace]) -> None:
    """What was refused is told even so, in a transaction of its own; a lost trace must not cost the answer."""
    try:
        with transaction.atomic():
            for trace in traces:
                trace()
    except Error:
        logger.exception("%d traces could not be written", len(traces))


def _finished(request: HttpRequest, response: HttpResponseBase, started: float) -> HttpResponseBase:
    response.headers[HEADER] = current_origin().request_id
    if metrics.enabled():
        _measure(request, response, time.perf_counter() - started)
    level = logging.DEBUG if request.path_info in _UNREMARKABLE else logging.INFO
    if access.isEnabledFor(level):
        _log(level, request, response, (time.perf_counter() - started) * 1000)
    return response


def _measure(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """By the pattern of the address: addresses themselves hold ids."""
    route = getattr(request.resolver_match, "route", None) or "unresolved"
    method = request.method if request.method in _METHODS else "other"
    metrics.observe(metrics.HTTP_SECONDS, seconds, str(method), route, str(response.status_code))


def _log(level: int, request: HttpRequest, response: HttpResponseBase, milliseconds: float) -> None:
    # Never the query: people put tokens there.
    path, user = request.path[:_LONGEST_PATH], user_id_of(request)
    fields = {
        "method": request.method,
        "path": path,
        "status": response.status_code,
        "duration_ms": round(milliseconds, 1),
        "user_id": user or None,
        "address": current_origin().address or None,
    }
    access.log(
        level,
        "%s %s %d %.1f ms %s %s",
        request.method,
        path,
        response.status_code,
        milliseconds,
        user or "-",
        current_origin().address or "-",
        extra={"access": fields},
    )


def user_id_of(request: HttpRequest) -> str:
    """Who it was, if anything has asked for that already: the log asks no question of its own."""
    user = getattr(request, "_cached_user", None) or request.__dict__.get("user")
    if user is None or isinstance(user, SimpleLazyObject):
        return ""
    return str(user.pk) if user.pk else ""
