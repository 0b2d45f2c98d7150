"""Liveness, readiness and metrics of the web, for load balancers, Prometheus, and `up` itself."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from apps.core.api.problems import problem_response
from apps.core.origin import current_origin
from symphony.observability import checks
from symphony.observability.prometheus import CONTENT_TYPE
from symphony.observability.wiring import web, web_access


@require_safe
@transaction.non_atomic_requests
def livez(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
@transaction.non_atomic_requests
def readyz(request: HttpRequest) -> JsonResponse:
    """Database and cache answer too, and the tables are those of this version; 503 names what is wrong.

    The broker is told of and decides nothing: without it runs are taken all the same, and begin when it is back.
    """
    found = checks.of_web()
    ready = not any(found.values())
    told = {name: "ok" if wrong is None else wrong for name, wrong in (*found.items(), ("broker", checks.broker()))}
    return JsonResponse({"status": "ok" if ready else "unavailable", **told}, status=200 if ready else 503)


@require_safe
@transaction.non_atomic_requests
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus. Where nobody may read it there is nothing; else whoever may not is told so, as programs read it."""
    access, authorization = web_access(), request.headers.get("Authorization", "")
    if not access.allows(authorization=authorization, address=current_origin().address):
        no = access.refusal
        return problem_response(status=no.status, code=no.code, detail=no.detail, headers=no.headers)
    return HttpResponse(web.text(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})
