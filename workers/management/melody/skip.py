"""`melody skip EXECUTION STEP`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.core.tenancy import acting_as
from apps.executions import services

from .people import user_named
from .tasks import task_arguments as arguments
from .tasks import task_named
from .terminal import Terminal

HELP = "end a step without running it; what follows goes on"


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    user = user_named(options["user"])
    with acting_as(user.pk):
        task = task_named(user, options["execution"], options["step"])
        task = services.skip_task(actor=user, task=task, reason=options["reason"])
    value = {"execution": str(task.execution_id), "step": task.name, "task": str(task.pk), "status": task.status}
    terminal.either([f"{task.name}: {task.status} by {user.email}"], value)


__all__ = ["HELP", "arguments", "run"]
