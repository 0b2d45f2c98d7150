"""Real servers for the tests that need them: one PostgreSQL and one Valkey per process, in a folder of their own.

`DATABASE_URL` and `BROKER_URL` in the environment replace them. Tests without a database start nothing. With `-n 2` there
are several processes: see `tests.parallel` for what each has of its own.

- `django_db` tests run as the owner of the tables; `web_role` and `worker_role` make them the role of the web or of a worker.
- `worker_environ("worker")` is the environment of a process that is to work on the test database.
- `stack` is everything `make up` starts, on a database and ports of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dj_database_url
import hypothesis
import kombu
import psycopg2
import pytest
import redis
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.cache import caches
from django.db import connection, connections
from django.test.utils import setup_databases, teardown_databases
from pytest_django import DjangoDbBlocker

from apps.core import ids
from apps.core.origin import Origin, coming_from
from symphony import roles
from symphony import stack as stack_module
from symphony.celery import app as celery_app
from symphony.embedded import servers as embedded
from symphony.embedded.home import Home, free_port
from symphony.supervisor import Supervisor
from tests import brokers, emptying, parallel, seeds

# Tests start a hundred Python processes: they may keep what they have compiled, whatever the shell says.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell lets what it starts in the background ignore Ctrl-C, and children inherit that: tests that press it would wait.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is; what has to be quick is measured where it is promised.
hypothesis.settings.register_profile("symphony", deadline=None)
hypothesis.settings.load_profile("symphony")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> parallel.TogetherScheduling | None:
    return parallel.TogetherScheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_sessionstart(session: pytest.Session) -> None:
    """While the processes run what needs no database, the one that only waits for them makes it."""
    if parallel.WORKER or not session.config.getoption("numprocesses", None) or os.environ.get("DATABASE_URL"):
        return
    environ = os.environ | {"DJANGO_SETTINGS_MODULE": "symphony.settings"}
    command = [sys.executable, "-c", "import django; django.setup(); from tests import seeds; seeds.prepare()"]
    making = subprocess.Popen(command, cwd=session.config.rootpath, env=environ, stderr=subprocess.DEVNULL)
    session.config.add_cleanup(lambda: (making.terminate(), making.wait()))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if parallel.WORKER:
        items[:] = parallel.in_order(items)


@dataclass(frozen=True, slots=True)
class Servers:
    """What the session runs on. `owner_url` names a database only to connect by: tests get one of their own."""

    home: Home
    owner_url: str
    broker_url: str
    cache_url: str
    migrated: bool
    """Whether the test database is there already."""


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> None:
    """Argon2 as ever, with its smallest cost: hashing as well as production does would be a tenth of the suite."""
    Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1


@contextmanager
def temporary_home() -> Iterator[Home]:
    # Not pytest's own tmp_path: it keeps the last three, and a data folder is 40 MB.
    folder = Path(tempfile.mkdtemp(prefix="symphony-tests-"))
    try:
        yield Home(folder / "home")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def migrated_home() -> Iterator[Home]:
    """The home of a stack that was started before and left."""
    folder = Path(tempfile.mkdtemp(prefix="symphony-tests-"))
    folder.chmod(0o711)
    try:
        seeds.copy_to(folder / "home")
        yield Home(folder / "home")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    database, broker = os.environ.get("DATABASE_URL"), os.environ.get("BROKER_URL")
    with ExitStack() as exits:
        home = exits.enter_context(temporary_home() if database else migrated_home())
        ours = exits.enter_context(embedded.running(home, with_postgres=not database, with_valkey=not broker))
        if ours.postgres is not None:
            _trade_safety_for_speed(ours.postgres.url)
            database = roles.create_owned_database(ours.postgres.url, home)
        if ours.valkey is not None:
            broker = f"{ours.valkey.url}/{stack_module.BROKER_DATABASE}"
            cache = f"{ours.valkey.url}/{stack_module.CACHE_DATABASE}"
        else:
            cache = parallel.own_redis(os.environ.get("CACHE_URL", ""))
        if brokers.is_rabbitmq():
            broker = exits.enter_context(closing(brokers.new_broker(home))).url
        assert database is not None
        assert broker is not None
        with parallel.one_at_a_time("roles"):
            roles.ensure_groups(database)
        broker = broker if ours.valkey is not None else parallel.own_redis(broker)
        yield Servers(home, database, broker, cache, migrated=ours.postgres is not None)


def _trade_safety_for_speed(admin_url: str) -> None:
    """This cluster lives as long as the session: it need not survive a power cut."""
    connected = psycopg2.connect(admin_url)
    connected.autocommit = True
    with connected.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET fsync = off")
        cursor.execute("ALTER SYSTEM SET full_page_writes = off")
        cursor.execute("SELECT pg_reload_conf()")
    connected.close()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: Servers) -> None:
    """Point Django at the session's servers; pytest-django makes the test database next."""
    database = settings.DATABASES["default"] | dict(dj_database_url.parse(servers.owner_url))
    database["OPTIONS"] = {"application_name": "symphony-tests", "connect_timeout": 10}
    name = parallel.own_name(f"test_{database['NAME']}")
    _repoint(connections, settings.DATABASES, database | {"TEST": {"NAME": name}})
    if servers.cache_url:
        redis_cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": servers.cache_url}
        _repoint(caches, settings.CACHES, redis_cache)
    settings.BROKER_URL = servers.broker_url
    celery_app.conf.broker_url = servers.broker_url


@pytest.fixture(scope="session")
def django_db_setup(
    servers: Servers, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The test database, also for sessions in which no test asks for it in pytest-django's own words."""
    with django_db_blocker.unblock():
        if servers.migrated:
            connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = seeds.MIGRATED
            made = []
        else:
            made = setup_databases(verbosity=0, interactive=False, aliases={"default"})
        emptying.install()
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        teardown_databases(made, verbosity=0)


def _repoint(handler: Any, configured: dict[str, Any], default: dict[str, Any]) -> None:
    configured["default"] = default
    handler.settings = handler.configure_settings(configured)
    if hasattr(handler._connections, "default"):
        del handler["default"]


@pytest.fixture(scope="session")
def test_database_urls(servers: Servers, django_db_setup: None) -> roles.DatabaseUrls:
    """The test database, with logins as small as production's."""
    name = str(settings.DATABASES["default"]["NAME"])
    owner_url = servers.owner_url.rpartition("/")[0] + "/" + name
    with parallel.one_at_a_time("roles"):
        return roles.create_logins(owner_url, servers.home)


@pytest.fixture
def worker_environ(
    servers: Servers, test_database_urls: roles.DatabaseUrls, transactional_db: None, tmp_path: Path
) -> Callable[..., dict[str, str]]:
    """The environment of a child process on the test database: `worker_environ("worker", SYMPHONY_LEASE_SECONDS="2")`."""
    return child_environ(servers, test_database_urls, tmp_path)


def child_environ(servers: Servers, urls: roles.DatabaseUrls, home: Path) -> Callable[..., dict[str, str]]:
    """Artifacts and workspaces are where the settings say when the child is started."""

    def environ(role: str = "worker", **more: str) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "symphony.settings",
            "SYMPHONY_ROLE": role,
            "SYMPHONY_HOME": str(home),
            "SYMPHONY_SECRET_KEY": str(settings.SECRET_KEY),
            "SYMPHONY_SECRET_KEYS": ",".join(settings.SYMPHONY_SECRET_KEYS),
            "SYMPHONY_ARTIFACT_DIR": str(settings.SYMPHONY_ARTIFACT_DIR),
            "SYMPHONY_WORKSPACE_DIR": str(settings.SYMPHONY_WORKSPACE_DIR),
            "DATABASE_URL": urls.owner,
            "WEB_DATABASE_URL": urls.web,
            "WORKER_DATABASE_URL": urls.worker,
            "BROKER_URL": servers.broker_url,
            "CACHE_URL": servers.cache_url,
            **more,
        }

    return environ


@pytest.fixture
def empty_broker(servers: Servers) -> None:
    """A broker without a message of an earlier test."""
    if servers.broker_url.startswith("redis"):
        with redis.Redis.from_url(servers.broker_url) as client:
            client.flushdb()
        return
    with kombu.Connection(servers.broker_url) as connected:
        for queue in brokers.QUEUES:
            with suppress(connected.channel_errors):
                connected.channel().queue_purge(queue)


@contextmanager
def database_role(role: str) -> Iterator[None]:
    """Be `symphony_web` or `symphony_worker`, on this connection and on those opened later in the block."""
    options = connection.settings_dict["OPTIONS"]
    options["assume_role"] = role
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
    try:
        yield
    finally:
        del options["assume_role"]
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("RESET ROLE")


@pytest.fixture
def web_role(db: None) -> Iterator[None]:
    with database_role(roles.GROUPS["web"]):
        yield


@pytest.fixture
def worker_role(db: None) -> Iterator[None]:
    with database_role(roles.GROUPS["worker"]):
        yield


@pytest.fixture(autouse=True)
def from_nowhere() -> Iterator[None]:
    """A test that signs somebody in outside of a request leaves nothing of that to the next."""
    with coming_from(Origin()):
        yield


@pytest.fixture(autouse=True)
def clock_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Identifiers never go back in time: those after a test that has travelled would be of its future."""
    monkeypatch.setattr(ids, "_last_millisecond", ids._last_millisecond)


@pytest.fixture(autouse=True)
def private_folders(request: pytest.FixtureRequest) -> Iterator[None]:
    """Artifacts and workspaces of a test go to its own folder, never to the developer's."""
    if (
        "db" not in request.fixturenames
        and "transactional_db" not in request.fixturenames
        and not request.node.get_closest_marker("django_db")
    ):
        yield
        return
    folder = request.getfixturevalue("tmp_path")
    before = settings.SYMPHONY_ARTIFACT_DIR, settings.SYMPHONY_WORKSPACE_DIR
    settings.SYMPHONY_ARTIFACT_DIR, settings.SYMPHONY_WORKSPACE_DIR = folder / "artifacts", folder / "workspaces"
    yield
    settings.SYMPHONY_ARTIFACT_DIR, settings.SYMPHONY_WORKSPACE_DIR = before


@dataclass(frozen=True, slots=True)
class RunningStack:
    """Everything `make up` starts. Paths of `log` say why when a process did not do what a test waited for."""

    url: str
    token: str
    home: Home
    supervisor: Supervisor


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    with ExitStack() as exits:
        home = exits.enter_context(temporary_home() if os.environ.get("DATABASE_URL") else migrated_home())
        options = stack_module.Options(port=free_port(), flower_port=None, steps_processes=2)
        environ = exits.enter_context(_own_database())
        if brokers.is_rabbitmq():
            environ |= {"BROKER_URL": exits.enter_context(closing(brokers.new_broker(home))).url}
        supervisor = exits.enter_context(stack_module.running(home, options, environ))
        token = home.read_private("token")
        assert token is not None
        yield RunningStack(options.url, token, home, supervisor)


@contextmanager
def _own_database() -> Iterator[dict[str, str]]:
    """The environment with a fresh database on the server of DATABASE_URL, or without when that is not set."""
    url = os.environ.get("DATABASE_URL")
    named = {name: os.environ[name] for name in ("BROKER_URL", "CACHE_URL") if os.environ.get(name)}
    if not url:
        yield named
        return
    name = f"symphony_stack_{os.getpid()}"
    connected = psycopg2.connect(url)
    connected.autocommit = True
    with connected.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
        try:
            yield named | {"DATABASE_URL": url.rpartition("/")[0] + "/" + name}
        finally:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            connected.close()
