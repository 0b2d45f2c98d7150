"""Cancelling, pausing and resuming runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.core.tenancy import acting_as, staff
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


def cancel_execution(*, actor: User, execution: Execution, reason: str = "", cascade: bool = True) -> Execution:
    """Cancel a run: nothing new starts, running steps are told to stop, late results change nothing.

    With `cascade` the runs that were started for it are cancelled too, however deep.
    """
    require_control(actor, execution)
    with transaction.atomic():
        cancelled = ledger.cancel(execution.id, reason or "Cancelled.", cascade=cascade)
        if not cancelled:
            raise ExecutionOver
        leave_control_trace("cancelled", actor, execution, reason)
        for child in Execution.objects.filter(pk__in=cancelled[1:]).select_related("organization"):
            leave_control_trace("cancelled", actor, child, f"with {execution.pk}, which it was started for")
        transaction.on_commit(partial(_settle_ended, actor, cancelled), robust=True)
    execution.refresh_from_db()
    return execution


def _settle_ended(actor: User, cancelled: Sequence[UUID]) -> None:
    """What others held a moment ago can be had now; the sweep does what is left."""
    with acting_as(actor.pk), staff() if actor.is_staff else nullcontext():
        for execution_id in cancelled:
            ledger.settle_ended(execution_id)


def pause_execution(*, actor: User, execution: Execution, reason: str = "") -> Execution:
    """Let nothing new of a run begin. What runs comes to its end; timers and approvals go on; its deadline waits."""
    require_control(actor, execution)
    with transaction.atomic():
        status = ledger.pause(execution.id, reason or "Paused.", actor.email)
        if status != ExecutionStatus.PAUSED:
            raise NotPausable(f"This execution is {status}; only one that is pending or running can be paused.")
        leave_control_trace("paused", actor, execution, reason)
    execution.refresh_from_db()
    return execution


def resume_execution(*, actor: User, execution: Execution) -> Execution:
    """Let a paused run go on."""
    require_control(actor, execution)
    with transaction.atomic():
        released = ledger.resume(execution.id)
        if released is None:
            execution.refresh_from_db()
            raise NotPaused(f"This execution is {execution.status}; only a paused one can be resumed.")
        leave_control_trace("resumed", actor, execution, "")
        dispatch.send_after_commit(released)
    execution.refresh_from_db()
    return execution


def require_control(actor: User, execution: Execution) -> None:
    """Staff need no role in the organization; in the admin the database lets them see it."""
    if not actor.is_staff:
        require_for(actor=actor, melody=execution.melody, action=Action.WRITE)


def leave_control_trace(happened: str, actor: User, execution: Execution, reason: str) -> None:
    leave_trace(
        f"execution.{happened}",
        actor=actor,
        organization=execution.organization,
        target=execution,
        after={"reason": reason} if reason else None,
        correlation_id=execution.correlation_id,
    )
