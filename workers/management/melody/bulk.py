"""`melody bulk ACTION`: cancel, pause, resume or retry all that match."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from django.core.management.base import CommandError

from apps.core.tenancy import acting_as
from apps.executions import lookups, services
from apps.executions.services.bulk import MOST_AT_ONCE, USUAL
from apps.executions.states import ExecutionStatus

from .moments import WRITTEN, moment
from .people import user_argument, user_named
from .terminal import FAILED, Terminal

HELP = "cancel, pause, resume or retry all executions that match; only counts them without --yes"

_FILTERS: Final = {
    "status": "status__in",
    "melody": "melody",
    "project": "project",
    "correlation_id": "correlation_id",
    "parent": "parent_execution",
    "created_after": "created_at__gte",
    "created_before": "created_at__lt",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=[action.value for action in services.BulkAction])
    parser.add_argument(
        "--status", action="append", choices=[one.value for one in ExecutionStatus], help="may be repeated"
    )
    parser.add_argument("--melody", type=UUID, metavar="ID")
    parser.add_argument("--project", type=UUID, metavar="ID")
    parser.add_argument("--correlation-id", type=UUID, metavar="ID")
    parser.add_argument("--parent", type=UUID, metavar="ID", help="started for this execution")
    parser.add_argument("--created-after", type=moment, metavar="TIME", help=WRITTEN)
    parser.add_argument("--created-before", type=moment, metavar="TIME", help="excluded")
    parser.add_argument(
        "--limit", type=_count, default=USUAL, metavar="N", help=f"the oldest N, at most {MOST_AT_ONCE}"
    )
    parser.add_argument("--reason", default="", metavar="TEXT")
    parser.add_argument("--yes", action="store_true", help="do it; else they are only counted")
    user_argument(parser)


def _count(text: str) -> int:
    with suppress(ValueError):
        if 1 <= (count := int(text)) <= MOST_AT_ONCE:
            return count
    raise argparse.ArgumentTypeError(f"{text[:100]!r} is not a whole number from 1 to {MOST_AT_ONCE}")


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    wanted = {lookup: options[name] for name, lookup in _FILTERS.items() if options[name] is not None}
    if not wanted:
        flags = ", ".join("--" + name.replace("_", "-") for name in _FILTERS)
        raise CommandError(f"Which executions? Give at least one of {flags}.", returncode=FAILED)
    user = user_named(options["user"])
    with acting_as(user.pk):
        result = services.control_many(
            actor=user,
            action=services.BulkAction(options["action"]),
            chosen=lookups.executions(actor=user).filter(**wanted),
            dry_run=not options["yes"],
            limit=options["limit"],
            reason=options["reason"],
        )
    lines = [f"{result.matched} match: {_told(result.by_status)}"]
    if not result.dry_run:
        lines += [f"{result.done} done, {result.refusals} refused, {result.remaining} remaining"]
        lines += [f"{one.execution}: {one.message}" for one in result.refused]
    terminal.either(lines, _as_json(result))


def _told(by_status: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(by_status.items())) or "none"


def _as_json(result: services.BulkResult) -> dict[str, Any]:
    return {
        "dry_run": result.dry_run,
        "matched": result.matched,
        "by_status": result.by_status,
        "done": result.done,
        "remaining": result.remaining,
        "executions": [str(one) for one in result.executions],
        "refused": [
            {"execution": str(one.execution), "code": one.code, "message": one.message} for one in result.refused
        ],
    }
