"""`manage.py melody validate | show | run | cancel`. The first two need no database."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from kombu.exceptions import OperationalError as BrokerError

from apps.accounts import queries as accounts
from apps.accounts.models import User
from apps.core.errors import SymphonyError
from apps.core.tenancy import acting_as, staff
from apps.executions import lookups, queries, services, streaming
from apps.executions.models import Execution
from apps.executions.states import ExecutionStatus
from apps.executions.streaming import Cursor
from apps.melodies import queries as melodies
from apps.melodies import services as melody_services
from apps.melodies.definition import Definition, InvalidDocument, Problem, load
from apps.melodies.definition.kinds import known_kinds
from workers.compiler.plan import Plan, compile_plan
from workers.rendering import frontiers, outline, progress

FAILED: Final = 1
INTERRUPTED: Final = 130
_PING_SECONDS: Final = 3.0


class Command(BaseCommand):
    help = "Check, show and run melodies."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="validate | show | run | cancel")
        validate = verbs.add_parser("validate", help="say everything that is wrong with a document")
        show = verbs.add_parser("show", help="show what a document is compiled to")
        run = verbs.add_parser("run", help="run a melody; the first superuser does it unless --user is given")
        for verb in (validate, show, run):
            verb.add_argument("file", metavar="FILE", help="a melody in YAML or JSON; - reads standard input")
        shapes = show.add_mutually_exclusive_group(required=True)
        shapes.add_argument("--plan", action="store_true", help="the steps in order, with what they wait for")
        shapes.add_argument("--canvas", action="store_true", help="what would be sent, if each step succeeded")
        shapes.add_argument("--mermaid", action="store_true", help="a flowchart")
        run.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help="JSON if it is, else text")
        run.add_argument("--input-file", metavar="FILE", help="a JSON object of inputs; --input goes before it")
        run.add_argument("--organization", metavar="SLUG", help="slug or id; the user's personal one by default")
        run.add_argument("--follow", action="store_true", help="show what happens, exit 0 if it completed")
        cancel = verbs.add_parser("cancel", help="cancel an execution")
        cancel.add_argument("execution", type=UUID, metavar="EXECUTION")
        for verb in (run, cancel):
            verb.add_argument("--user", metavar="EMAIL", help="who does it")
        for verb in (validate, show, run, cancel):
            verb.add_argument("--json", action="store_true", help="machine-readable output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(options)
        except SymphonyError as error:
            told = [error.detail, *(_told(problem) for problem in getattr(error, "errors", ()))]
            raise CommandError("\n".join(told), returncode=FAILED) from error
        except OperationalError as error:
            raise CommandError(str(error).strip().splitlines()[0], returncode=FAILED) from error

    # -- without a database ----------------------------------------------------------------------------------------
    def _validate(self, options: Mapping[str, Any]) -> None:
        name, source = _read(options["file"])
        try:
            definition = load(source, known_kinds())
        except InvalidDocument as invalid:
            self._problems(name, invalid.problems, as_json=options["json"])
            sys.exit(FAILED)
        steps = _steps(definition)
        if options["json"]:
            self._json({"valid": True, "name": definition.name, "steps": steps, "mode": definition.mode})
        else:
            self._say(f"valid: {steps} step{'' if steps == 1 else 's'}")

    def _problems(self, name: str, problems: Iterable[Problem], *, as_json: bool) -> None:
        if as_json:
            self._json({"valid": False, "errors": [_as_dict(problem) for problem in problems]})
            return
        for problem in problems:
            place = f"{name}:{problem.line}:{problem.column}" if problem.line else name
            hint = f" (did you mean {problem.suggestion}?)" if problem.suggestion else ""
            self._say(f"{place}: {problem.message}{hint}")

    def _show(self, options: Mapping[str, Any]) -> None:
        plan = self._plan(options["file"], as_json=options["json"])
        if options["plan"]:
            self._either(options, outline.as_table(plan), {"nodes": outline.as_json(plan)})
        elif options["mermaid"]:
            chart = outline.as_mermaid(plan)
            self._either(options, chart, {"mermaid": "\n".join(chart)})
        elif options["json"]:
            self._json({"parts": [_part_as_json(plan, part) for part in frontiers.parts(plan)]})
        else:
            self._show_canvas(plan)

    def _show_canvas(self, plan: Plan) -> None:
        for part in frontiers.parts(plan):
            if part.title:
                self._say("", f"{part.title}:")
            for number, frontier in enumerate(part.frontiers, 1):
                self._say(f"frontier {number}")
                for canvas in frontier.sent:
                    self._say(*frontiers.as_lines(plan, canvas, "  "))
                if frontier.carried:
                    self._say(f"  carried by what was sent before: {', '.join(frontier.carried)}")
        self._say("", "A worker takes along what it has time for; that is not sent at all.")

    def _plan(self, file: str, *, as_json: bool) -> Plan:
        name, source = _read(file)
        try:
            return compile_plan(load(source, known_kinds()), known_kinds())
        except InvalidDocument as invalid:
            self._problems(name, invalid.problems, as_json=as_json)
            sys.exit(FAILED)

    # -- with one --------------------------------------------------------------------------------------------------
    def _run(self, options: Mapping[str, Any]) -> None:
        name, source = _read(options["file"])
        try:
            load(source, known_kinds())
        except InvalidDocument as invalid:
            self._problems(name, invalid.problems, as_json=options["json"])
            sys.exit(FAILED)
        values = _inputs(options["input"], options["input_file"])
        user = _user(options["user"])
        _require_workers()
        with acting_as(user.pk):
            execution = _start(user, options["organization"], source, values)
        if not options["follow"]:
            self._started(user, execution, as_json=options["json"])
            return
        try:
            self._follow(user, execution, quiet=options["json"])
        except KeyboardInterrupt:
            self.stderr.write(
                f"The execution goes on without you. To cancel it: manage.py melody cancel {execution.pk}"
            )
            sys.exit(INTERRUPTED)
        self._over(user, execution, as_json=options["json"])

    def _started(self, user: User, execution: Execution, *, as_json: bool) -> None:
        if as_json:
            self._json(_as_json(user, execution))
            return
        self._say(f"execution {execution.pk} started")
        if url := settings.ENV.text("SYMPHONY_URL", ""):
            self._say(f"{url}/executions/{execution.pk}/")

    def _follow(self, user: User, execution: Execution, *, quiet: bool) -> None:
        if not quiet:
            self._started(user, execution, as_json=False)
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
                if line is not None and not quiet:
                    self._say(line)
            if state.final and batch.complete:
                return
            if not batch.events:
                time.sleep(streaming.POLL_SECONDS)

    def _over(self, user: User, execution: Execution, *, as_json: bool) -> None:
        with acting_as(user.pk):
            execution.refresh_from_db()
            if as_json:
                self._json(_as_json(user, execution))
            else:
                lines = progress.table(lookups.listed_tasks(execution)[:1000])
                self._say("", *lines, "", f"execution {execution.pk} {execution.status}")
                if execution.error_message:
                    self._say(execution.error_message)
        if execution.status != ExecutionStatus.COMPLETED:
            sys.exit(FAILED)

    def _cancel(self, options: Mapping[str, Any]) -> None:
        user = _user(options["user"])
        with acting_as(user.pk):
            execution = lookups.execution_for(actor=user, execution_id=options["execution"])
            execution = services.cancel_execution(actor=user, execution=execution)
        self._either(options, [f"execution {execution.pk} {execution.status}"], _as_json(user, execution))

    # -- saying it -------------------------------------------------------------------------------------------------
    def _either(self, options: Mapping[str, Any], lines: Iterable[str], value: Mapping[str, Any]) -> None:
        if options["json"]:
            self._json(value)
        else:
            self._say(*lines)

    def _say(self, *lines: str) -> None:
        for line in lines:
            self.stdout.write(progress.printable(line))

    def _json(self, value: Mapping[str, Any]) -> None:
        self.stdout.write(json.dumps(value, indent=2))


def _read(file: str) -> tuple[str, bytes]:
    """Name for messages, and content."""
    if file == "-":
        return "<stdin>", sys.stdin.buffer.read()
    try:
        return file, Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.", returncode=FAILED) from None


def _steps(definition: Definition) -> int:
    return sum(1 for _ in definition.walk())


def _as_dict(problem: Problem) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in ("code", "message", "pointer", "line", "column", "suggestion")}


def _told(problem: Mapping[str, Any]) -> str:
    return f"{problem['pointer']}: {problem['message']}"


def _part_as_json(plan: Plan, part: frontiers.Part) -> dict[str, Any]:
    return {
        "title": part.title,
        "frontiers": [
            {"sent": [frontiers.as_json(plan, canvas) for canvas in frontier.sent], "carried": frontier.carried}
            for frontier in part.frontiers
        ],
    }


def _inputs(pairs: Iterable[str], file: str | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if file is not None:
        name, source = _read(file)
        try:
            read = json.loads(source)
        except ValueError as error:
            raise CommandError(f"{name} is not JSON: {error}.", returncode=FAILED) from None
        if not isinstance(read, dict):
            raise CommandError(f"{name} must hold a JSON object of inputs.", returncode=FAILED)
        values.update(read)
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not key or not equals:
            raise CommandError(f"--input {pair!r} is not NAME=VALUE.", returncode=FAILED)
        try:
            values[key] = json.loads(text)
        except ValueError:
            values[key] = text
    return values


def _user(email: str | None) -> User:
    with staff():
        people = User.objects.filter(is_active=True)
        found = people.filter(email=email) if email else people.filter(is_superuser=True)
        user = found.order_by("id").first()
    if user is None:
        who = f"no active user {email}" if email else "no superuser; `make up` makes one, or name somebody with --user"
        raise CommandError(f"There is {who}.", returncode=FAILED)
    return user


def _require_workers() -> None:
    """A run without workers would wait in silence."""
    try:
        answers = current_app.control.ping(timeout=_PING_SECONDS, limit=1)
    except (BrokerError, OSError) as error:
        raise CommandError(f"The broker does not answer ({error}): start everything with `make up`.") from error
    if not answers:
        raise CommandError("No worker answers: start everything with `make up`.", returncode=FAILED)


def _start(user: User, reference: str | None, source: bytes, values: dict[str, Any]) -> Execution:
    """Run the newest melody of this name in the organization, after publishing what the file says now."""
    organization = accounts.organization_for(actor=user, reference=reference)
    definition = load(source, known_kinds())
    media: melody_services.Media = "json" if source.lstrip()[:1] == b"{" else "yaml"
    named = melodies.melodies(actor=user).filter(organization=organization, name=definition.name[:200])
    melody = named.select_related("organization").order_by("-id").first()
    if melody is None:
        version = melody_services.create_melody(actor=user, organization=organization, source=source, media=media)
    else:
        version = melody_services.publish_version(actor=user, melody=melody, source=source, media=media)
    return services.start_execution(actor=user, melody=version.melody, version=version, input=values)


def _as_json(user: User, execution: Execution) -> dict[str, Any]:
    with acting_as(user.pk):
        return {
            "id": str(execution.pk),
            "melody": str(execution.melody_id),
            "status": execution.status,
            "error": {"code": execution.error_code, "message": execution.error_message}
            if execution.error_code
            else None,
            "outputs": queries.execution_outputs(execution),
            "task_counts": queries.task_counts(execution.pk),
        }
