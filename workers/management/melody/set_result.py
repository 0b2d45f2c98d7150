"""`melody set-result EXECUTION STEP JSON`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from apps.core.tenancy import acting_as
from apps.executions import services

from .people import user_named
from .tasks import task_arguments, task_named
from .terminal import FAILED, Terminal

HELP = "end a step with a result of yours; what follows goes on"


def arguments(parser: argparse.ArgumentParser) -> None:
    task_arguments(parser)
    parser.add_argument("output", metavar="JSON", help="the result")


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    user = user_named(options["user"])
    try:
        output = json.loads(options["output"])
    except (ValueError, RecursionError) as error:
        raise CommandError(f"The result is not JSON: {error}.", returncode=FAILED) from None
    with acting_as(user.pk):
        task = task_named(user, options["execution"], options["step"])
        task = services.set_task_result(actor=user, task=task, output=output, reason=options["reason"])
    value = {"execution": str(task.execution_id), "step": task.name, "task": str(task.pk), "status": task.status}
    terminal.either([f"{task.name}: {task.status} by {user.email}"], value)
