"""Tokens of programs."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts import queries
from apps.accounts.errors import invalid
from apps.accounts.models import ApiToken, Organization, User
from apps.accounts.permissions import Action
from apps.core.errors import Conflict, NotFound
from apps.core.tenancy import acting_as
from apps.core.trail import leave_trace

_TOKEN_USE_WRITTEN_EVERY: Final = 60.0
TOKENS_PER_PERSON: Final = 200


def usual_expiry() -> datetime:
    """When a token ends for which nobody said when."""
    return timezone.now() + timedelta(days=settings.SYMPHONY_TOKEN_DAYS)


def create_token(
    *,
    actor: User,
    name: str,
    scopes: Iterable[str] = (),
    expires_at: datetime | None = None,
    organization: Organization | None = None,
) -> tuple[ApiToken, str]:
    """The token's row and its secret. The secret is shown this once: only its hash is kept.

    `expires_at` None: as late as this server allows; `organization`: the only one it opens, one the actor is a member of.
    """
    wanted = _checked_scopes(scopes)
    expires_at = _checked_expiry(expires_at)
    prefix = secrets.token_hex(4)
    secret = f"{queries.TOKEN_MARK}{prefix}_{secrets.token_urlsafe(32)}"
    token = ApiToken(
        user=actor,
        name=name.strip() or "token",
        prefix=prefix,
        hash=queries.token_hash(secret),
        scopes=wanted,
        expires_at=expires_at,
        only_organization=organization,
    )
    with acting_as(actor.pk), transaction.atomic():
        if organization is not None and queries.role_of(user=actor, organization=organization) is None:
            raise NotFound("There is no such organization, or you are not a member of it.")
        if queries.tokens(actor=actor).count() >= TOKENS_PER_PERSON:
            raise Conflict(f"You have {TOKENS_PER_PERSON} tokens; revoke those you no longer use.")
        token.save(force_insert=True)
        leave_trace("token.created", actor=actor, organization=organization, target=token, after=_told(token))
    return token, secret


def rename_token(*, actor: User, token: ApiToken, name: str) -> ApiToken:
    name = name.strip()
    if not name:
        raise invalid("/name", "required", "A token needs a name, to be told from the others.")
    with acting_as(actor.pk), transaction.atomic():
        if not queries.tokens(actor=actor).filter(pk=token.pk).update(name=name):
            raise NotFound("There is no such token, or it is revoked already.")
        before, token.name = token.name, name
        leave_trace("token.renamed", actor=actor, target=token, before={"name": before}, after={"name": name})
    return token


def revoke_token(*, actor: User, token: ApiToken) -> ApiToken:
    """From the next request on. The row stays, so that what the token did can still be told."""
    with acting_as(actor.pk), transaction.atomic():
        owned = ApiToken.objects.filter(pk=token.pk, user=actor, revoked_at=None)
        if not owned.update(revoked_at=timezone.now()):
            raise NotFound("There is no such token, or it is revoked already.")
        token.refresh_from_db()
        leave_trace("token.revoked", actor=actor, target=token, before=_told(token))
    return token


def revoke_tokens(*, tokens: QuerySet[ApiToken], actor: User | None = None) -> int:
    """Staff revokes tokens of anybody; call it within the staff scope. Returns how many were still good."""
    good = list(tokens.filter(revoked_at=None))
    revoked = ApiToken.objects.filter(pk__in=[token.pk for token in good], revoked_at=None).update(
        revoked_at=timezone.now()
    )
    for token in good:
        leave_trace("token.revoked", actor=actor, target=token, before=_told(token))
    return revoked


def revoke_bound_tokens(*, user: User, organization: Organization) -> int:
    """Whoever is a member no longer has no use for tokens that open this organization only."""
    with acting_as(user.pk):
        return ApiToken.objects.filter(user=user, only_organization=organization, revoked_at=None).update(
            revoked_at=timezone.now()
        )


def note_token_use(*, token: ApiToken) -> None:
    """Write down that the token was used, about once a minute; call it while acting as its user."""
    if queries.token_is_fresh(token, seconds=_TOKEN_USE_WRITTEN_EVERY):
        return
    # A request holds its locks to its end: whoever finds the row locked leaves the note to the one who holds it.
    free = ApiToken.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=token.pk)
    ApiToken.objects.filter(pk__in=free.values("pk")).update(last_used_at=timezone.now())


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in list(Action)]
    if unknown:
        raise invalid("/scopes", "unknown_scope", f"There is no scope {unknown[0]!r}; choose from {', '.join(Action)}.")
    return wanted


def _checked_expiry(expires_at: datetime | None) -> datetime | None:
    if expires_at is not None and expires_at <= timezone.now():
        raise invalid("/expires_at", "in_the_past", "A token that has expired already would open nothing.")
    longest = settings.SYMPHONY_TOKEN_MAX_DAYS
    latest = timezone.now() + timedelta(days=longest, minutes=1) if longest else None
    if latest is not None and expires_at is not None and expires_at > latest:
        raise invalid("/expires_at", "too_late", f"Tokens last {longest} days at most here.")
    return latest if expires_at is None else expires_at


def _told(token: ApiToken) -> dict[str, object]:
    """What a trace says of a token: never its secret, nor the hash of it."""
    return {
        "name": token.name,
        "scopes": list(token.scopes),
        "expires_at": None if token.expires_at is None else token.expires_at.isoformat(),
        "organization": None if token.only_organization_id is None else str(token.only_organization_id),
    }
