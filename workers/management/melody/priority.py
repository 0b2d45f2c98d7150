"""`melody priority EXECUTION N`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.core.tenancy import acting_as
from apps.executions import lookups, services

from .people import user_argument, user_named
from .run import as_json
from .terminal import Terminal

HELP = "let an execution go before others of its organization, or after them"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("execution", type=UUID, metavar="EXECUTION")
    parser.add_argument("priority", type=int, metavar="N", help="from -10 to 10; 0 is ordinary, more goes first")
    user_argument(parser)


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    user = user_named(options["user"])
    with acting_as(user.pk):
        execution = lookups.execution_for(actor=user, execution_id=options["execution"])
        execution = services.set_priority(actor=user, execution=execution, priority=options["priority"])
    terminal.either([f"execution {execution.pk} priority {execution.priority}"], as_json(user, execution))
