from __future__ import annotations

from apps.core.errors import Conflict, Invalid


class EmailTaken(Conflict):
    """There is an account with this e-mail address already."""

    code = "email_taken"


class IdempotencyInProgress(Conflict):
    """A request with this Idempotency-Key is still being worked on; ask again shortly."""

    code = "idempotency_in_progress"


class IdempotencyKeyReused(Invalid):
    """This Idempotency-Key was used for a different request; take a new key for a new request."""

    code = "idempotency_key_reused"
