"""The part of allauth's JSON API that we want: second factors, social sign-in. To be included at the root where it is on.

Everything else of it (passwords, addresses, sign-up) has its own home here, and would be a second road past it.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

from django.http import Http404, HttpRequest
from django.urls import include, path, re_path

_WANTED: Final = (
    "config$",
    "auth/session$",
    "auth/reauthenticate$",
    "auth/2fa/",
    "auth/provider/",
    "account/authenticators",
    "account/providers$",
)


def not_here(request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
    raise Http404


urlpatterns = [
    re_path(rf"^_allauth/(?!browser/v1/(?:{'|'.join(_WANTED)}))", not_here),
    path("_allauth/", include("allauth.headless.urls")),
    path("accounts/", include("allauth.urls")),
]
