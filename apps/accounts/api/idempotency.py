"""`Idempotency-Key`: a POST that is sent twice has its effect once."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import services
from apps.accounts.api.authentication import actor_of
from apps.accounts.services import StoredResponse
from apps.core.errors import Invalid

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
_LONGEST_KEY: Final = 255
_KEPT_HEADERS: Final = ("Content-Type", "Location", "ETag")


class _ReplayError(Exception):
    """Leaves the view's road before its handler, with the response that was given before."""

    def __init__(self, stored: StoredResponse) -> None:
        super().__init__("replayed")
        self.stored = stored


class IdempotentMixin(APIView):
    """For a view below `TenantAPIView`: `class MelodyList(IdempotentMixin, TenantAPIView, ListCreateAPIView)`.

    Key, effect and response are written in the request's one transaction: an error rolls all of them back, and the same
    key may then be tried again. Not for responses that hold a secret: they are kept as they were sent.
    """

    idempotent = True
    _key: str | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        key = request.headers.get(HEADER) if request.method == "POST" else None
        # The body is read before the authenticators: session authentication may consume a form to check its CSRF token.
        fingerprint = _fingerprint(request) if key is not None else ""
        super().initial(request, *args, **kwargs)
        if key is None or not request.user.is_authenticated:
            return
        stored = services.begin_idempotent(actor=actor_of(request), key=_checked(key), fingerprint=fingerprint)
        if stored is not None:
            raise _ReplayError(stored)
        self._key = key

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, _ReplayError):
            return _replay(exc.stored)  # type: ignore[return-value]  # DRF takes any HttpResponse
        self._key = None
        response: Response = super().handle_exception(exc)
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self._key is None:
            return response
        if response.streaming or response.status_code >= 500:
            services.release_key(actor=actor_of(request), key=self._key)
        else:
            services.keep_response(actor=actor_of(request), key=self._key, response=_to_keep(response))
        return response


def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n{request.content_type}\n".encode())
    digest.update(request._request.body)  # noqa: SLF001 - read here, it stays readable for DRF's parsers
    return digest.hexdigest()


def _checked(key: str) -> str:
    if not (0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Invalid(f"{HEADER} must be 1 to {_LONGEST_KEY} printable ASCII characters.")
    return key


def _to_keep(response: HttpResponseBase) -> StoredResponse:
    if isinstance(response, Response):
        response.render()
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return StoredResponse(response.status_code, headers, response.content)  # type: ignore[attr-defined]


def _replay(stored: StoredResponse) -> HttpResponse:
    return HttpResponse(stored.body, status=stored.status, headers={**stored.headers, REPLAYED: "true"})
