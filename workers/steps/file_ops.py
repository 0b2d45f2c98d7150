"""`file_ops`: files of the execution's own folder. Nothing outside it can be reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, WaitUntil, step_kind
from workers.steps.files import content, inspect, transfer
from workers.steps.files.jail import Jail
from workers.steps.files.params import FileOps
from workers.steps.files.storing import open_workspace


def _wait(params: FileOps, jail: Jail, step: StepContext) -> WaitUntil:
    """As the kind `wait` does it: the step is a row meanwhile, no worker."""
    seconds = params.duration_seconds or 0.0
    result = {"operation": "wait", "duration_seconds": seconds, "status": "completed"}
    return WaitUntil(datetime.now(UTC) + timedelta(seconds=seconds), result)


OPERATIONS: dict[str, Callable[[FileOps, Jail, StepContext], dict[str, Any] | WaitUntil]] = {
    "copy": transfer.copy,
    "move": transfer.move,
    "delete": transfer.delete,
    "validate": inspect.validate,
    "list": inspect.list_files,
    "convert": content.convert_file,
    "stream_copy": transfer.stream_copy,
    "stream_process": content.stream_process,
    "wait": _wait,
    "write": content.write,
    "read": content.read,
}


def _count(step: StepContext) -> None:
    """Refuse one operation more than the document's `resource_limits.max_file_operations`."""
    most = step.workflow.section("resource_limits").get("max_file_operations")
    if isinstance(most, bool) or not isinstance(most, int | float) or step.engine is None:
        return
    if step.engine.started_tasks("file_ops") > most:
        message = f"the run has done the {most:g} file operations its resource_limits.max_file_operations allows"
        raise StepFailed(message, code="too_many_file_operations", final=True)


@step_kind(
    StepKind(name="file_ops", params=FileOps, summary="Copy, move, check, convert, read and write workspace files")
)
def run(params: FileOps, step: StepContext) -> dict[str, Any] | WaitUntil:
    """Every operation gets the workspace as an open folder."""
    _count(step)
    with open_workspace(step) as jail:
        return OPERATIONS[params.operation](params, jail, step)
