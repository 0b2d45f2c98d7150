"""`melody rerun EXECUTION`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.core.tenancy import acting_as
from apps.executions import lookups, services
from apps.executions.states import RerunMode

from .people import user_argument, user_named
from .run import as_json, inputs
from .terminal import Terminal

HELP = "run an execution again as a new one, keeping results of it"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("execution", type=UUID, metavar="EXECUTION")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--downstream", action="store_true", help="what failed, with all that follows; else only what failed"
    )
    what.add_argument(
        "--from", dest="step", default="", metavar="STEP", help="a step such as build, loop[3] or loop[3].inner"
    )
    parser.add_argument(
        "--version", dest="number", type=int, metavar="N", help="of the melody; the same as before by default"
    )
    parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help="changes the input it had")
    parser.add_argument("--input-file", metavar="FILE", help="a JSON object of inputs; --input goes before it")
    user_argument(parser)


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    user = user_named(options["user"])
    changed = inputs(options["input"], options["input_file"])
    mode = (
        RerunMode.DOWNSTREAM if options["downstream"] else RerunMode.FROM_HERE if options["step"] else RerunMode.FAILED
    )
    with acting_as(user.pk):
        execution = lookups.execution_for(actor=user, execution_id=options["execution"])
        wanted = services.Wanted(
            mode, options["step"], options["number"], {**execution.input, **changed} if changed else None
        )
        made = services.rerun_execution(actor=user, execution=execution, wanted=wanted)
    value = as_json(user, made) | {"rerun_of": str(execution.pk), "mode": str(mode), "step": options["step"] or None}
    terminal.either([f"execution {made.pk} {made.status}"], value)
