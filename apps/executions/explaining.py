"""Why steps are not running, told to somebody who may see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.executions import ledger
from apps.executions.lookups import ExecutionNotFound, TaskNotFound
from apps.executions.models import Execution, Task
from apps.executions.reasons import sentence_of

STEPS_EXPLAINED: Final = 20
"""Of a run, at most so many steps with their reasons."""


def explain_task(task: Task) -> dict[str, Any]:
    """Machine-readable reasons, each with a sentence, and the predicted start."""
    found = ledger.explain(task.pk)
    if found is None:
        raise TaskNotFound
    return _told(found)


def explain_execution(execution: Execution) -> dict[str, Any]:
    """What holds a run up as a whole, and its steps that are under way or wait with their reasons."""
    found = ledger.explain_run(execution.pk, STEPS_EXPLAINED)
    if found is None:
        raise ExecutionNotFound
    return {**_told(found), "steps": [_told(step) for step in found["steps"]]}


def _told(found: Mapping[str, Any]) -> dict[str, Any]:
    return {**found, "reasons": [{**reason, "message": sentence_of(reason)} for reason in found["reasons"]]}
