"""Who may do what in an organization. The database enforces reading and writing too; this says why not, politely."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from apps.accounts import queries
from apps.accounts.models import ApiToken, Organization, Role, User
from apps.core.errors import Forbidden, NotFound


class Action(StrEnum):
    """What a role allows in an organization. Also the scopes of tokens, each of which includes those above it."""

    READ = "read"
    WRITE = "write"
    ADMINISTER = "administer"


ROLE_ACTIONS: Final[dict[str, frozenset[Action]]] = {
    Role.OWNER: frozenset({Action.READ, Action.WRITE, Action.ADMINISTER}),
    Role.ADMIN: frozenset({Action.READ, Action.WRITE, Action.ADMINISTER}),
    Role.MEMBER: frozenset({Action.READ, Action.WRITE}),
    Role.VIEWER: frozenset({Action.READ}),
}


def may(role: str | None, action: Action) -> bool:
    return role is not None and action in ROLE_ACTIONS[role]


def require(*, actor: User, organization: Organization, action: Action) -> str:
    """The actor's role, or an error; to a stranger the organization does not exist."""
    role = queries.role_of(user=actor, organization=organization)
    if role is None:
        raise NotFound("There is no such organization, or you are not a member of it.")
    require_of(role, organization, action)
    return role


def require_of(role: str, organization: Organization, action: Action) -> None:
    """For who has looked the role up already."""
    if not may(role, action):
        raise Forbidden(f"As {role} of {organization.name} you may not {action} here; ask one of its admins.")


def token_may(token: ApiToken, action: Action) -> bool:
    """A token without scopes may do all that its user may."""
    return scopes_allow(token.scopes, action)


def scopes_allow(scopes: Iterable[str], action: Action) -> bool:
    """Each scope includes those before it; no scope at all means all of them."""
    order = list(Action)
    wanted = [order.index(Action(scope)) for scope in scopes]
    return not wanted or max(wanted) >= order.index(action)
