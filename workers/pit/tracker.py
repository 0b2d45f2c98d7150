"""DAG tracker of the Pit: what an outcome released goes to the broker, and that it did is written down."""

from __future__ import annotations

from collections.abc import Sequence

from apps.executions import dispatch
from apps.executions.ledger import Release
from apps.executions.models import PitOperation
from workers.pit.journal import journal


def release(released: Sequence[Release], *, taken: int = 0) -> None:
    """Send released tasks; `taken` are those the worker goes on with itself."""
    if not released:
        return
    first = released[0]
    journal.record(
        first.organization_id,
        task_id=first.task_id,
        kind=PitOperation.Kind.DAG_TRACKING,
        context={"released": len(released), "taken_along": taken, "critical_path_seconds": first.rank},
    )
    dispatch.send(released)
