"""Cancelling, pausing and resuming runs."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.core.trail import leave_trace
from apps.executions import dispatch, ledger
from apps.executions.errors import (
    ExecutionOver,
    NotPausable,
    NotPaused,
)
from apps.executions.models import Execution
from apps.executions.states import ExecutionStatus
from apps.melodies.permissions import require_for


def cancel_execution(*, actor: User, execution: Execution, reason: str = "") -> Execution:
    """Cancel a run: nothing new starts, running steps are told to stop, late results change nothing."""
    _require_control(actor, execution)
    with transaction.atomic():
        if ledger.cancel(execution.id, reason or "Cancelled.") is None:
            raise ExecutionOver
        _leave_control_trace("cancelled", actor, execution, reason)
    execution.refresh_from_db()
    return execution


def pause_execution(*, actor: User, execution: Execution, reason: str = "") -> Execution:
    """Let nothing new of a run begin. What runs comes to its end; timers and approvals go on; its deadline waits."""
    _require_control(actor, execution)
    with transaction.atomic():
        status = ledger.pause(execution.id, reason or "Paused.")
        if status != ExecutionStatus.PAUSED:
            raise NotPausable(f"This execution is {status}; only one that is pending or running can be paused.")
        _leave_control_trace("paused", actor, execution, reason)
    execution.refresh_from_db()
    return execution


def resume_execution(*, actor: User, execution: Execution) -> Execution:
    """Let a paused run go on."""
    _require_control(actor, execution)
    with transaction.atomic():
        released = ledger.resume(execution.id)
        if released is None:
            execution.refresh_from_db()
            raise NotPaused(f"This execution is {execution.status}; only a paused one can be resumed.")
        _leave_control_trace("resumed", actor, execution, "")
        dispatch.send_after_commit(released)
    execution.refresh_from_db()
    return execution


def _require_control(actor: User, execution: Execution) -> None:
    """Staff need no role in the organization; in the admin the database lets them see it."""
    if not actor.is_staff:
        require_for(actor=actor, melody=execution.melody, action=Action.WRITE)


def _leave_control_trace(happened: str, actor: User, execution: Execution, reason: str) -> None:
    leave_trace(
        f"execution.{happened}",
        actor=actor,
        organization=execution.organization,
        target=execution,
        after={"reason": reason} if reason else None,
        correlation_id=execution.correlation_id,
    )
