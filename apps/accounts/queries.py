"""What may be read of accounts, and by whom.

Each query names its user beside row-level security, so that it also holds for a database role that bypasses that.
"""

from __future__ import annotations

import hashlib
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import ApiToken, Membership, Organization, User
from apps.core.errors import NotFound
from apps.core.tenancy import acting_as, local_setting

TOKEN_MARK: Final = "sym_"  # noqa: S105 - how every token begins, so that a leaked one is found
_LONGEST_TOKEN: Final = 200


def organizations(*, actor: User) -> QuerySet[Organization]:
    return Organization.objects.filter(memberships__user=actor, is_active=True)


def organization_for(*, actor: User, reference: str | None = None) -> Organization:
    """By slug or UUID; the actor's personal one where nothing is named."""
    found = organizations(actor=actor)
    if reference is None:
        found = found.filter(is_personal=True, owner_user=actor)
    else:
        identifier = _uuid_or_none(reference)
        found = found.filter(slug=reference) if identifier is None else found.filter(id=identifier)
    with acting_as(actor.pk):
        organization = found.first()
    if organization is None:
        raise NotFound("There is no such organization, or you are not a member of it.")
    return organization


def members(*, actor: User, organization: Organization) -> QuerySet[Membership]:
    """All members, to a member; to anybody else none. Evaluate it while acting as the actor."""
    return Membership.objects.filter(organization=organization, organization__memberships__user=actor).select_related(
        "user"
    )


def role_of(*, user: User, organization: Organization) -> str | None:
    with acting_as(user.pk):
        return (
            Membership.objects.filter(user=user, organization=organization, organization__is_active=True)
            .values_list("role", flat=True)
            .first()
        )


def tokens(*, actor: User) -> QuerySet[ApiToken]:
    """Those not revoked. Evaluate it while acting as the actor."""
    return ApiToken.objects.filter(user=actor, revoked_at=None)


def authenticate_token(secret: str) -> ApiToken | None:
    """The usable token of this secret with its active user, or None."""
    if not secret.startswith(TOKEN_MARK) or len(secret) > _LONGEST_TOKEN:
        return None
    digest = token_hash(secret)
    with local_setting("app.token_hash", digest):
        token = ApiToken.objects.select_related("user").filter(hash=digest, user__is_active=True).first()
    return token if token is not None and token.is_usable else None


def token_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def token_is_fresh(token: ApiToken, *, seconds: float) -> bool:
    """Whether its use was written down less than `seconds` ago."""
    return token.last_used_at is not None and (timezone.now() - token.last_used_at).total_seconds() < seconds


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
