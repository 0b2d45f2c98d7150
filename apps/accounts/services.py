"""The only writers of accounts."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts import queries
from apps.accounts.errors import EmailTaken, IdempotencyInProgress, IdempotencyKeyReused
from apps.accounts.models import ApiToken, IdempotencyKey, Membership, Organization, Role, User
from apps.accounts.permissions import Action, require
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.ids import uuid7
from apps.core.tenancy import acting_as

IDEMPOTENCY_KEPT: Final = timedelta(hours=48)
_IDEMPOTENCY_WAIT: Final = "10s"
_LOCK_NOT_AVAILABLE: Final = "55P03"
_TOKEN_USE_WRITTEN_EVERY: Final = 60.0


def create_user(
    *,
    email: str,
    password: str | None,
    display_name: str = "",
    is_staff: bool = False,
    is_superuser: bool = False,
) -> User:
    """A user with a personal organization they own, in one transaction."""
    user = User(email=email.strip().lower(), display_name=display_name)
    _check_credentials(user, password)
    try:
        with transaction.atomic():
            return User.objects.create_user(
                user.email, password, display_name=display_name, is_staff=is_staff, is_superuser=is_superuser
            )
    except IntegrityError as error:
        if "email" in str(error):
            raise EmailTaken from error
        raise


def give_personal_organization(*, user: User) -> Organization:
    """For a user row that came by a form of the admin."""
    with transaction.atomic():
        return Organization.objects.create_personal(user)


def create_organization(*, actor: User, name: str) -> Organization:
    name = name.strip()
    if not name:
        raise _invalid("/name", "required", "An organization needs a name.")
    with transaction.atomic():
        return Organization.objects.create_owned(actor, name=name, slug_from=name)


def add_member(*, actor: User, organization: Organization, user: User, role: str = Role.MEMBER) -> Membership:
    if role not in Role.values:
        raise _invalid("/role", "unknown_role", f"There is no role {role!r}; choose from {', '.join(Role.values)}.")
    with acting_as(actor.pk):
        own_role = require(actor=actor, organization=organization, action=Action.ADMINISTER)
        if organization.is_personal:
            raise Conflict("A personal organization has one member; create an organization to work together in.")
        if role == Role.OWNER and own_role != Role.OWNER:
            raise Forbidden("Only an owner can make another member an owner.")
        membership = Membership(organization=organization, user=user, role=role)
        try:
            with transaction.atomic():
                membership.save(force_insert=True)
        except IntegrityError as error:
            raise Conflict(f"{user.email} is a member of {organization.name} already.") from error
    return membership


def create_token(
    *, actor: User, name: str, scopes: Iterable[str] = (), expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """The token's row and its secret. The secret is shown this once: only its hash is kept."""
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in list(Action)]
    if unknown:
        raise _invalid(
            "/scopes", "unknown_scope", f"There is no scope {unknown[0]!r}; choose from {', '.join(Action)}."
        )
    if expires_at is not None and expires_at <= timezone.now():
        raise _invalid("/expires_at", "in_the_past", "A token that has expired already would open nothing.")
    prefix = secrets.token_hex(4)
    secret = f"{queries.TOKEN_MARK}{prefix}_{secrets.token_urlsafe(32)}"
    token = ApiToken(
        user=actor,
        name=name.strip() or "token",
        prefix=prefix,
        hash=queries.token_hash(secret),
        scopes=wanted,
        expires_at=expires_at,
    )
    with acting_as(actor.pk):
        token.save(force_insert=True)
    return token, secret


def revoke_token(*, actor: User, token: ApiToken) -> ApiToken:
    """From the next request on. The row stays, so that what the token did can still be told."""
    with acting_as(actor.pk):
        owned = ApiToken.objects.filter(pk=token.pk, user=actor, revoked_at=None)
        if not owned.update(revoked_at=timezone.now()):
            raise NotFound("There is no such token, or it is revoked already.")
        token.refresh_from_db()
    return token


def revoke_tokens(*, tokens: QuerySet[ApiToken]) -> int:
    """Staff revokes tokens of anybody; call it within the staff scope. Returns how many were still good."""
    return tokens.filter(revoked_at=None).update(revoked_at=timezone.now())


def note_token_use(*, token: ApiToken) -> None:
    """Write down that the token was used, about once a minute; call it while acting as its user."""
    if queries.token_is_fresh(token, seconds=_TOKEN_USE_WRITTEN_EVERY):
        return
    # A request holds its locks to its end: whoever finds the row locked leaves the note to the one who holds it.
    free = ApiToken.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=token.pk)
    ApiToken.objects.filter(pk__in=free.values("pk")).update(last_used_at=timezone.now())


@dataclass(frozen=True, slots=True)
class StoredResponse:
    status: int
    headers: dict[str, str]
    body: bytes


def begin_idempotent(*, actor: User, key: str, fingerprint: str) -> StoredResponse | None:
    """Take the key for this transaction, or give the response it led to before.

    A duplicate that arrives while the first is still at work waits for it to end, but not for ever: then the error leaves
    the transaction to be rolled back.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('lock_timeout'), set_config('lock_timeout', %s, true)", [_IDEMPOTENCY_WAIT]
        )
        before, _ = cursor.fetchone()
        try:
            cursor.execute(
                "INSERT INTO accounts_idempotencykey"
                " (id, user_id, key, fingerprint, response_headers, response_body, created_at)"
                " VALUES (%s, %s, %s, %s, '{}', '', now()) ON CONFLICT (user_id, key) DO NOTHING",
                [uuid7(), actor.pk, key, fingerprint],
            )
            taken = cursor.rowcount == 1
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) == _LOCK_NOT_AVAILABLE:
                raise IdempotencyInProgress from error
            raise
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
    return None if taken else _response_of(actor=actor, key=key, fingerprint=fingerprint)


def keep_response(*, actor: User, key: str, response: StoredResponse) -> None:
    IdempotencyKey.objects.filter(user=actor, key=key).update(
        response_status=response.status, response_headers=response.headers, response_body=response.body
    )


def release_key(*, actor: User, key: str) -> None:
    """What it led to is not worth repeating: the next request with this key is a first one again."""
    IdempotencyKey.objects.filter(user=actor, key=key).delete()


def forget_idempotency_keys(*, older_than: timedelta = IDEMPOTENCY_KEPT) -> int:
    """Delete what is past its time; call it while sweeping. Returns the number of keys."""
    deleted, _ = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - older_than).delete()
    return deleted


def _response_of(*, actor: User, key: str, fingerprint: str) -> StoredResponse:
    kept = IdempotencyKey.objects.filter(user=actor, key=key).first()
    if kept is None or kept.response_status is None:
        raise IdempotencyInProgress
    if kept.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return StoredResponse(kept.response_status, kept.response_headers, bytes(kept.response_body))


def _check_credentials(user: User, password: str | None) -> None:
    errors = []
    try:
        validate_email(user.email)
    except ValidationError as error:
        errors += [{"code": "invalid_email", "message": text, "pointer": "/email"} for text in error.messages]
    if password is not None:
        try:
            validate_password(password, user)
        except ValidationError as error:
            errors += [{"code": "weak_password", "message": text, "pointer": "/password"} for text in error.messages]
    if errors:
        raise Invalid("The account cannot be created like this.", errors=errors)


def _invalid(pointer: str, code: str, message: str) -> Invalid:
    return Invalid(message, errors=[{"code": code, "message": message, "pointer": pointer}])
