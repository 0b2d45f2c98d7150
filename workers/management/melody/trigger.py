"""`melody trigger VERB …`: list, add, fire, preview and backfill what starts a melody."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from django.core.management.base import CommandError
from django.utils import timezone

from apps.accounts.models import User
from apps.core.tenancy import acting_as
from apps.melodies.queries import melody_for
from apps.triggers import queries, services
from apps.triggers.kinds import ENDS, Misfire, Overlap, TriggerKind
from apps.triggers.models import Firing, Trigger
from apps.triggers.schedules import Schedule, ScheduleError, schedule

from .moments import WRITTEN, moment
from .people import user_argument, user_named
from .run import inputs
from .terminal import FAILED, Terminal

HELP = "list, add, fire, preview and backfill what starts a melody"
_SHOWN: Final = 1000


def arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="trigger_verb", required=True, metavar=" | ".join(_VERBS))
    _list_arguments(_verb(verbs, "list", "show triggers"))
    _add_arguments(_verb(verbs, "add", "make a trigger"))
    _fire_arguments(_verb(verbs, "fire", "fire a trigger now"))
    _preview_arguments(_verb(verbs, "preview", "show when a trigger, or a schedule, is due next"))
    _backfill_arguments(_verb(verbs, "backfill", "make up for due times of the past"))


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    _VERBS[options["trigger_verb"]](terminal, options)


def _verb(verbs: Any, name: str, told: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=told, description=told)
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="machine-readable output")
    user_argument(parser)
    return parser


def _trigger_argument(parser: argparse.ArgumentParser, **options: Any) -> None:
    parser.add_argument("trigger", metavar="TRIGGER", help="name or id", **options)


def _trigger_named(user: User, reference: str) -> Trigger:
    """By its id, else by its name. Call it acting as the user."""
    try:
        return queries.trigger_for(actor=user, trigger_id=UUID(reference))
    except ValueError:
        found = queries.triggers_named(actor=user, name=reference)
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandError(f"There is no trigger {reference!r}; `melody trigger list` shows all.", returncode=FAILED)
    several = "\n".join(f"{trigger.pk}  {trigger.melody.name}: {trigger.name}" for trigger in found)
    raise CommandError(f"Several triggers are named {reference!r}; name one by its id:\n{several}", returncode=FAILED)


# -- list ------------------------------------------------------------------------------------------------------------------
def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--melody", type=UUID, metavar="ID", help="of this melody only")


def _list(terminal: Terminal, options: Mapping[str, Any]) -> None:
    user = user_named(options["user"])
    with acting_as(user.pk):
        found = queries.triggers(actor=user)
        if options["melody"] is not None:
            found = found.filter(melody=options["melody"])
        rows = list(found[:_SHOWN])
    lines = [f"{row.pk}  {row.kind:8} {row.state:8} {_due(row):20} {row.melody.name}: {row.name}" for row in rows]
    terminal.either(lines or ["no triggers"], {"triggers": [_as_json(row) for row in rows]})


# -- add -------------------------------------------------------------------------------------------------------------------
def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("melody", type=UUID, metavar="MELODY", help="id of the melody it starts")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--cron", action="append", metavar="EXPRESSION", help="'0 9 * * 1-5' or @daily; may be repeated"
    )
    parser.add_argument("--timezone", metavar="ZONE", help="Europe/Berlin; UTC if not given")
    parser.add_argument("--misfire", choices=[str(policy) for policy in Misfire], help="due times nobody saw")
    parser.add_argument(
        "--webhook", action="store_true", help="by signed deliveries; prints the address and the secret"
    )
    parser.add_argument("--event", metavar="NAME", help="by an event of this name")
    parser.add_argument("--after", type=UUID, metavar="MELODY", help="when a run of this melody ends")
    parser.add_argument("--status", action="append", choices=ENDS, help="with --after: as this; completed if not given")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help="JSON if it is, else text")
    parser.add_argument("--mapping", metavar="JSON", help='{"order": "{{payload.id}}"}')
    parser.add_argument("--filter", metavar="CONDITION", help="'payload.amount > 10'")
    parser.add_argument("--overlap", choices=[str(policy) for policy in Overlap], help="while another run is under way")
    parser.add_argument("--key", metavar="TEMPLATE", help="what has the same key overlaps")
    parser.add_argument("--debounce", type=float, metavar="SECONDS", help="of many in so short a time the last")


def _add(terminal: Terminal, options: Mapping[str, Any]) -> None:
    user = user_named(options["user"])
    kind, given = _kind_of(options)
    common = {
        "input": inputs(options["input"], None),
        "mapping": _json(options["mapping"]),
        "filter": options["filter"],
        "overlap": options["overlap"],
        "concurrency_key": options["key"],
        "debounce_seconds": options["debounce"],
    }
    given |= {name: value for name, value in common.items() if value}
    secret = None
    with acting_as(user.pk):
        melody = melody_for(actor=user, melody_id=options["melody"])
        trigger = services.create_trigger(actor=user, melody=melody, kind=kind, name=options["name"], **given)
        if kind == TriggerKind.WEBHOOK:
            _, secret = services.rotate_secret(actor=user, trigger=trigger)
    lines = [f"trigger {trigger.pk} added"]
    value = _as_json(trigger)
    if trigger.next_due_at is not None:
        lines.append(f"due next at {_due(trigger)}")
    if secret is not None:
        value |= {"hook": f"/api/v1/hooks/{trigger.public_id}/", "secret": secret}
        lines += [f"deliveries go to /api/v1/hooks/{trigger.public_id}/", f"signed with {secret} (shown this once)"]
    terminal.either(lines, value)


def _kind_of(options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    named = {
        "cron": TriggerKind.CRON,
        "webhook": TriggerKind.WEBHOOK,
        "event": TriggerKind.EVENT,
        "after": TriggerKind.CHAIN,
    }
    chosen = [option for option in named if options[option]]
    if len(chosen) > 1:
        raise CommandError(f"--{chosen[0]} and --{chosen[1]}: a trigger is of one kind.", returncode=FAILED)
    kind = named[chosen[0]] if chosen else TriggerKind.MANUAL
    given = {
        "cron": options["cron"],
        "timezone": options["timezone"],
        "misfire_policy": options["misfire"],
        "event_name": options["event"],
        "source_melody": options["after"],
        "source_statuses": options["status"],
    }
    return kind, {name: value for name, value in given.items() if value}


# -- fire ------------------------------------------------------------------------------------------------------------------
def _fire_arguments(parser: argparse.ArgumentParser) -> None:
    _trigger_argument(parser)
    parser.add_argument(
        "--input", action="append", default=[], metavar="NAME=VALUE", help="laid over the trigger's own"
    )
    parser.add_argument("--payload", metavar="JSON", help="what a delivery or an event would bring")
    parser.add_argument("--key", metavar="TEXT", help="of one key it is fired once")


def _fire(terminal: Terminal, options: Mapping[str, Any]) -> None:
    user = user_named(options["user"])
    payload = _json(options["payload"])
    with acting_as(user.pk):
        trigger = _trigger_named(user, options["trigger"])
        firing, _ = services.fire_by_hand(
            actor=user, trigger=trigger, given=inputs(options["input"], None), payload=payload, key=options["key"]
        )
    terminal.either([_told(firing)], _firing_as_json(firing))


# -- preview ---------------------------------------------------------------------------------------------------------------
def _preview_arguments(parser: argparse.ArgumentParser) -> None:
    _trigger_argument(parser, nargs="?")
    parser.add_argument("--cron", action="append", metavar="EXPRESSION", help="of a schedule instead of a trigger")
    parser.add_argument("--timezone", default="UTC", metavar="ZONE")
    parser.add_argument("--after", type=moment, metavar="MOMENT", help="now if not given")
    parser.add_argument("--count", type=int, default=10, metavar="N", help="10 if not given, at most 100")


def _preview(terminal: Terminal, options: Mapping[str, Any]) -> None:
    try:
        plan = _plan_of(options)
    except ScheduleError as error:
        raise CommandError(error.message, returncode=FAILED) from None
    count = max(1, min(options["count"], 100))
    times = queries.next_fires(plan, options["after"] or timezone.now(), count)
    local = [due.astimezone(plan.zone).isoformat() for due in times]
    terminal.either(local or ["never again"], {"timezone": plan.zone.key, "times": local})


def _plan_of(options: Mapping[str, Any]) -> Schedule:
    if options["cron"]:
        return schedule(options["cron"], options["timezone"])
    if options["trigger"] is None:
        raise CommandError("Name a trigger, or a schedule with --cron.", returncode=FAILED)
    user = user_named(options["user"])
    with acting_as(user.pk):
        return queries.schedule_of(_trigger_named(user, options["trigger"]))


# -- backfill --------------------------------------------------------------------------------------------------------------
def _backfill_arguments(parser: argparse.ArgumentParser) -> None:
    _trigger_argument(parser)
    parser.add_argument("since", type=moment, metavar="SINCE", help=WRITTEN)
    parser.add_argument("until", type=moment, metavar="UNTIL", help="excluded")
    parser.add_argument("--parallel", type=int, default=1, metavar="N", help="so many runs at a time, 1 if not given")
    parser.add_argument("--again", action="store_true", help="also due times that were fired before")
    parser.add_argument("--dry-run", action="store_true", help="only count")


def _backfill(terminal: Terminal, options: Mapping[str, Any]) -> None:
    user = user_named(options["user"])
    with acting_as(user.pk):
        trigger = _trigger_named(user, options["trigger"])
        asked = {"since": options["since"], "until": options["until"], "again": options["again"]}
        if options["dry_run"]:
            found = services.backfill_range(actor=user, trigger=trigger, **asked)
            lines = [f"{len(found.times)} runs would be started; {found.done} due times were fired before"]
            terminal.either(lines, {"total": len(found.times), "fired_before": found.done})
            return
        backfill = services.create_backfill(actor=user, trigger=trigger, parallel=options["parallel"], **asked)
    lines = [f"backfill {backfill.pk}: {backfill.total} runs, {backfill.parallel} at a time"]
    terminal.either(lines, {"id": str(backfill.pk), "total": backfill.total, "parallel": backfill.parallel})


# -- words -----------------------------------------------------------------------------------------------------------------
def _due(trigger: Trigger) -> str:
    return "" if trigger.next_due_at is None else f"{trigger.next_due_at:%Y-%m-%d %H:%M} UTC"


def _as_json(trigger: Trigger) -> dict[str, Any]:
    due = trigger.next_due_at
    return {
        "id": str(trigger.pk),
        "melody": str(trigger.melody_id),
        "kind": str(trigger.kind),
        "name": trigger.name,
        "state": str(trigger.state),
        "next_due_at": None if due is None else due.isoformat(),
        "last_error": trigger.last_error or None,
    }


def _told(firing: Firing) -> str:
    if firing.execution_id is not None:
        return f"execution {firing.execution_id} started"
    return f"{firing.state}: {firing.reason or firing.waiting}"


def _firing_as_json(firing: Firing) -> dict[str, Any]:
    execution = None if firing.execution_id is None else str(firing.execution_id)
    return {"id": str(firing.pk), "state": str(firing.state), "execution": execution, "reason": firing.reason or None}


def _json(written: str | None) -> Any:
    if written is None:
        return None
    try:
        return json.loads(written)
    except ValueError as error:
        raise CommandError(f"This is not JSON: {error}. A text stands in quotes.", returncode=FAILED) from None


_VERBS: Final[dict[str, Callable[[Terminal, Mapping[str, Any]], None]]] = {
    "list": _list,
    "add": _add,
    "fire": _fire,
    "preview": _preview,
    "backfill": _backfill,
}
__all__ = ["HELP", "arguments", "run"]
