"""Deciding about a step that waits for approval."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from apps.core.tenancy import acting_as
from apps.executions import approvals, lookups
from apps.executions.models import Execution, Task
from apps.executions.waiting import waiting_for

from .people import user_argument, user_named
from .terminal import FAILED, Terminal

_SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("execution", type=UUID, metavar="EXECUTION")
    parser.add_argument("step", metavar="STEP", help="its name; the id of its task if several of this name wait")
    parser.add_argument("--comment", default="", metavar="TEXT", help="kept with the decision")
    user_argument(parser)


def decide(terminal: Terminal, options: Mapping[str, Any], decision: str) -> None:
    user = user_named(options["user"])
    with acting_as(user.pk):
        execution = lookups.execution_for(actor=user, execution_id=options["execution"])
        task = _task(execution, options["step"])
        made = approvals.decide(actor=user, task=task, decision=decision, comment=options["comment"])
    value = {"execution": str(execution.pk), "step": task.name, "task": str(task.pk), "decision": made.decision}
    terminal.either([f"{task.name}: {decision} by {user.email}"], value)


def _task(execution: Execution, step: str) -> Task:
    tasks = Task.objects.filter(execution=execution).select_related("organization", "execution")
    try:
        found = list(tasks.filter(pk=UUID(step)))
    except ValueError:
        named = tasks.filter(name=step).order_by("id")
        found = [task for task in named if _asks(task)] or list(named[:1])
    if not found:
        raise CommandError(f"The execution has no step {step}.", returncode=FAILED)
    if len(found) > 1:
        ids = ", ".join(str(task.pk) for task in found[:_SHOWN])
        raise CommandError(f"{len(found)} steps called {step} wait; name one by its id: {ids}", returncode=FAILED)
    return found[0]


def _asks(task: Task) -> bool:
    waiting = waiting_for(task)
    return waiting is not None and waiting.reason == "approval"
