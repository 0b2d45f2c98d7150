from __future__ import annotations

from rest_framework.request import Request

from apps.accounts.models import ApiToken
from apps.accounts.permissions import Action, token_may
from apps.core.errors import Forbidden


def require_administer(request: Request) -> None:
    """For what only admins do: a token of few scopes must not do it either, whoever it belongs to."""
    if isinstance(request.auth, ApiToken) and not token_may(request.auth, Action.ADMINISTER):
        raise Forbidden("Only a token without scopes, or with the scope administer, may do this.")
