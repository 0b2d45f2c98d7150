"""`melody signal EXECUTION NAME`: tell a run something it waits for."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from apps.core.tenancy import acting_as
from apps.executions import lookups, signals

from .people import user_argument, user_named
from .terminal import FAILED, Terminal

HELP = "tell an execution something that a step of it waits for"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("execution", type=UUID, metavar="EXECUTION")
    parser.add_argument("name", metavar="NAME", help="the signal's name")
    parser.add_argument("--payload", metavar="JSON", help="what to tell")
    parser.add_argument("--broadcast", action="store_true", help="tell all steps that wait, not only the first")
    user_argument(parser)


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    payload = _payload(options["payload"])
    user = user_named(options["user"])
    with acting_as(user.pk):
        execution = lookups.execution_for(actor=user, execution_id=options["execution"])
        signals.send(
            actor=user, execution=execution, name=options["name"], payload=payload, broadcast=options["broadcast"]
        )
    value = {"execution": str(execution.pk), "signal": options["name"]}
    terminal.either([f"execution {execution.pk} was told {options['name']}"], value)


def _payload(written: str | None) -> Any:
    if written is None:
        return None
    try:
        return json.loads(written)
    except ValueError as error:
        raise CommandError(f"--payload is not JSON: {error}. A text stands in quotes.", returncode=FAILED) from None
