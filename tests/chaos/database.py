"""A PostgreSQL that may be killed, and this process working on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import dj_database_url
import psycopg2
import psycopg2.extras
from django.db import connection
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from symphony import roles
from symphony.embedded import postgres
from symphony.embedded.home import Home
from symphony.embedded.process import Server
from tests.chaos.proof.reading import WITNESS, Query

psycopg2.extras.register_uuid()


class Database:
    """A PostgreSQL of its own that may be killed; it comes back on the same port and data."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._running = ExitStack()
        self.server = self._start()
        owner = roles.create_owned_database(self.server.url, home)
        roles.ensure_groups(owner)
        self.urls = roles.create_logins(owner, home)

    @property
    def superuser_url(self) -> str:
        return self.server.url.rpartition("/")[0] + "/" + self.urls.owner.rpartition("/")[2]

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

    def watch(self) -> None:
        """From now on the witness sees what happens."""
        with closing(psycopg2.connect(self.superuser_url)) as connected, connected, connected.cursor() as cursor:
            cursor.execute(WITNESS)

    def close(self) -> None:
        self._running.close()


@contextmanager
def seeing_all(url: str) -> Iterator[Query]:
    """One moment of the database, in the eyes of its superuser."""
    with closing(psycopg2.connect(url, connect_timeout=5)) as connected:
        connected.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)

        def query(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
            with connected.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall()

        yield query


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
