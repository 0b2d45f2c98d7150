"""`melody run FILE`: publish what a file says now, and run it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from celery import current_app
from django.conf import settings
from django.core.management.base import CommandError
from kombu.exceptions import OperationalError as BrokerError

from apps.accounts import queries as accounts
from apps.accounts.models import User
from apps.core.tenancy import acting_as
from apps.executions import lookups, queries, services, streaming
from apps.executions.models import Execution
from apps.executions.states import ExecutionStatus
from apps.executions.streaming import Cursor
from workers.rendering import progress

from . import files
from .people import organization_argument, user_argument, user_named
from .terminal import FAILED, INTERRUPTED, Terminal, file_argument, read

HELP = "run a melody, after publishing what its file (and those it names) says now"
_PING_SECONDS: Final = 3.0


def arguments(parser: argparse.ArgumentParser) -> None:
    file_argument(parser)
    parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help="JSON if it is, else text")
    parser.add_argument("--input-file", metavar="FILE", help="a JSON object of inputs; --input goes before it")
    parser.add_argument("--priority", type=int, default=0, metavar="N", help="from -10 to 10; more goes first")
    parser.add_argument("--follow", action="store_true", help="show what happens, exit 0 if it completed")
    organization_argument(parser)
    user_argument(parser)


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    found = files.bundle(terminal, options["file"])
    values = inputs(options["input"], options["input_file"])
    user = user_named(options["user"])
    _require_workers()
    with acting_as(user.pk):
        organization = accounts.organization_for(actor=user, reference=options["organization"])
        version = files.publish(actor=user, organization=organization, found=found)
        execution = services.start_execution(
            actor=user, melody=version.melody, version=version, input=values, priority=options["priority"]
        )
    if not options["follow"]:
        _started(terminal, user, execution)
        return
    try:
        _follow(terminal, user, execution)
    except KeyboardInterrupt:
        terminal.err.write(f"The execution goes on without you. To cancel it: manage.py melody cancel {execution.pk}")
        sys.exit(INTERRUPTED)
    _over(terminal, user, execution)


def inputs(pairs: Iterable[str], file: str | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if file is not None:
        name, source = read(file)
        try:
            given = json.loads(source)
        except ValueError as error:
            raise CommandError(f"{name} is not JSON: {error}.", returncode=FAILED) from None
        if not isinstance(given, dict):
            raise CommandError(f"{name} must hold a JSON object of inputs.", returncode=FAILED)
        values.update(given)
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not key or not equals:
            raise CommandError(f"--input {pair!r} is not NAME=VALUE.", returncode=FAILED)
        try:
            values[key] = json.loads(text)
        except ValueError:
            values[key] = text
    return values


def as_json(user: User, execution: Execution) -> dict[str, Any]:
    error = {"code": execution.error_code, "message": execution.error_message} if execution.error_code else None
    with acting_as(user.pk):
        return {
            "id": str(execution.pk),
            "melody": str(execution.melody_id),
            "status": execution.status,
            "error": error,
            "outputs": queries.execution_outputs(execution),
            "task_counts": queries.task_counts(execution),
        }


def _require_workers() -> None:
    """A run without workers would wait in silence."""
    try:
        answers = current_app.control.ping(timeout=_PING_SECONDS, limit=1)
    except (BrokerError, OSError) as error:
        raise CommandError(f"The broker does not answer ({error}): start everything with `make up`.") from error
    if not answers:
        raise CommandError("No worker answers: start everything with `make up`.", returncode=FAILED)


def _started(terminal: Terminal, user: User, execution: Execution) -> None:
    if terminal.as_json:
        terminal.json(as_json(user, execution))
        return
    terminal.say(f"execution {execution.pk} started")
    if url := settings.ENV.text("SYMPHONY_URL", ""):
        terminal.say(f"{url}/executions/{execution.pk}/")


def _follow(terminal: Terminal, user: User, execution: Execution) -> None:
    if not terminal.as_json:
        _started(terminal, user, execution)
    cursor: Cursor = streaming.START
    while True:
        with acting_as(user.pk):
            state = streaming.state(execution.pk)
            batch = streaming.read(execution.pk, cursor)
        if state is None:
            raise lookups.ExecutionNotFound
        for event in batch.events:
            cursor = event.cursor
            line = progress.line_of(event)
            if line is not None and not terminal.as_json:
                terminal.say(line)
        if state.final and batch.complete:
            return
        if not batch.events:
            time.sleep(streaming.POLL_SECONDS)


def _over(terminal: Terminal, user: User, execution: Execution) -> None:
    with acting_as(user.pk):
        execution.refresh_from_db()
        if terminal.as_json:
            terminal.json(as_json(user, execution))
        else:
            lines = progress.table(lookups.listed_tasks(execution)[:1000])
            terminal.say("", *lines, "", f"execution {execution.pk} {execution.status}")
            if execution.error_message:
                terminal.say(execution.error_message)
    if execution.status != ExecutionStatus.COMPLETED:
        sys.exit(FAILED)
