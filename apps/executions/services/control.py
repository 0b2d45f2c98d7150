"""Cancelling, pausing and resuming runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.core.tenancy import staff
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
from apps.projects.queries import visible


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
        if len(cancelled) > 1:
            _trace_children(actor, execution, cancelled[1:])
        transaction.on_commit(partial(_settle_ended, cancelled), robust=True)
    execution.refresh_from_db()
    return execution


def _trace_children(actor: User, execution: Execution, cancelled: Sequence[UUID]) -> None:
    """What is hidden from the actor was cancelled by the system."""
    children = Execution.objects.filter(pk__in=cancelled).order_by("id")
    seen = set(children.filter(visible(actor, through="melody__project")).values_list("pk", flat=True))
    with staff():
        for child in children.select_related("organization"):
            by = actor if actor.is_staff or child.pk in seen else None
            leave_control_trace("cancelled", by, child, f"with {execution.pk}, which it was started for")


def _settle_ended(cancelled: Sequence[UUID]) -> None:
    """What others held a moment ago can be had now; the sweep does what is left."""
    with staff():
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


def leave_control_trace(happened: str, actor: User | None, execution: Execution, reason: str) -> None:
    leave_trace(
        f"execution.{happened}",
        actor=actor,
        organization=execution.organization,
        target=execution,
        after={"reason": reason} if reason else None,
        correlation_id=execution.correlation_id,
    )
