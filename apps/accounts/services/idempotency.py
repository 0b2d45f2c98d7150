"""What a request with an Idempotency-Key led to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import OperationalError, connection
from django.utils import timezone

from apps.accounts.errors import IdempotencyInProgress, IdempotencyKeyReused
from apps.accounts.models import IdempotencyKey, User
from apps.core.ids import uuid7

IDEMPOTENCY_KEPT: Final = timedelta(hours=48)
_IDEMPOTENCY_WAIT: Final = "10s"
_LOCK_NOT_AVAILABLE: Final = "55P03"


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
