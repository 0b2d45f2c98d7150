"""Moments as arguments."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

WRITTEN = "2026-01-31 or 2026-01-31T08:00:00+01:00"


def moment(text: str) -> datetime:
    """In UTC, also where no offset is given."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text[:100]!r} is no moment: write one such as {WRITTEN}") from None
