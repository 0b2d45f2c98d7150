"""The addresses that programs use: tokens, device codes, revocation, introspection, metadata (RFC 6749, 7009, 7662, 8414, 8628)."""

from __future__ import annotations

import json
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View
from oauth2_provider import views as toolkit
from oauth2_provider.models import (
    AbstractApplication,
    AccessToken,
    Application,
    DeviceCodeResponse,
    DeviceRequest,
    create_device_grant,
)
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.common import Request as OAuthRequest
from oauthlib.oauth2 import DeviceApplicationServer

from apps.core import attempts
from apps.core.attempts import Guarded, Limit, TooManyAttempts
from apps.core.origin import current_origin
from apps.signin import queries
from apps.signin.oauth.bounds import is_bounded
from apps.signin.oauth.core import hashed
from apps.signin.oauth.validator import POLL_SECONDS, may_use_devices
from apps.signin.user_codes import spoken

# Of tries that failed: whoever has the right code or token may come as often as they like.
TOKEN_TRIES: Final = Limit("token endpoint", free=60, pause=5, longest=300, memory=600)
DEVICE_CODES: Final = Limit("device codes asked for", free=30, pause=5, longest=300, memory=600)
DEVICE_SECONDS: Final = 600
_PATIENT: Final = frozenset({"authorization_pending", "slow_down"})


def refused(error: str, description: str, status: int = 400, **headers: str) -> JsonResponse:
    return JsonResponse({"error": error, "error_description": description}, status=status, headers=headers)


@method_decorator([csrf_exempt, never_cache], name="dispatch")
class _ProgramView(View):
    """Bounds what comes in, and counts what fails. `limit` is per network."""

    limit: Limit = TOKEN_TRIES

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_bounded(request):
            return refused("invalid_request", "A parameter is longer than it may be, or holds a NUL byte.")
        network = attempts.network_of(current_origin().address)
        guarded = [Guarded(self.limit, network)] if network else []
        try:
            attempts.take(guarded)
        except TooManyAttempts as error:
            return refused("slow_down", error.detail, 429, **{"Retry-After": str(error.extra["retry_after"])})
        response = super().dispatch(request, *args, **kwargs)
        if self.is_fair(response):
            attempts.give_back(guarded)
        return response

    def is_fair(self, response: HttpResponseBase) -> bool:
        return response.status_code < 400


class TokenView(_ProgramView, toolkit.TokenView):  # type: ignore[misc]  # it publishes no types
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Device codes go the way of all others: `SymphonyValidator.validate_device_code` knows them.
        response: HttpResponse = self.authorization_flow_token_response(request)
        return response

    def is_fair(self, response: HttpResponseBase) -> bool:
        if super().is_fair(response):
            return True
        content = getattr(response, "content", b"")
        return bool(content[:1] == b"{" and json.loads(content).get("error") in _PATIENT)


class RevokeTokenView(_ProgramView, toolkit.RevokeTokenView):  # type: ignore[misc]  # it publishes no types
    pass


class IntrospectTokenView(_ProgramView, OAuthLibMixin):  # type: ignore[misc]  # it publishes no types
    """For confidential clients, by their secret; no bearer token opens it."""

    def post(self, request: HttpRequest) -> HttpResponse:
        client = self._client(request)
        if client is None or client.client_type != AbstractApplication.CLIENT_CONFIDENTIAL:
            return refused("invalid_client", "Introspection is for clients with a secret.", 401)
        token = queries.editor_token_of(request.POST.get("token", ""))
        return JsonResponse({"active": False} if token is None else _described(token))

    def _client(self, request: HttpRequest) -> AbstractApplication | None:
        core = self.get_oauthlib_core()
        asked = OAuthRequest(*core._extract_params(request))  # noqa: SLF001 - its own `authenticate_client` keeps the client to itself
        return asked.client if core.server.request_validator.authenticate_client(asked) else None


class DeviceAuthorizationView(_ProgramView, OAuthLibMixin):  # type: ignore[misc]  # it publishes no types
    """RFC 8628, section 3.1: a program without a browser asks for a pair of codes."""

    server_class = DeviceApplicationServer
    limit = DEVICE_CODES

    def post(self, request: HttpRequest) -> HttpResponse:
        headers, answer, status = self.create_device_authorization_response(request)
        if status != 200:
            return JsonResponse(json.loads(answer), status=status, headers=headers)
        client_id = request.POST["client_id"]
        application = Application.objects.filter(client_id=client_id).first()
        if application is None or not may_use_devices(application):
            return refused("unauthorized_client", "This client may not use the device flow.", 400)
        page = request.build_absolute_uri(reverse("oauth2_provider:device"))
        shown = spoken(answer["user_code"])
        answer |= {"verification_uri": page, "verification_uri_complete": f"{page}?user_code={shown}"}
        answer["expires_in"] = DEVICE_SECONDS
        scope = answer.pop("scope", "")
        kept = DeviceCodeResponse(**answer | {"device_code": hashed(answer["device_code"])})
        create_device_grant(DeviceRequest(client_id=client_id, scope=scope), kept)
        return JsonResponse({**answer, "user_code": shown, "interval": POLL_SECONDS}, headers=headers)

    def is_fair(self, response: HttpResponseBase) -> bool:
        return False


class MetadataView(toolkit.OAuthServerMetadataView):  # type: ignore[misc]  # it publishes no types
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        told = json.loads(super().get(request, *args, **kwargs).content)
        told["device_authorization_endpoint"] = request.build_absolute_uri(
            reverse("oauth2_provider:device-authorization")
        )
        told["introspection_endpoint_auth_methods_supported"] = ["client_secret_basic", "client_secret_post"]
        return JsonResponse(told, headers={"Access-Control-Allow-Origin": "*"})


def _described(token: AccessToken) -> dict[str, Any]:
    described = {"active": True, "scope": token.scope, "exp": int(token.expires.timestamp()), "token_type": "Bearer"}
    if token.application is not None:
        described["client_id"] = token.application.client_id
    if token.user is not None:
        described["sub"] = str(token.user_id)
    if token.resource:
        described["aud"] = token.resource
    return described
