"""What may be read of sign-ins. Each query names its user beside row-level security."""

from __future__ import annotations

import hashlib
from typing import Final
from uuid import UUID

from django.db.models import Max, Min, QuerySet
from django.utils import timezone
from oauth2_provider.models import AccessToken as EditorToken
from oauth2_provider.models import Application

from apps.accounts.models import User
from apps.core.tenancy import local_setting
from apps.signin.models import RefreshToken, SignInSession

REFRESH_MARK: Final = "symr_"
_LONGEST_SECRET: Final = 200


def sessions(*, actor: User) -> QuerySet[SignInSession]:
    """Those that are not over. Evaluate it while acting as the actor."""
    return SignInSession.objects.filter(user=actor, ended_at=None, expires_at__gt=timezone.now())


def usable_session(*, user_id: UUID, session_id: UUID) -> SignInSession | None:
    """With its user, both still good. Call it while acting as that user."""
    return (
        SignInSession.objects.select_related("user")
        .filter(pk=session_id, user_id=user_id, user__is_active=True, ended_at=None, expires_at__gt=timezone.now())
        .first()
    )


def refresh_token_of(secret: str) -> RefreshToken | None:
    """Whoever presents the secret may see its row, used or not."""
    if not secret.startswith(REFRESH_MARK) or len(secret) > _LONGEST_SECRET:
        return None
    digest = hash_of(secret)
    with local_setting("app.token_hash", digest):
        return RefreshToken.objects.filter(hash=digest).first()


def editor_token_of(secret: str) -> EditorToken | None:
    """The access token of this secret with its active user, or None."""
    if len(secret) > _LONGEST_SECRET:
        return None
    found = EditorToken.objects.select_related("user", "application").filter(
        token_checksum=hash_of(secret), user__is_active=True, expires__gt=timezone.now()
    )
    return found.first()


def connections(*, actor: User) -> QuerySet[Application]:
    """Programs that hold tokens of this person, each with `connected_at` and `last_used_at`."""
    found: QuerySet[Application] = (
        Application.objects.filter(refreshtoken__user=actor, refreshtoken__revoked=None)
        .annotate(connected_at=Min("refreshtoken__created"), last_used_at=Max("refreshtoken__created"))
        .order_by("pk")
    )
    return found


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
