"""What every view of the API stands on."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.origin import let_in_by
from apps.core.tenancy import set_actor


class TenantAPIView(APIView):
    """Tells the database who is asking, as soon as that is known and before permissions look anything up.

    It holds to the end of the request's transaction (ATOMIC_REQUESTS). A middleware could not do this: a token's user is
    known inside the view only. For any DRF view: `class MelodyList(TenantAPIView, ListAPIView)`.
    """

    _counted = False

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if request.user.is_authenticated:
            # What an authenticator gives for `request.auth` may say of what kind it is; nothing at all is a session.
            let_in_by(str(getattr(request.auth, "kind", "session" if request.auth is None else "token")))
            # Those who know a user by a secret have said so already, and name whom: `request.acting_as`.
            if getattr(request, "acting_as", None) != request.user.pk:
                set_actor(request.user.pk)

    def check_throttles(self, request: Request) -> None:
        self._counted = True
        super().check_throttles(request)

    def handle_exception(self, exc: Exception) -> Response:
        # Who is turned away at the door is counted too: guessing at credentials is limited as everything else.
        if not self._counted and isinstance(exc, APIException):
            try:
                self.check_throttles(self.request)
            except Throttled as throttled:
                exc = throttled
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Throttles leave what a client should know of its limits in `request.rate_headers`."""
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in getattr(request, "rate_headers", {}).items():
            response.headers[name] = value
        return response
