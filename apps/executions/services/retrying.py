"""Retrying a run: the same execution goes on, and keeps what has completed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction

from apps.accounts.models import User
from apps.billing.entitlements import Quota
from apps.billing.services.quotas import require_room
from apps.executions import dispatch, ledger
from apps.executions.errors import NotRetryable, StillSettling
from apps.executions.looking_back import past_of
from apps.executions.models import Execution
from apps.executions.redo import Rules, decide
from apps.executions.services.control import leave_control_trace, require_control
from apps.executions.services.runnable import require_runnable
from apps.executions.states import EXECUTION_TERMINAL, ExecutionStatus
from apps.melodies.definition.problems import ProblemList
from apps.melodies.definition.workflow_limits import read_limits

RETRYABLE = (ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT)


def retry_execution(*, actor: User, execution: Execution, reason: str = "") -> Execution:
    """Let a run that failed, or ran out of time, go on: what did not complete begins anew, in the same execution.

    Raises NotRetryable for any other, and when it has been retried as often as it may be.
    """
    require_control(actor, execution)
    with transaction.atomic():
        released = begin_again(held(execution), reason)
        leave_control_trace("retried", actor, execution, reason)
        dispatch.send_after_commit(released)
    execution.refresh_from_db()
    return execution


def held(execution: Execution) -> Execution:
    """The run's row, locked until the transaction ends: of two who want to go on with it, the second finds it going."""
    found: Execution = Execution.objects.select_for_update(of=("self",)).get(pk=execution.pk)
    if found.unsettled and found.status in {status.value for status in EXECUTION_TERMINAL}:
        ledger.settle_ended(found.pk)
        found.refresh_from_db(fields=["unsettled"])
        if found.unsettled:
            raise StillSettling
    return found


def begin_again(execution: Execution, reason: str = "") -> list[ledger.Release]:
    """For who holds the run and may control it; what is to be sent."""
    if execution.status not in RETRYABLE:
        raise NotRetryable(
            f"This execution is {execution.status}; only one that failed or ran out of time can be retried. To run it anew,"
            " use rerun."
        )
    if execution.retry_count >= execution.max_retries:
        raise NotRetryable(
            f"It has been retried {execution.retry_count} times, as often as it may be; rerun it as a new execution."
        )
    require_runnable(execution.version)
    require_room(organization_id=execution.organization_id, quota=Quota.CONCURRENT_EXECUTIONS)
    redo = decide(past_of(execution), Rules(retry=True))
    told = {"steps": len(redo.again)} | ({"reason": reason} if reason else {})
    document = execution.version.document
    limits = read_limits(document.get("workflow", document), "", ProblemList(1))
    # As much time as the run had.
    allowed = limits.max_execution_time_s
    deadline = None if allowed is None else datetime.now(UTC) + timedelta(seconds=allowed)
    return ledger.retry(execution.pk, redo, deadline, limits.max_total_steps, told)
