from __future__ import annotations

import argparse
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from rich.console import Console

from symphony import env, stack
from symphony.demo.client import Client
from symphony.demo.view import WIDE, Fetched, View
from symphony.embedded.home import Home, free_port, port_is_free
from symphony.errors import StackError
from symphony.stopping import Stopped, StopRequests

REFRESH_SECONDS = 0.3
MELODY = Path(settings.BASE_DIR) / "examples" / "analyse_codebase.yaml"
_ODD = re.compile(r"[^\w.-]")


class Command(BaseCommand):
    help = "Run a melody over REST on a stack of its own, and watch it. Other melodies run on the stack that is up."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("melody", nargs="?", type=Path, default=MELODY, help="default: %(default)s")
        parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help="an input of the melody")
        parser.add_argument("--port", type=int, help="port of the web (default: a free one)")
        parser.add_argument("--timeout", type=float, default=600.0, help="give up after so many seconds (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        StopRequests()
        started = time.monotonic()
        console = Console()
        if not console.is_terminal:
            console = Console(width=WIDE)
        document = _read(options["melody"])
        values = dict(_pairs(options["input"]))
        home, root = Home(settings.SYMPHONY_HOME), None
        if options["melody"].resolve() == MELODY:
            # The one melody we know to read nothing but source files: only for it may workers look into a folder.
            root = Path(values.setdefault("root", str(settings.BASE_DIR))).absolute()
            if env.running_stack(home.root):
                # Workers that are up may not look into it.
                home = Home(home.root / "beside")
        try:
            with _some_stack(home, root, options["port"], console) as (client, tend):
                deadline = _Deadline(started + options["timeout"], tend)
                line = _run(client, deadline.tend, document, values, home, console)
        except Stopped:
            raise StackError(f"The demo was interrupted (logs: {home.log}).") from None
        except StackError as error:
            raise StackError(_with_logs(error, home)) from error
        console.print(f"{line} seconds={time.monotonic() - started:.1f}", highlight=False, soft_wrap=True)


class _Deadline:
    """Looks after the stack, until the time is up."""

    def __init__(self, end: float, tend: Callable[[], None]) -> None:
        self._end = end
        self._tend = tend

    def tend(self) -> None:
        if time.monotonic() > self._end:
            raise StackError("The melody has not ended in time: give it more with --timeout SECONDS.")
        self._tend()


def _run(
    client: Client,
    tend: Callable[[], None],
    document: str,
    values: dict[str, str],
    home: Home,
    console: Console,
) -> str:
    melody = client.create_melody(document)
    execution_id = client.execute(melody["id"], values)["id"]
    view = View(console, str(melody["name"]))
    with view.following():
        refreshed = 0.0
        for event in client.events(execution_id, tend):
            view.event(event)
            if console.is_terminal and time.monotonic() - refreshed > REFRESH_SECONDS:
                view.tasks(client.listed(execution_id, "tasks"))
                refreshed = time.monotonic()
    execution = client.execution(execution_id)
    tasks = client.listed(execution_id, "tasks")
    artifacts = _fetch(client, execution_id, home)
    view.summary(tasks, artifacts)
    if execution["status"] != "completed":
        raise StackError(_complaint(execution, tasks))
    events = len(client.listed(execution_id, "events"))
    return f"demo: completed tasks={len(tasks)} events={events} artifacts={len(artifacts)}"


@contextmanager
def _some_stack(
    home: Home, root: Path | None, port: int | None, console: Console
) -> Iterator[tuple[Client, Callable[[], None]]]:
    """The stack that is up in this home, else one of our own for as long as it takes; its workers may read `root`."""
    url = env.running_stack(home.root).get("SYMPHONY_URL")
    if url is not None:
        yield Client(url, _token(home)), _nothing
        return
    if port is not None and not port_is_free(port):
        raise StackError(f"Port {port} is taken by another program: leave --port out, and a free one is found.")
    options = stack.Options(port=port or free_port(), flower_port=None)
    started = time.monotonic()
    console.print(f"Starting PostgreSQL, Valkey, web and workers; their state is in {home.root}", soft_wrap=True)
    with home.locked(), _readable(root), stack.running(home, options) as supervisor:
        console.print(f"Started in {time.monotonic() - started:.1f} seconds at {options.url}", soft_wrap=True)
        yield Client(options.url, _token(home)), supervisor.tend
        console.print("Stopping all of it", soft_wrap=True)


@contextmanager
def _readable(root: Path | None) -> Iterator[None]:
    """Processes started in the block may read the folder, besides those the operator allows anyway."""
    before = os.environ.get("SYMPHONY_READABLE_ROOTS")
    if root is not None:
        os.environ["SYMPHONY_READABLE_ROOTS"] = os.pathsep.join(filter(None, [before, str(root)]))
    try:
        yield
    finally:
        if root is not None and before is None:
            del os.environ["SYMPHONY_READABLE_ROOTS"]
        elif before is not None:
            os.environ["SYMPHONY_READABLE_ROOTS"] = before


def _nothing() -> None:
    """The stack that is up already looks after itself."""


def _read(melody: Path) -> str:
    try:
        return melody.read_text(encoding="utf-8")
    except OSError as error:
        raise StackError(f"{melody} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise StackError(f"{melody} is not UTF-8 text.") from None


def _token(home: Home) -> str:
    token = home.read_private("token")
    if token is None:
        raise StackError(f"{home.root / 'token'} is missing: make a token in the admin and put it there.")
    return token


def _pairs(inputs: list[str]) -> Iterator[tuple[str, str]]:
    for item in inputs:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise StackError(f"--input {item!r} is not NAME=VALUE.")
        yield name, value


def _fetch(client: Client, execution_id: str, home: Home) -> list[Fetched]:
    """Download all artifacts to where a person can open them, and see that they are what their address says."""
    folder = home.root / "demo"
    folder.mkdir(exist_ok=True)
    fetched = []
    for artifact in client.listed(execution_id, "artifacts"):
        data = client.download(artifact["content_url"])
        if hashlib.sha256(data).hexdigest() != artifact["content_hash"]:
            raise StackError(f"The artifact {artifact['name']} is not what its address says.")
        # Names come from a melody: they may neither lead out of the folder nor hide.
        name = _ODD.sub("_", artifact["name"]).lstrip(".") or artifact["id"]
        path = folder / name
        path.write_bytes(data)
        fetched.append(Fetched(artifact["name"], len(data), artifact["content_hash"], path))
    return fetched


def _complaint(execution: dict[str, Any], tasks: list[dict[str, Any]]) -> str:
    failed = [
        f"{task['name']}: {(task.get('error') or {}).get('message')}" for task in tasks if task["status"] == "failed"
    ]
    why = "; ".join(failed[:3]) or (execution.get("error") or {}).get("message") or "no task says why"
    return f"The execution {execution['id']} is {execution['status']}: {why.rstrip('.')}."


def _with_logs(error: StackError, home: Home) -> str:
    """Every complaint says where to read on."""
    text = str(error)
    return text if "log: " in text or "logs: " in text else f"{text.rstrip('.')} (logs: {home.log})."
