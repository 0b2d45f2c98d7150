"""Finding the task of a step that is named on the command line."""

from __future__ import annotations

import argparse
from uuid import UUID

from django.core.management.base import CommandError

from apps.accounts.models import User
from apps.executions import lookups
from apps.executions.looking_back import past_of
from apps.executions.models import Task
from apps.executions.queries import first_task_id
from apps.executions.step_addresses import NoSuchStep, find_step

from .people import user_argument
from .terminal import FAILED


def task_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("execution", type=UUID, metavar="EXECUTION")
    parser.add_argument(
        "step", metavar="STEP", help="its name, loop[3].inner for one inside a loop, or the id of its task"
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, kept with the event")
    user_argument(parser)


def task_named(user: User, execution_id: UUID, step: str) -> Task:
    """For who acts as this user already."""
    execution = lookups.execution_for(actor=user, execution_id=execution_id)
    try:
        seq, index = find_step(past_of(execution), step)
    except NoSuchStep as error:
        raise CommandError(f"{step}: {error}.", returncode=FAILED) from None
    if index is not None:
        raise CommandError(f"{step} is an iteration; name a step inside of it.", returncode=FAILED)
    return lookups.task_for(actor=user, task_id=UUID(int=first_task_id(execution.pk).int + seq))
