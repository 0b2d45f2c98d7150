"""What outlives a run, and melodies as a run finds them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.core.db.rows import rows_of


def melody(
    organization_id: str, *, path: str | None = None, name: str | None = None, number: int | None = None
) -> tuple[str, str, str, int] | None:
    """(version id, melody id, name, size) of a stored melody, by its path or by its id or name; see ledger_melody."""
    try:
        identifier = UUID(name) if name else None
    except ValueError:
        identifier = None
    rows = rows_of("SELECT * FROM ledger_melody(%s, %s, %s, %s, %s)", [organization_id, path, identifier, name, number])
    return (str(rows[0][0]), str(rows[0][1]), rows[0][2], rows[0][3]) if rows else None


def remember(organization_id: str, scope: str, name: str, record: Mapping[str, Any]) -> None:
    """Add to a kept record; what other steps add at the same time stays."""
    rows_of("SELECT ledger_remember(%s, %s, %s, %s)", [organization_id, scope, name, json.dumps(record)])
