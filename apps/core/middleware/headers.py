"""What browsers are told about every answer, beside what Django and django-csp tell them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asgiref.sync import iscoroutinefunction
from csp.constants import HEADER
from csp.middleware import CheckableLazyObject, CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

# Nothing here uses any of it, nor may what somebody manages to smuggle in.
_UNUSED: Final = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation", "gyroscope",
    "hid", "magnetometer", "microphone", "midi", "payment", "picture-in-picture", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS: Final = ", ".join(f"{feature}=()" for feature in _UNUSED)
PERSONAL: Final = "private, no-store"
OWN: Final = "private, no-cache"
_PUBLIC: Final = ("/api/schema", "/api/docs", "/livez", "/readyz")


_SPECIAL: Final = frozenset(
    f"_csp_{said}{kind}" for said in ("exempt", "config", "update", "replace") for kind in ("", "_ro")
)


class ContentPolicyMiddleware(CSPMiddleware):
    """django-csp's, with the policy of all pages that ask for nothing of their own composed once and not each time."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self._usual = build_policy()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        usual = "_csp_nonce" not in request.__dict__ and _SPECIAL.isdisjoint(response.__dict__) and not settings.DEBUG
        if not usual or HEADER in response.headers:
            return super().process_response(request, response)
        response.headers[HEADER] = self._usual
        # A nonce that is asked for from now on would be in no header.
        request.csp_nonce = CheckableLazyObject(self._csp_nonce_post_response)  # type: ignore[attr-defined]
        return response


@sync_and_async_middleware
def security_headers(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    if iscoroutinefunction(get_response):

        async def around_async(request: HttpRequest) -> HttpResponseBase:
            return _with_headers(request, await get_response(request))

        return around_async

    def around(request: HttpRequest) -> HttpResponseBase:
        return _with_headers(request, get_response(request))

    return around


def _with_headers(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    headers = response.headers
    headers.setdefault("Permissions-Policy", PERMISSIONS)
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("X-Permitted-Cross-Domain-Policies", "none")
    if "Cache-Control" not in headers and not request.path_info.startswith(_PUBLIC):
        headers["Cache-Control"] = PERSONAL if request.path_info.startswith("/api/") else OWN
    return response
