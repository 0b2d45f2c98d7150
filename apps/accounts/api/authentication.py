"""`Authorization: Token sym_…`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from apps.accounts import queries, services
from apps.accounts.models import ApiToken, User
from apps.accounts.permissions import Action, scopes_allow
from apps.core.tenancy import set_bound


def actor_of(request: Request) -> User:
    """The signed-in user, for services; permission classes have let nobody else this far."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def keep_to_scopes(request: Request, scopes: Sequence[str]) -> None:
    """For authenticators of every kind: here, so that no view can forget it."""
    needed = Action.READ if request.method in SAFE_METHODS else Action.WRITE
    if not scopes_allow(scopes, needed):
        raise PermissionDenied(f"This token may not {needed}: its scopes are {', '.join(scopes)}.")


class TokenAuthentication(BaseAuthentication):
    """Knows the user by an API token."""

    keyword = "Token"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != self.keyword.lower():
            return None
        token = queries.authenticate_token(secret.strip())
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked; create a new one.")
        request.acting_as = token.user_id  # type: ignore[attr-defined]  # read by TenantAPIView
        keep_to_scopes(request, token.scopes)
        if token.only_organization_id is not None:
            set_bound(token.only_organization_id)
        services.note_token_use(token=token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return f'{self.keyword} realm="symphony"'


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "The word `Token`, a space, and an API token (`sym_…`).",
        }
