"""What the credential of a request may be used for, whatever kind it is. The one place that knows.

A session of a browser, and a token without scopes, may do all that their user may. Roles are asked besides, by the
services: a scope never gives what the role does not.
"""

from __future__ import annotations

from rest_framework.request import Request

from apps.accounts.credentials import API_TOKEN, WEBSITE, Credential
from apps.accounts.models import ApiToken
from apps.accounts.permissions import Action, scopes_allow
from apps.core.errors import Forbidden


def credential_of(request: Request) -> Credential | None:
    """None for the session of a browser (and for nobody at all)."""
    auth = request.auth
    if isinstance(auth, ApiToken):
        return Credential(API_TOKEN, str(auth.pk), tuple(auth.scopes), auth.only_organization_id)
    return auth if isinstance(auth, Credential) else None


def scopes_of(request: Request) -> frozenset[Action]:
    """Every action that the credential allows."""
    credential = credential_of(request)
    return frozenset(action for action in Action if credential is None or scopes_allow(credential.scopes, action))


def may(request: Request, action: Action) -> bool:
    return action in scopes_of(request)


def require_scope(request: Request, action: Action) -> None:
    credential = credential_of(request)
    if credential is not None and not scopes_allow(credential.scopes, action):
        raise Forbidden(f"This credential may not {action}: its scopes are {', '.join(credential.scopes)}.")


def require_administer(request: Request) -> None:
    """For what only admins do: a credential of few scopes must not do it either, whoever it belongs to."""
    if not may(request, Action.ADMINISTER):
        raise Forbidden("Only a credential without scopes, or with the scope administer, may do this.")


def require_session_or_full(request: Request) -> None:
    """For what would make a credential more than it is: its keys, its owner's account, all organizations at once."""
    require_administer(request)
    credential = credential_of(request)
    if credential is not None and credential.bound_to is not None:
        raise Forbidden("This token opens one organization only; use one that is bound to none.")


def require_person(request: Request) -> None:
    """For what a person does and no program: a browser's session, or a full sign-in of the website."""
    require_session_or_full(request)
    credential = credential_of(request)
    if credential is not None and credential.kind != WEBSITE:
        raise Forbidden("Sign in to do this: no token of a program may.")
