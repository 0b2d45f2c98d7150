"""`file_ops`: files of the execution's own folder. Nothing outside it can be reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.melodies.definition.kinds import StepKind
from workers.steps.contract import StepContext, step_kind
from workers.steps.files import content, inspect, transfer
from workers.steps.files.jail import Jail
from workers.steps.files.params import FileOps


def _wait(params: FileOps, jail: Jail, step: StepContext) -> dict[str, Any]:
    """Hold the slot for a while. The step kind `wait` does so without a worker."""
    seconds = params.duration_seconds or 0.0
    step.sleep(seconds)
    return {"operation": "wait", "duration_seconds": seconds, "status": "completed"}


OPERATIONS: dict[str, Callable[[FileOps, Jail, StepContext], dict[str, Any]]] = {
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


@step_kind(
    StepKind(name="file_ops", params=FileOps, summary="Copy, move, check, convert, read and write workspace files")
)
def run(params: FileOps, step: StepContext) -> dict[str, Any]:
    """Every operation gets the workspace as an open folder."""
    with Jail(step.workspace) as jail:
        return OPERATIONS[params.operation](params, jail, step)
