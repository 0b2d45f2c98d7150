"""What a person decides about a single step: skip it, or give it a result."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.core.errors import Invalid, TooLarge
from apps.core.storable import problems_of as unstorable
from apps.core.storable import text_is_sound
from apps.core.trail import leave_trace
from apps.executions import dispatch, ledger
from apps.executions.errors import ResultRefused, TaskNotOpen
from apps.executions.models import Execution, PlanNode, Task
from apps.executions.payloads import SchemaBroken, problems_of
from apps.executions.services.control import require_control
from apps.executions.services.retrying import RETRYABLE, begin_again, held
from apps.executions.states import COMPENSATION_KIND, JOIN_KIND, TaskStatus

LARGEST_RESULT = 200_000
"""Bytes of JSON: what a person gives stands in the row."""
LONGEST_REASON = 500


def skip_task(*, actor: User, task: Task, reason: str = "") -> Task:
    """End a step without running it; what follows sees a skipped step. Of a run that has failed, the run is retried with it.

    Raises TaskNotOpen for a task that has ended, or that a worker has.
    """
    return _override(actor, task, TaskStatus.SKIPPED, None, reason)


def set_task_result(*, actor: User, task: Task, output: Any, reason: str = "") -> Task:
    """End a step with a result of a person's, as if it had completed with it; else as `skip_task`.

    Raises ResultRefused when the step declares an `output_schema` the result does not fit.
    """
    try:
        said = json.dumps(output)
    except RecursionError as error:
        message = "it holds too many levels"
        raise Invalid("The result cannot be stored.", errors=[_problem("output", message)]) from error
    if len(said) > LARGEST_RESULT:
        raise TooLarge(f"The result is larger than {LARGEST_RESULT} bytes; keep large data in files.")
    if problems := unstorable(output, "/output", said):
        raise Invalid("The result cannot be stored.", errors=problems)
    _check_schema(task, output)
    return _override(actor, task, TaskStatus.COMPLETED, output, reason)


def _override(actor: User, task: Task, status: TaskStatus, output: Any, reason: str) -> Task:
    execution = task.execution
    require_control(actor, execution)
    if len(reason) > LONGEST_REASON or not text_is_sound(reason):
        raise Invalid("This is no reason.", errors=[_problem("reason", f"at most {LONGEST_REASON} characters of text")])
    if task.kind in (JOIN_KIND, COMPENSATION_KIND):
        raise TaskNotOpen("This is no step of the document.")
    with transaction.atomic():
        released = _retried(execution, task, reason)
        done = ledger.override(task.pk, status, output, actor.email, reason)
        if done.outcome != "done":
            raise TaskNotOpen(_why_not(task, done.outcome))
        leave_trace(
            "task.skipped" if status == TaskStatus.SKIPPED else "task.result_set",
            actor=actor,
            organization=execution.organization,
            target=execution,
            after={"step": task.name, "task": str(task.pk), "reason": reason} | _measured(status, output),
            correlation_id=execution.correlation_id,
        )
        dispatch.send_after_commit([*(one for one in released if one.task_id != task.pk), *done.released])
    task.refresh_from_db()
    return task


def _measured(status: TaskStatus, output: Any) -> dict[str, Any]:
    """The trail is kept longer than the run and read by others: it tells which result it was, not what is in it."""
    if status != TaskStatus.COMPLETED:
        return {}
    said = json.dumps(output, sort_keys=True).encode()
    return {"output_sha256": hashlib.sha256(said).hexdigest(), "output_bytes": len(said)}


def _retried(execution: Execution, task: Task, reason: str) -> list[ledger.Release]:
    """A failed run goes on, so that the step can be decided about."""
    if execution.status not in RETRYABLE or task.status not in (TaskStatus.FAILED, TaskStatus.CANCELLED):
        return []
    return begin_again(held(execution), reason)


def _why_not(task: Task, outcome: str) -> str:
    if outcome.startswith("run "):
        return f"The execution is {outcome.removeprefix('run ')}; nothing can be decided about its steps any more."
    if outcome == TaskStatus.EXECUTING:
        return f"A worker has {task.name!r} just now; cancel the execution, or wait for the end of the step."
    if outcome == TaskStatus.FAILED:
        return f"{task.name!r} is failed and its execution still goes on; decide about it when that has ended."
    return f"{task.name!r} is {outcome} already."


def _check_schema(task: Task, output: Any) -> None:
    options = PlanNode.objects.filter(version_id=task.version_id, node=task.node).values_list("options", "params")
    found = options.first()
    schema = None if found is None else found[0].get("output_schema") or (found[1] or {}).get("output_schema")
    if not isinstance(schema, dict | bool):
        return
    try:
        problems = problems_of(schema, output)
    except SchemaBroken:
        # Checked when the melody was; what nothing can be checked against refuses nothing.
        return
    if problems:
        raise ResultRefused(
            f"The result does not fit the output_schema of {task.name!r}; nothing was changed.",
            errors=[_problem(f"output{one['pointer']}", one["message"]) for one in problems],
        )


def _problem(field: str, message: str) -> dict[str, str]:
    return {"code": "invalid", "message": message, "pointer": f"/{field}"}
