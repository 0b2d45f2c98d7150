"""The pooled database backend on a real PostgreSQL: many threads, few connections, nothing left behind."""

from __future__ import annotations

import gc
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any, cast

import dj_database_url
import psycopg2
import pytest
from django.db import ConnectionHandler, OperationalError, ProgrammingError

from symphony import stack
from symphony.celery import configuration
from symphony.database import base
from symphony.database.pool import Pool, PooledConnection, PoolExhausted
from symphony.embedded.home import Home
from tests.conftest import Servers


class Pooled:
    """Django's connections of this test's own, all from one pool."""

    def __init__(self, url: str, size: int) -> None:
        self.application = f"pool-{uuid.uuid4().hex[:12]}"
        self.settings: dict[str, Any] = dict(dj_database_url.parse(url)) | {
            "ENGINE": "symphony.database",
            "POOL_SIZE": size,
            "CONN_MAX_AGE": 0,
            "OPTIONS": {"application_name": self.application},
        }
        self.handler = ConnectionHandler({"default": self.settings})
        self.admin = psycopg2.connect(url)
        self.admin.autocommit = True

    @property
    def connection(self) -> Any:
        """This thread's."""
        return self.handler["default"]

    @property
    def pool(self) -> Pool:
        return self.connection._pool(self.connection.get_connection_params())

    def ask(self, sql: str, *parameters: object) -> Any:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchone()[0]

    def on_server(self, sql: str) -> Any:
        with self.admin.cursor() as cursor:
            cursor.execute(sql, [self.application])
            return cursor.fetchone()[0]

    def count(self) -> int:
        return int(self.on_server("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"))

    def kill(self) -> None:
        """End every session of the pool, and see it gone."""
        self.on_server(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = %s"
        )

    def close(self) -> None:
        self.connection.close()
        self.connection.close_pool()
        self.admin.close()


@pytest.fixture
def pooled(servers: Servers, django_db_blocker: Any) -> Iterator[Callable[[int], Pooled]]:
    made: list[Pooled] = []

    def make(size: int) -> Pooled:
        made.append(Pooled(servers.owner_url, size))
        return made[-1]

    with django_db_blocker.unblock():
        yield make
        for one in made:
            one.close()


def test_fifty_threads_on_four_connections(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(4)
    barrier = threading.Barrier(50)
    seen: list[int] = []

    def work(number: int) -> int:
        barrier.wait(20)
        total = 0
        for _ in range(5):
            with database.connection.cursor() as cursor:
                cursor.execute("SELECT %s FROM pg_sleep(0.002)", [number])
                total += cursor.fetchone()[0]
            seen.append(database.pool.open_connections)
            database.connection.close()
        return total

    with ThreadPoolExecutor(50) as threads:
        totals = list(threads.map(work, range(50)))
    assert totals == [number * 5 for number in range(50)]
    assert max(seen) == 4
    assert database.count() == 4


def test_a_transaction_left_open_is_rolled_back(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(1)
    with database.connection.cursor() as cursor:
        cursor.execute("CREATE TABLE pool_left_open (n int)")
    try:
        database.connection.set_autocommit(False)
        with database.connection.cursor() as cursor:
            cursor.execute("INSERT INTO pool_left_open VALUES (1)")
        backend = database.ask("SELECT pg_backend_pid()")
        database.connection.close()
        assert database.ask("SELECT count(*) FROM pool_left_open") == 0
        assert database.ask("SELECT pg_backend_pid()") == backend
        assert database.connection.get_autocommit()
    finally:
        with database.connection.cursor() as cursor:
            cursor.execute("DROP TABLE pool_left_open")


def test_a_failed_transaction_does_not_spoil_the_connection(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(1)
    database.connection.set_autocommit(False)
    with pytest.raises(ProgrammingError), database.connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")
    database.connection.close()
    assert database.ask("SELECT 1") == 1


def test_a_transaction_begun_by_hand_is_rolled_back(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(1)
    with database.connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT set_config('app.organization_id', 'somebody', true)")
    database.connection.close()
    assert database.ask("SELECT current_setting('app.organization_id', true)") in {None, ""}
    assert database.ask("SELECT now() = statement_timestamp()")


def test_nothing_of_a_session_reaches_the_next(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(1)
    with database.connection.cursor() as cursor:
        cursor.execute("SET app.organization_id = 'somebody'")
        cursor.execute("SET search_path = pg_catalog")
        cursor.execute("SET TimeZone = 'Asia/Tokyo'")
        cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        cursor.execute("SET ROLE symphony_worker")
        cursor.execute("RESET ROLE")
        cursor.execute("SELECT pg_advisory_lock(4711)")
        cursor.execute("LISTEN somebody")
        cursor.execute("RESET default_transaction_read_only")
        cursor.execute("CREATE TEMP TABLE left_behind (n int)")
        cursor.execute("SET ROLE symphony_worker")
    owner = database.settings["USER"]
    backend = database.connection.connection.info.backend_pid
    database.connection.close()
    assert database.ask("SELECT pg_backend_pid()") == backend
    assert database.ask("SELECT current_setting('app.organization_id', true)") in {None, ""}
    assert database.ask("SELECT current_user::text") == owner
    assert "public" in database.ask("SHOW search_path")
    assert database.ask("SHOW TimeZone") == "UTC"
    assert database.ask("SHOW transaction_read_only") == "off"
    assert database.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()") == 0
    assert database.ask("SELECT count(*) FROM pg_listening_channels()") == 0
    assert database.ask("SELECT to_regclass('left_behind')::text") is None


def test_the_kind_of_transaction_is_reset_too(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(1)
    database.ask("SELECT 1")
    database.connection.connection.set_session("SERIALIZABLE", readonly=True, deferrable=True)
    backend = database.ask("SELECT pg_backend_pid()")
    database.connection.close()
    database.connection.set_autocommit(False)
    assert database.ask("SELECT pg_backend_pid()") == backend
    assert database.ask("SHOW transaction_isolation") == "read committed"
    assert database.ask("SHOW transaction_read_only") == "off"
    database.connection.rollback()


@pytest.mark.parametrize(("size", "wanted"), [(1, True), (2, False)])
def test_a_connection_is_wanted_where_the_next_thread_would_wait(
    pooled: Callable[[int], Pooled], size: int, *, wanted: bool
) -> None:
    database = pooled(size)
    assert not database.connection.is_wanted
    database.ask("SELECT 1")
    assert database.connection.is_wanted is wanted
    database.connection.close()
    assert not database.connection.is_wanted


def test_an_idle_connection_that_was_killed_is_replaced_unseen(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(2)
    first = database.ask("SELECT pg_backend_pid()")
    database.connection.close()
    database.kill()
    assert database.ask("SELECT pg_backend_pid()") != first
    assert database.pool.open_connections == 1


def test_a_connection_killed_in_use_costs_one_error_and_no_place(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(1)
    for _ in range(3):
        database.ask("SELECT 1")
        database.kill()
        with pytest.raises(OperationalError):
            database.ask("SELECT 1")
        database.connection.close()
        assert database.ask("SELECT 1") == 1


def test_a_place_is_free_again_when_connecting_fails(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(1)

    def refuse() -> PooledConnection:
        raise psycopg2.OperationalError("no")

    for _ in range(2):
        with pytest.raises(psycopg2.OperationalError, match="no"):
            database.pool.take(refuse)
    assert database.ask("SELECT 1") == 1


def test_waiting_ends_with_a_sentence(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(1)
    database.ask("SELECT 1")
    began = monotonic()
    with pytest.raises(PoolExhausted, match=r"All 1 database connections.*SYMPHONY_DATABASE_POOL"):
        database.pool.take(lambda: pytest.fail("there is no room"), wait_seconds=0.2)
    assert 0.2 <= monotonic() - began < 2


def test_who_waits_gets_what_is_given_back(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(1)
    backend = database.ask("SELECT pg_backend_pid()")
    with ThreadPoolExecutor(1) as other:

        def query() -> Any:
            try:
                return database.ask("SELECT pg_backend_pid()")
            finally:
                database.connection.close()

        answer = other.submit(query)
        database.connection.close()
        assert answer.result(10) == backend


def test_a_thread_that_ends_without_closing_gives_its_place_up(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(1)
    thread = threading.Thread(target=database.ask, args=("SELECT 1",))
    thread.start()
    thread.join(10)
    del thread
    gc.collect()
    assert database.ask("SELECT 1") == 1


def test_closing_inside_a_transaction_rolls_back(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(1)
    connection = database.connection
    connection.set_autocommit(False)
    connection.in_atomic_block = True
    database.ask("SELECT 1")
    connection.close()
    assert connection.needs_rollback
    connection.in_atomic_block = connection.needs_rollback = connection.closed_in_transaction = False
    connection.connection = None
    assert database.ask("SELECT 1") == 1


def test_the_end_of_a_task_gives_the_connection_back(pooled: Callable[[int], Pooled]) -> None:
    """Celery closes connections around tasks, and with CONN_MAX_AGE 0 Django does so too."""
    database = pooled(1)
    backend = database.ask("SELECT pg_backend_pid()")
    database.connection.close_if_unusable_or_obsolete()
    assert database.connection.connection is None
    assert database.ask("SELECT pg_backend_pid()") == backend


def test_a_forked_child_connects_anew_and_leaves_its_parent_alone(pooled: Callable[[int], Pooled]) -> None:
    database = pooled(2)
    mine = database.ask("SELECT pg_backend_pid()")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            database.connection.close()
            theirs = database.ask("SELECT pg_backend_pid()")
            database.connection.close()
            os.write(writing, str(theirs).encode())
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert int(os.read(reading, 20)) != mine
    os.close(reading)
    os.close(writing)
    assert database.ask("SELECT pg_backend_pid()") == mine


def test_a_test_database_can_be_made_and_dropped(servers: Servers, pooled: Callable[[int], Pooled]) -> None:
    database = pooled(2)
    name = f"pool_{uuid.uuid4().hex[:12]}"
    creation = database.connection.creation
    with database.connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    inside = Pooled(servers.owner_url.rpartition("/")[0] + "/" + name, 2)
    inside.admin.close()
    assert inside.ask("SELECT current_database()") == name
    inside.connection.close()
    assert inside.pool.open_connections == 1
    inside.connection.creation._destroy_test_db(name, verbosity=0)
    assert creation._database_exists(database.connection.cursor(), name) is False


def test_only_processes_of_many_threads_share_connections(tmp_path: Path) -> None:
    prepared = stack.Prepared(cast(Any, None), {"DATABASE_URL": "postgresql://somewhere/else"})
    specs = stack.process_specs(stack.Options(flower_port=None), prepared, Home(tmp_path))
    pools = {spec.name: spec.environ["SYMPHONY_DATABASE_POOL"] for spec in specs}
    assert pools == {"web": "20", "steps": "0", "calls": "20", "sweep": "0"}
    # Celery gives a connection back after each task exactly where there is a pool to give it back to.
    assert configuration("redis://", 1, pooled=True)["CELERY_DB_REUSE_MAX"] == 0
    assert configuration("redis://", 1)["CELERY_DB_REUSE_MAX"] > 1_000_000


def test_pools_are_kept_apart_by_login_and_database(pooled: Callable[[int], Pooled]) -> None:
    one, other = pooled(2), pooled(2)
    assert one.pool is one.pool
    assert one.pool is not other.pool
    assert isinstance(one.connection, base.DatabaseWrapper)
