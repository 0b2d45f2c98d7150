"""Liveness and readiness, for load balancers and for `up` itself."""

from __future__ import annotations

from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis import RedisError


@require_safe
@transaction.non_atomic_requests
def livez(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
@transaction.non_atomic_requests
def readyz(request: HttpRequest) -> JsonResponse:
    """Database and cache answer too; 503 names the one that does not."""
    checks = {"database": _database(), "cache": _cache()}
    ready = all(checks.values())
    named = {name: "ok" if fine else "unreachable" for name, fine in checks.items()}
    return JsonResponse({"status": "ok" if ready else "unavailable", **named}, status=200 if ready else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _cache() -> bool:
    try:
        cache.get("readyz")
    except (RedisError, OSError):
        return False
    return True
