"""Rows of stored bytes: they come before the bytes and go with them (sql/store.sql)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from apps.core.db.rows import rows_of


def touch_blob(organization_id: UUID | str, sha256: str, *, size: int, stored_size: int) -> bool:
    """Say that these bytes are about to be stored: nobody frees them for a while. Whether they are new."""
    new: bool = rows_of("SELECT ledger_touch_blob(%s, %s, %s, %s)", [str(organization_id), sha256, size, stored_size])[
        0
    ][0]
    return new


def suspects(before: datetime, limit: int) -> list[int]:
    """Blobs that may have no name and have rested since then, locked until the transaction ends."""
    return [row[0] for row in rows_of("SELECT * FROM ledger_suspects(%s, %s)", [before, limit])]


def free_blobs(blob_ids: Sequence[int]) -> list[tuple[UUID, str, int]]:
    """Delete the rows of those among these locked blobs that have no name; (organization, address, size) of each. Delete
    their bytes in the same transaction."""
    return rows_of("SELECT * FROM ledger_free_blobs(%s)", [list(blob_ids)])


def suspect_blobs(organization_id: UUID, addresses: Sequence[str]) -> None:
    """Names of these bytes have gone, or may have: they are looked at a while from now."""
    rows_of("SELECT ledger_suspect_blobs(%s, %s)", [organization_id, list(addresses)])


def forget_results(limit: int) -> int:
    """Delete results kept for later runs whose time is over; how many."""
    count: int = rows_of("SELECT ledger_forget_results(%s)", [limit])[0][0]
    return count


def store_changed(organization_id: UUID) -> None:
    """Have the organization's store counted anew."""
    rows_of("SELECT ledger_store_changed(%s)", [organization_id])


def count_stores(limit: int, seconds: float) -> int:
    """Count the stores of organizations that have changed, each at most once in so many seconds; how many."""
    count: int = rows_of("SELECT ledger_count_stores(%s, %s)", [limit, seconds])[0][0]
    return count
