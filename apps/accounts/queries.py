"""What may be read of accounts, and by whom.

Each query names its user beside row-level security, so that it also holds for a database role that bypasses that.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final, TypeVar
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.accounts.models import (
    ApiToken,
    Invitation,
    InvitationStatus,
    Membership,
    Organization,
    Role,
    Team,
    TeamMembership,
    User,
)
from apps.accounts.names import is_username
from apps.core.db.prepared import Prepared
from apps.core.db.rows import Columns
from apps.core.errors import NotFound
from apps.core.tenancy import USER, acting_as, asked_with, local_setting, set_until_commit

TOKEN_MARK: Final = "sym_"  # noqa: S105 - how every token begins, so that a leaked one is found
_LONGEST_TOKEN: Final = 200
_TOKEN: Final = Columns(ApiToken, "t")
_PERSON: Final = Columns(User, "u")
_MOST_WORDS: Final = 10

Member = TypeVar("Member", Membership, TeamMembership)


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


def members_with(found: QuerySet[Member], words: str) -> QuerySet[Member]:
    """Of memberships, in organizations or teams, those of people whose names or addresses hold all the words."""
    for word in words.split()[:_MOST_WORDS]:
        found = found.filter(
            Q(user__email__icontains=word) | Q(user__display_name__icontains=word) | Q(user__username__icontains=word)
        )
    return found


def person(*, username: str) -> User:
    """Whoever goes by this name in public."""
    found = (
        User.objects.filter(username=username.lower(), is_active=True).first()
        if is_username(username.lower())
        else None
    )
    if found is None:
        raise NotFound("Nobody goes by this name here.")
    return found


def invitations(*, actor: User, organization: Organization) -> QuerySet[Invitation]:
    """To an admin, all that were ever made. Evaluate it while acting as the actor."""
    return Invitation.objects.filter(
        organization=organization,
        organization__memberships__user=actor,
        organization__memberships__role__in=(Role.OWNER, Role.ADMIN),
    ).select_related("organization", "invited_by")


def invitations_to(*, actor: User) -> QuerySet[Invitation]:
    """Those the actor may answer now. Evaluate it while acting as them, with the setting `app.invited` "on"."""
    if not actor.email_verified:
        return Invitation.objects.none()
    return Invitation.objects.filter(
        email=actor.email,
        status=InvitationStatus.PENDING,
        expires_at__gt=timezone.now(),
        organization__is_active=True,
    ).select_related("organization", "invited_by")


def invitation_of(identifier: UUID, secret_hash: str) -> Invitation | None:
    """Whoever shows the secret may see it, whoever they are."""
    with local_setting("app.invitation_hash", secret_hash), local_setting("app.invited", "on"):
        found = Invitation.objects.select_related("organization", "invited_by")
        return found.filter(pk=identifier, token_hash=secret_hash).first()


def teams(*, actor: User, organization: Organization) -> QuerySet[Team]:
    """With `member_count`. Evaluate it while acting as the actor."""
    # Counted apart: a join with the members would meet the one that asks whether the actor is one.
    own = TeamMembership.objects.filter(team=OuterRef("pk")).order_by().values("team")
    counted = own.annotate(number=Count("pk")).values("number")
    return (
        Team.objects.filter(organization=organization, organization__memberships__user=actor)
        .select_related("organization")
        .annotate(member_count=Coalesce(Subquery(counted), 0))
    )


def teams_with(found: QuerySet[Team], words: str) -> QuerySet[Team]:
    """Those whose name or description hold all the words."""
    for word in words.split()[:_MOST_WORDS]:
        found = found.filter(Q(name__icontains=word) | Q(description__icontains=word))
    return found


def teams_of(found: QuerySet[Team], *, actor: User) -> QuerySet[Team]:
    return found.filter(Exists(TeamMembership.objects.filter(team=OuterRef("pk"), user=actor)))


def team_members(*, actor: User, team: Team) -> QuerySet[TeamMembership]:
    """Evaluate it while acting as the actor."""
    return TeamMembership.objects.filter(team=team, organization__memberships__user=actor).select_related(
        "user", "team__organization"
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
    """The usable token of this secret with its active user, or None. The transaction that is open already acts as that user
    from then on. Every request of the API begins like this: hence one round trip without a query to be built."""
    if not secret.startswith(TOKEN_MARK) or len(secret) > _LONGEST_TOKEN:
        return None
    digest = token_hash(secret)
    found = asked_with({"app.token_hash": digest}, _admission(), [digest])
    if not found:
        set_until_commit({"app.token_hash": ""})
        return None
    *columns, admitted, _, _ = found[0]
    if admitted is None:
        return None
    token = _TOKEN.read(columns[: len(_TOKEN)])
    token.user = _PERSON.read(columns[len(_TOKEN) :])
    return token


@cache
def _admission() -> Prepared:
    """The presented token and its person. Behind them who acts from now on, if the token is usable (`ApiToken.is_usable`), and
    that it is not presented any more: what a SELECT lists is computed for a row it has found, from left to right."""
    return Prepared(
        "accounts_admission",
        f"SELECT {_TOKEN.sql}, {_PERSON.sql}, "
        "CASE WHEN t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp()) "
        f"THEN set_config('{USER}', u.id::text, true) END, set_config('app.token_hash', '', true), app_stand() "
        "FROM accounts_apitoken t JOIN accounts_user u ON u.id = t.user_id WHERE t.hash = $1 AND u.is_active",
    )


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
