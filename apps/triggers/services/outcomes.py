"""What becomes of a firing, written into its row."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from apps.triggers.kinds import FiringState, Waiting
from apps.triggers.models import Firing

_LONGEST_REASON: Final = 2000
_CHANGED: Final = (
    "state", "waiting", "ready_at", "held_since", "reason_code", "reason", "lane", "tries", "fired_at", "execution_id", "running",
)  # fmt: skip


def hold(firing: Firing, why: Waiting, until: datetime, code: str = "", reason: str = "") -> None:
    """Look at it again later."""
    firing.waiting, firing.ready_at = why, until
    firing.reason_code, firing.reason = code[:60], reason[:_LONGEST_REASON]
    firing.save(update_fields=_CHANGED)


def skip(firing: Firing, code: str, reason: str) -> None:
    _over(firing, FiringState.SKIPPED, code, reason)


def fail(firing: Firing, code: str, reason: str) -> None:
    _over(firing, FiringState.FAILED, code, reason)


def started(firing: Firing, execution_id: UUID, now: datetime) -> None:
    firing.state, firing.waiting, firing.ready_at = FiringState.STARTED, "", None
    firing.reason_code = firing.reason = ""
    firing.execution_id, firing.fired_at, firing.running = execution_id, now, True
    firing.save(update_fields=_CHANGED)


def _over(firing: Firing, state: FiringState, code: str, reason: str) -> None:
    firing.state, firing.waiting, firing.ready_at = state, "", None
    firing.reason_code, firing.reason = code[:60], reason[:_LONGEST_REASON]
    firing.save(update_fields=_CHANGED)
