"""The servers all systems share, in a folder of their own that is gone afterwards."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import redis

from symphony import roles, stack
from symphony.demo.client import Client
from symphony.embedded.home import Home, free_port
from symphony.embedded.process import spawn, tail
from symphony.errors import StackError
from symphony.supervisor import ProcessSpec, Supervisor

PLAIN_DATABASE = "plain"
PLAIN_BROKER_DATABASE = 2
PLAIN_RESULTS_DATABASE = 3
TASKS_OF_RUN = """
    (SELECT %s::uuid AS run) r
    JOIN executions_task t ON t.id BETWEEN ledger_task_id(r.run, 0) AND ledger_task_id(r.run, 2147483647)
"""
"""Found as the ledger finds them: reading a history of ten million tasks would disturb what is measured beside it."""


@dataclass(frozen=True, slots=True)
class Arena:
    """Servers and web that run, nothing else; `rows` reads Symphony's tables past its row-level security."""

    home: Home
    stack: stack.Prepared
    web: Supervisor
    client: Client
    url: str
    token: str
    rows: Any
    broker: redis.Redis
    plain_variables: dict[str, str]
    _crews: list[Supervisor] = field(default_factory=list)

    @contextmanager
    def running(self, processes: Sequence[ProcessSpec]) -> Iterator[None]:
        """Workers for as long as the block lasts."""
        workers = Supervisor(self.home.log, stack.BASE_DIR, self.stack.servers.check)
        try:
            workers.start(processes)
            self._crews.append(workers)
            yield
        finally:
            self._crews.remove(workers)
            workers.stop()

    def wait(self, done: Callable[[], bool], what: str, *, seconds: float, pause: float = 0.01) -> None:
        deadline = time.monotonic() + seconds
        before = [crew.pids() for crew in self._crews]
        while not done():
            if time.monotonic() > deadline:
                raise StackError(f"{what} was not done within {seconds:.0f} seconds (logs: {self.home.log}).")
            for crew in self._crews:
                crew.tend()
            if [crew.pids() for crew in self._crews] != before:
                raise StackError(f"A worker died before {what} was done (logs: {self.home.log}).")
            time.sleep(pause)

    def pids(self) -> dict[str, int]:
        """Of the workers that run, by name."""
        return {name: pid for crew in self._crews for name, pid in crew.pids().items()}

    def people(self, count: int) -> list[tuple[str, str]]:
        """So many new people: a token, and their personal organization, of each."""
        said = run_inside(self, "benchmarks.inside.people", str(count), role="owner")
        return [(token, organization) for token, organization in json.loads(said)]

    def select(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.rows.cursor() as cursor:
            cursor.execute(query, values)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found


def run_inside(arena: Arena, module: str, *arguments: str | Path, role: str) -> str:
    """Run a module with Symphony's settings to its end, with the database login of a role; the last line it has printed."""
    log = arena.home.log / f"{module}.log"
    log.unlink(missing_ok=True)
    environ = arena.stack.environ(role) | {"DJANGO_SETTINGS_MODULE": "symphony.settings"}
    process = spawn([sys.executable, "-m", module, *arguments], log=log, cwd=stack.BASE_DIR, environ=environ)
    try:
        code = process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if code != 0:
        raise StackError(f"{module} {' '.join(map(str, arguments))} failed: {tail(log)} (log: {log}).")
    return tail(log)


@contextmanager
def opened(root: Path) -> Iterator[Arena]:
    """Embedded servers with the product's own settings, Symphony's web, and a database for plain Celery."""
    outer = Home(Home(root).root / "bench")
    with outer.locked():
        folder = outer.root / "run"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            with _arena(Home(folder)) as arena:
                yield arena
        except StackError:
            # The message names a log, so that stays.
            shutil.rmtree(folder / "postgres", ignore_errors=True)
            raise
        except BaseException:
            shutil.rmtree(outer.root, ignore_errors=True)
            raise
        shutil.rmtree(outer.root, ignore_errors=True)


@contextmanager
def _arena(home: Home) -> Iterator[Arena]:
    with stack.prepared(home, {}) as prepared:
        stack.manage("provision", prepared, home)
        plain_variables = _prepare_plain(prepared, home)
        options = stack.Options(port=free_port(), flower_port=None)
        web = Supervisor(home.log, stack.BASE_DIR, prepared.servers.check)
        try:
            web.start([spec for spec in stack.process_specs(options, prepared, home) if spec.name == "web"])
            web.wait_for(f"{options.url}/livez", "web")
            token = home.read_private("token") or ""
            with (
                closing(_superuser(prepared)) as rows,
                redis.Redis.from_url(prepared.variables["BROKER_URL"]) as broker,
            ):
                client = Client(options.url, token)
                yield Arena(home, prepared, web, client, options.url, token, rows, broker, plain_variables)
        finally:
            web.stop()


def _superuser(prepared: stack.Prepared) -> Any:
    assert prepared.servers.postgres is not None
    url = prepared.servers.postgres.url
    connection = psycopg2.connect(
        url.rpartition("/")[0] + "/" + roles.database_name(prepared.variables["DATABASE_URL"])
    )
    connection.autocommit = True
    return connection


def _prepare_plain(prepared: stack.Prepared, home: Home) -> dict[str, str]:
    """A database of its own on the same server, and the tables of django-celery-results in it."""
    assert prepared.servers.postgres is not None
    assert prepared.servers.valkey is not None
    variables = {
        "PLAIN_DATABASE_URL": roles.create_owned_database(prepared.servers.postgres.url, home, PLAIN_DATABASE),
        "PLAIN_BROKER_URL": f"{prepared.servers.valkey.url}/{PLAIN_BROKER_DATABASE}",
        "PLAIN_RESULTS_URL": f"{prepared.servers.valkey.url}/{PLAIN_RESULTS_DATABASE}",
        "PLAIN_STAMPS": str(home.root / "stamps"),
    }
    log = home.log / "plain-migrate.log"
    command = [sys.executable, "-m", "django", "migrate", "--settings", "benchmarks.plain.settings"]
    environ = {**os.environ, **variables, "PYTHONPATH": str(stack.BASE_DIR)}
    if spawn(command, log=log, cwd=stack.BASE_DIR, environ=environ).wait() != 0:
        raise StackError(f"The tables of django-celery-results could not be made: {tail(log)} (log: {log}).")
    return variables
