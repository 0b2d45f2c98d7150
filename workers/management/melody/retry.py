"""`melody retry EXECUTION`."""

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

HELP = "let an execution that failed or ran out of time go on, keeping what has completed"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("execution", type=UUID, metavar="EXECUTION")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, kept with the event")
    user_argument(parser)


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    user = user_named(options["user"])
    with acting_as(user.pk):
        execution = lookups.execution_for(actor=user, execution_id=options["execution"])
        execution = services.retry_execution(actor=user, execution=execution, reason=options["reason"])
    value = as_json(user, execution) | {"retry_count": execution.retry_count, "max_retries": execution.max_retries}
    told = f"execution {execution.pk} {execution.status}, retry {execution.retry_count} of {execution.max_retries}"
    terminal.either([told], value)
