"""Requests per minute, by what a plan allows. For DEFAULT_THROTTLE_CLASSES.

Each credential has a bucket of its own, and the person behind all their credentials one of twice its size. Who has no
credential is limited by address. What is left is told with every answer, in the words of the IETF's draft
draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` says what holds, `RateLimit` where the client stands.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import threading
from collections import OrderedDict
from time import monotonic
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from apps.accounts.api.scopes import credential_of
from apps.accounts.models import User
from apps.billing import queries
from apps.billing.rates import WINDOW, Bucket, Taken, limiter
from apps.core.origin import current_origin

ANONYMOUS_PER_MINUTE: Final = 1_200
PERSON_TIMES: Final = 2
REMEMBERED_SECONDS: Final = 60.0
"""How long a limit is known without asking the database: so late a new plan makes itself felt here."""
_MOST_REMEMBERED: Final = 10_000
_IPV6_OF_ONE: Final = 64


class PlanThrottle(BaseThrottle):
    """Counts a request once, however often it is asked, and leaves the headers where the view finds them."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if not hasattr(request, "rate_taken"):
            request.rate_taken = self._take(request)  # type: ignore[attr-defined]  # for the others that ask
        self.taken: Taken | None = request.rate_taken  # type: ignore[attr-defined]
        return self.taken is None or self.taken.allowed

    def wait(self) -> float | None:
        return self.taken.wait if self.taken else None

    def _take(self, request: Request) -> Taken | None:
        server = limiter() if settings.SYMPHONY_RATE_LIMITS > 0 else None
        taken = server.take(_buckets(request)) if server else None
        if taken is not None:
            request.rate_headers = headers(taken)  # type: ignore[attr-defined]  # read by TenantAPIView
        return taken


def headers(taken: Taken) -> dict[str, str]:
    return {
        "RateLimit-Policy": ", ".join(
            f'"{each.bucket.name}";q={each.bucket.limit};w={WINDOW}' for each in taken.levels
        ),
        "RateLimit": ", ".join(
            f'"{each.bucket.name}";r={each.left};t={math.ceil(each.full if each.left else each.wait)}'
            for each in taken.levels
        ),
    }


def _buckets(request: Request) -> list[Bucket]:
    user = request.user
    if not isinstance(user, User):
        return [Bucket("address", _address(request), _scaled(ANONYMOUS_PER_MINUTE))]
    credential = credential_of(request)
    limit = _scaled(_known.limit(user.pk, credential.bound_to if credential else None))
    own = f"{credential.kind}:{credential.id}" if credential else f"session:{_session(request)}"
    return [Bucket("credential", own, limit), Bucket("person", str(user.pk), limit * PERSON_TIMES)]


def _scaled(limit: int) -> int:
    return max(1, round(limit * settings.SYMPHONY_RATE_LIMITS))


def _session(request: Request) -> str:
    key = getattr(getattr(request, "session", None), "session_key", None) or str(request.user.pk)
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _address(request: Request) -> str:
    """The client's, of IPv6 the network a household has."""
    text = current_origin().address or str(request.META.get("REMOTE_ADDR", ""))
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network((address, _IPV6_OF_ONE), strict=False))
    return str(address)


class _Limits:
    """What the database said lately of the limits of people; the oldest is forgotten when there are too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[UUID, UUID | None], tuple[float, int]] = OrderedDict()

    def limit(self, user_id: UUID, organization_id: UUID | None) -> int:
        key = (user_id, organization_id)
        with self._lock:
            until, limit = self._kept.get(key, (0.0, 0))
        if monotonic() < until:
            return limit
        limit = _limit_of(user_id, organization_id)
        with self._lock:
            self._kept[key] = (monotonic() + REMEMBERED_SECONDS, limit)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_REMEMBERED:
                self._kept.popitem(last=False)
        return limit

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()


_known: Final = _Limits()
_UNLIMITED: Final = 10**9


def _limit_of(user_id: UUID, organization_id: UUID | None) -> int:
    entitled = queries.entitlements_of(organization_id) if organization_id else queries.entitlements_of_person(user_id)
    return _UNLIMITED if entitled.requests_per_minute is None else max(entitled.requests_per_minute, 1)
