from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from rich.console import Console

from symphony import env, stack
from symphony.demo.client import Client
from symphony.demo.view import View
from symphony.embedded.home import Home, free_port
from symphony.errors import StackError
from symphony.stopping import Stopped, StopRequests
from symphony.supervisor import Supervisor

REFRESH_SECONDS = 0.3


class Command(BaseCommand):
    help = "Run a melody over REST on a stack of its own (or on the one that is up), and watch it."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        melody = Path(settings.BASE_DIR) / "examples" / "analyse_codebase.yaml"
        parser.add_argument("melody", nargs="?", type=Path, default=melody, help="default: %(default)s")
        parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help="an input of the melody")

    def handle(self, *args: Any, **options: Any) -> None:
        StopRequests()
        started = time.monotonic()
        home = Home(settings.SYMPHONY_HOME)
        console = Console()
        try:
            document = options["melody"].read_text(encoding="utf-8")
        except OSError as error:
            raise StackError(f"{options['melody']} cannot be read: {error.strerror}.") from None
        try:
            with _some_stack(home, console) as (client, supervisor):
                line = self._run(client, supervisor, home, document, dict(_pairs(options["input"])), console)
        except Stopped:
            raise StackError("The demo was interrupted.") from None
        console.print(f"{line} seconds={time.monotonic() - started:.1f}", highlight=False, soft_wrap=True)

    def _run(
        self,
        client: Client,
        supervisor: Supervisor | None,
        home: Home,
        document: str,
        values: dict[str, str],
        console: Console,
    ) -> str:
        melody = client.create_melody(document)
        execution_id = client.execute(melody["id"], values)["id"]
        view = View(console)
        tend = supervisor.tend if supervisor is not None else _nothing
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
            raise StackError(_complaint(execution, tasks, home))
        events = len(client.listed(execution_id, "events"))
        return f"demo: completed tasks={len(tasks)} events={events} artifacts={len(artifacts)}"


def _nothing() -> None:
    """The stack that is up already looks after itself."""


@contextmanager
def _some_stack(home: Home, console: Console) -> Iterator[tuple[Client, Supervisor | None]]:
    """The stack that is up in this home, else one of our own for as long as the demo takes."""
    url = env.running_stack(home.root).get("SYMPHONY_URL")
    if url is not None:
        yield Client(url, _token(home)), None
        return
    options = stack.Options(port=free_port(), flower_port=None)
    console.print(
        f"Starting PostgreSQL, Valkey, web and workers (state: {home.root}) ...", highlight=False, soft_wrap=True
    )
    with home.locked(), stack.running(home, options) as supervisor:
        yield Client(options.url, _token(home)), supervisor


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


def _fetch(client: Client, execution_id: str, home: Home) -> list[tuple[str, int, str]]:
    """Download all artifacts to where a person can open them."""
    folder = home.root / "demo"
    folder.mkdir(exist_ok=True)
    fetched = []
    for artifact in client.listed(execution_id, "artifacts"):
        data = client.download(artifact["content_url"])
        # Names come from a melody: they may not lead out of the folder.
        path = folder / (Path(artifact["name"]).name or artifact["id"])
        path.write_bytes(data)
        fetched.append((artifact["name"], len(data), str(path)))
    return fetched


def _complaint(execution: dict[str, Any], tasks: list[dict[str, Any]], home: Home) -> str:
    failed = [
        f"{task['name']}: {(task.get('error') or {}).get('message')}" for task in tasks if task["status"] == "failed"
    ]
    why = "; ".join(failed[:3]) or (execution.get("error") or {}).get("message") or "no task says why"
    return f"The execution {execution['id']} is {execution['status']} ({why}; logs: {home.log})."
