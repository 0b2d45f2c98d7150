"""Moments as melodies write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

LONGEST = timedelta(days=366)
"""Nothing waits longer."""


def moment(text: str) -> datetime | None:
    """A moment in ISO 8601, UTC when it names no zone; None if it is not one."""
    try:
        found = datetime.fromisoformat(text.strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
