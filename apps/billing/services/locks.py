"""Who writes the billing of an organization, or fills one of its quotas, does so alone, until the transaction ends."""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction


def lock(what: str, organization_id: UUID) -> None:
    """Wait for the others that lock the same. What is read afterwards, they have committed."""
    _needs_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{what}:{organization_id}"])


def try_lock(what: str, organization_id: UUID) -> bool:
    """Without waiting: False when somebody has it."""
    _needs_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"{what}:{organization_id}"])
        (taken,) = cursor.fetchone()
    return bool(taken)


def _needs_transaction() -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "Such a lock lasts as long as a transaction: open the one that writes first."
        )
