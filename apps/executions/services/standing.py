"""How a run stands beside others: its priority in its organization, and the organization's share."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.billing.entitlements import SHARES
from apps.core.errors import Invalid
from apps.core.trail import leave_trace
from apps.executions import ledger
from apps.executions.errors import ExecutionOver
from apps.executions.models import Execution
from apps.melodies.permissions import require_for

LOWEST: Final = -10
HIGHEST: Final = 10


def checked_priority(priority: int) -> int:
    """Refuse (`Invalid`) what is none."""
    if isinstance(priority, bool) or not isinstance(priority, int) or not LOWEST <= priority <= HIGHEST:
        message = f"A priority is a whole number from {LOWEST} to {HIGHEST}; 0 is ordinary, more goes first."
        raise Invalid(message, errors=[{"code": "invalid_priority", "message": message, "pointer": "/priority"}])
    return priority


def head_start(priority: int) -> float:
    """Seconds of waiting that a priority is worth."""
    return priority * settings.SYMPHONY_AGEING_SECONDS


def standing_of(tier: str, priority: int = 0) -> dict[str, Any]:
    """The columns of a new execution that say how it stands."""
    return {
        "priority": checked_priority(priority),
        "head_start": head_start(priority),
        "weight": SHARES.get(tier, 1.0),
    }


def set_priority(*, actor: User, execution: Execution, priority: int) -> Execution:
    """Another priority for a run that is not over; what waits of it moves at once."""
    if not actor.is_staff:
        require_for(actor=actor, melody=execution.melody, action=Action.WRITE)
    checked_priority(priority)
    before = execution.priority
    with transaction.atomic():
        if execution.completed_at is not None:
            raise ExecutionOver
        ledger.prioritize(execution.pk, priority, head_start(priority))
        leave_trace(
            "execution.prioritized",
            actor=actor,
            organization=execution.organization,
            target=execution,
            before={"priority": before},
            after={"priority": priority},
            correlation_id=execution.correlation_id,
        )
    execution.refresh_from_db()
    return execution
