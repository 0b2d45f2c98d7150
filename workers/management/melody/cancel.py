"""`melody cancel EXECUTION`."""

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

HELP = "cancel an execution, with those that were started for it"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("execution", type=UUID, metavar="EXECUTION")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, kept with the event")
    parser.add_argument("--alone", action="store_true", help="leave those that were started for it")
    user_argument(parser)


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    user = user_named(options["user"])
    with acting_as(user.pk):
        execution = lookups.execution_for(actor=user, execution_id=options["execution"])
        execution = services.cancel_execution(
            actor=user, execution=execution, reason=options["reason"], cascade=not options["alone"]
        )
    terminal.either([f"execution {execution.pk} {execution.status}"], as_json(user, execution))
