"""`Authorization: Bearer …`: an access token of the website (a JWT), or of the editor (OAuth2)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError

from apps.accounts.api.authentication import keep_to_scopes
from apps.accounts.credentials import EDITOR, WEBSITE, Credential
from apps.accounts.models import User
from apps.core.tenancy import set_actor
from apps.signin import queries
from apps.signin.api.jwt import SessionAccessToken
from apps.signin.oauth.core import ACCESS_MARK

_LONGEST: Final = 4096


class _BearerAuthentication(BaseAuthentication):
    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, Credential] | None:
        scheme, _, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        secret = secret.strip()
        if scheme.lower() != self.keyword.lower() or not self.is_ours(secret):
            return None
        found = self.find(request, secret) if len(secret) <= _LONGEST else None
        if found is None:
            raise AuthenticationFailed(self.refusal)
        user, credential = found
        keep_to_scopes(request, credential.scopes)
        return user, credential

    def authenticate_header(self, request: Request) -> str:
        return f'{self.keyword} realm="symphony"'

    refusal = ""

    def is_ours(self, secret: str) -> bool:
        raise NotImplementedError

    def find(self, request: Request, secret: str) -> tuple[User, Credential] | None:
        """The active user of a secret that is good; sets the actor."""
        raise NotImplementedError


class AccessTokenAuthentication(_BearerAuthentication):
    """Each request asks for the session too (in the query that loads the user anyway): once ended, it is over at once."""

    refusal = "This access token is not valid or has expired, or its session is over; refresh it, or sign in again."

    def is_ours(self, secret: str) -> bool:
        # Whatever is not marked as the editor's is taken for one of these, so that every bearer gets an answer.
        return not secret.startswith(ACCESS_MARK)

    def find(self, request: Request, secret: str) -> tuple[User, Credential] | None:
        try:
            token = SessionAccessToken(secret)  # type: ignore[arg-type]  # a text, whatever its annotation says
            user_id, session_id = UUID(str(token["sub"])), UUID(str(token["sid"]))
        except (TokenError, KeyError, ValueError):
            return None
        set_actor(user_id)
        request.acting_as = user_id  # type: ignore[attr-defined]  # read by TenantAPIView
        session = queries.usable_session(user_id=user_id, session_id=session_id)
        if session is None:
            return None
        return session.user, Credential(WEBSITE, str(session.pk), tuple(session.scopes))


class EditorAuthentication(_BearerAuthentication):
    refusal = "This access token is unknown, expired or revoked; refresh it, or connect the program again."

    def is_ours(self, secret: str) -> bool:
        return secret.startswith(ACCESS_MARK)

    def find(self, request: Request, secret: str) -> tuple[User, Credential] | None:
        token = queries.editor_token_of(secret)
        if token is None or token.user is None:
            return None
        if not token.allows_audience(request.build_absolute_uri(request.path)):
            return None
        # The toolkit knows no token without scopes; ours without would open everything.
        scopes = tuple(token.scope.split())
        if not scopes:
            return None
        set_actor(token.user.pk)
        request.acting_as = token.user.pk  # type: ignore[attr-defined]  # read by TenantAPIView
        return token.user, Credential(EDITOR, str(token.pk), scopes)


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = AccessTokenAuthentication
    name = "website"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of `POST /api/v1/auth/jwt/`.",
        }


class EditorScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = EditorAuthentication
    name = "oauth2"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        scopes = {
            "read": "See what you see",
            "write": "Create, change and run what you may",
            "administer": "Administer organizations where you may, and manage your tokens",
        }
        return {
            "type": "oauth2",
            "description": "Authorization code with PKCE (S256), for programs that people let in.",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": "/oauth2/authorize/",
                    "tokenUrl": "/oauth2/token/",
                    "refreshUrl": "/oauth2/token/",
                    "scopes": scopes,
                }
            },
        }
