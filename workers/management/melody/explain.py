"""`melody explain ID`: why a step, or a run, is not getting on."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.core.tenancy import acting_as
from apps.executions import lookups
from apps.executions.explaining import explain_execution, explain_task
from apps.executions.lookups import TaskNotFound
from apps.executions.reasons import prediction_of

from .people import user_argument, user_named
from .terminal import Terminal

HELP = "say why a step or an execution is not running"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=UUID, metavar="ID", help="of a task or of an execution")
    user_argument(parser)


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    user = user_named(options["user"])
    with acting_as(user.pk):
        found = _explained(user, options["id"])
    terminal.either(_lines(found), found)


def _explained(user: User, identifier: UUID) -> dict[str, Any]:
    """Tasks have the ids of their execution with another end, so that whoever has one can ask for either."""
    try:
        return explain_task(lookups.task_for(actor=user, task_id=identifier))
    except TaskNotFound:
        return explain_execution(lookups.execution_for(actor=user, execution_id=identifier))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    if "task" in found:
        yield from _step(found)
        predicted = prediction_of(found["predicted_start"])
        if predicted:
            yield f"  {predicted}"
        return
    counts = ", ".join(f"{number} {status}" for status, number in sorted(found["counts"].items()))
    yield f"execution {found['execution']} {found['state']}" + (f": {counts}" if counts else "")
    for reason in found["reasons"]:
        yield f"  {reason['message']}"
    for step in found["steps"]:
        yield from _step(step)


def _step(step: Mapping[str, Any]) -> Iterator[str]:
    yield f"{step['name']} ({step['kind']}) {step['state']}"
    for reason in step["reasons"]:
        yield f"  {reason['message']}"
