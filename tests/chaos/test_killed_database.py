"""PostgreSQL is the truth: when its processes are killed, what was committed stays, and the run goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dj_database_url
import pytest
from django.db import connection

from apps.accounts.services import create_user
from symphony import roles
from symphony.embedded import postgres
from symphony.embedded.home import Home
from symphony.embedded.process import Server
from tests.chaos import long_run
from tests.chaos.conftest import HASTE
from tests.chaos.test_killed_workers import outputs_of
from tests.conftest import migrated_home
from tests.engine import Broker, Engine, assert_each_completed_once


class Database:
    """A PostgreSQL of its own that may be killed; it comes back on the same port and data."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._running = ExitStack()
        self.server = self._start()
        owner = roles.create_owned_database(self.server.url, home)
        roles.ensure_groups(owner)
        self.urls = roles.create_logins(owner, home)

    def _start(self) -> Server:
        return self._running.enter_context(postgres.running(self._home))

    def kill(self) -> None:
        self.server.process.kill()
        self.server.process.wait()

    def restart(self) -> None:
        url = self.server.url
        self.close()
        self.server = self._start()
        assert self.server.url == url, "another process took the port of the database"

    def close(self) -> None:
        self._running.close()


@contextmanager
def connected_to(url: str) -> Iterator[None]:
    """Let this process work on another database."""
    before = dict(connection.settings_dict)
    place = dj_database_url.parse(url)
    connection.close()
    connection.settings_dict.update({key: place[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


@pytest.fixture
def database(transactional_db: None) -> Iterator[Database]:
    with migrated_home() as home:
        ours = Database(home)
        try:
            with connected_to(ours.urls.owner):
                yield ours
        finally:
            ours.close()


def test_a_run_survives_the_death_of_the_database(
    database: Database, worker_environ: Callable[..., dict[str, str]], broker: Broker, tmp_path: Path
) -> None:
    user = create_user(email="dora@example.org", password=None)
    logins = {
        "DATABASE_URL": database.urls.owner,
        "WEB_DATABASE_URL": database.urls.web,
        "WORKER_DATABASE_URL": database.urls.worker,
    }
    engine = Engine(user, worker_environ, tmp_path, broker, HASTE | logins)
    try:
        engine.worker("processes")
        engine.worker("threads", queues="calls", pool="threads", slots=8)
        engine.sweep()
        run = engine.submit(long_run.document())
        for done in (40, 150):
            run.wait_for_completed(done)
            told = {event.task_id for event in run.events() if event.event_type == "task_completed"}
            database.kill()
            database.restart()
            connection.close()
            assert told <= {task.pk for task in run.tasks() if task.status == "completed"}, "what was told stays"
        run.wait()

        assert_each_completed_once(run)
        long_run.check_results(outputs_of(run))
        assert all(process.process.poll() is None for process in engine.processes), engine.logs()
    finally:
        engine.stop()
