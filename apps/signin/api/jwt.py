"""Access tokens of the website: short-lived JSON Web Tokens that name their session."""

from __future__ import annotations

from typing import Self

from rest_framework_simplejwt.tokens import AccessToken

from apps.accounts.permissions import Action
from apps.signin.models import SignInSession


class SessionAccessToken(AccessToken):
    """`sub` is the user, `sid` the session, `scope` what it may be used for, with spaces between."""

    @classmethod
    def for_session(cls, session: SignInSession) -> Self:
        token = cls()
        token["sub"] = str(session.user_id)
        token["sid"] = str(session.pk)
        token["scope"] = " ".join(session.scopes or list(Action))
        return token

    @property
    def seconds(self) -> int:
        """How long it lasts."""
        return int(self["exp"]) - int(self["iat"])
