"""Everything that may be struck: a database, a broker, a web server, workers of both kinds, two sweeps, and two people.

They are strangers to each other, and each asks over the API, as an editor does.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg2

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.accounts.queries import organization_for
from apps.core.tenancy import acting_as
from apps.executions import blobs
from apps.executions.errors import BlobDamaged, BlobMissing
from symphony.embedded.home import free_port
from tests.brokers import AnyBroker, new_broker
from tests.chaos.client import Client, Unanswered
from tests.chaos.database import Database, connected_to
from tests.chaos.pieces import POOLS
from tests.conftest import Servers, child_environ, migrated_home, temporary_home
from tests.engine import Engine, Process, eventually
from tests.workers.stage import folders

PACE = {
    "SYMPHONY_LEASE_SECONDS": "2",
    "SYMPHONY_RESEND_SECONDS": "0.6",
    "SYMPHONY_SWEEP_SECONDS": "0.1",
    "SYMPHONY_MAX_LOST_ATTEMPTS": "1000",
    "SYMPHONY_DRAIN_SECONDS": "0.1",
    "SYMPHONY_CANCEL_GRACE_SECONDS": "1",
    "SYMPHONY_DEFAULT_TIER": "enterprise",
}
"""Leases and pauses are short, so that what is lost is missed soon; no step is given up for the number of its losses. Who has
to leave has so little time that something is left to hand over."""
WORKERS = ("processes", "threads", "mixed")
SWEEPS = ("sweep", "sweep-too")
WEB = "web"


@dataclass(slots=True)
class Person:
    user: User
    organization: Organization
    client: Client


@dataclass(slots=True, repr=False)
class Scene:
    """`stopped` are processes that stand still, with the moment at which they go on."""

    engine: Engine
    database: Database
    broker: AnyBroker
    people: list[Person]
    folder: Path
    stopped: dict[str, float] = field(default_factory=dict)

    def tend(self) -> None:
        """As supervisors do: what has ended is started again, what stood still for long enough goes on."""
        for name, until in list(self.stopped.items()):
            if time.monotonic() >= until:
                self.go_on(name)
        self.engine.tend()

    def stand_still(self, name: str, seconds: float) -> None:
        process = self.engine.named(name)
        with suppress(ProcessLookupError):
            process.signal(signal.SIGSTOP)
            self.stopped[name] = time.monotonic() + seconds

    def go_on(self, name: str) -> None:
        self.stopped.pop(name, None)
        with suppress(ProcessLookupError):
            self.engine.named(name).signal(signal.SIGCONT)

    def bytes_of(self, organization: UUID, address: str) -> bytes | None:
        """What is stored there."""
        with folders(self.folder), suppress(BlobMissing, BlobDamaged):
            return blobs.get(str(organization), address)
        return None

    def heal(self) -> None:
        for name in list(self.stopped):
            self.go_on(name)
        self.engine.tend()

    def web_listens(self) -> bool:
        address = urlsplit(self.people[0].client.url)
        with suppress(OSError), closing(socket.create_connection((address.hostname, address.port), 1)):
            return True
        return False

    def kill(self, name: str) -> None:
        self.stopped.pop(name, None)
        process = self.engine.named(name)
        with suppress(ProcessLookupError):
            process.kill()

    def execute(self, statement: str, parameters: tuple[Any, ...] = ()) -> int:
        """As the superuser; how many rows it was about."""
        connected = psycopg2.connect(self.database.superuser_url, connect_timeout=5)
        try:
            with connected, connected.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.rowcount
        finally:
            connected.close()


@contextmanager
def opened(folder: Path) -> Iterator[Scene]:
    """A scene that nothing has befallen yet. Nothing of it outlives the block."""
    with ExitStack() as exits:
        home = exits.enter_context(migrated_home())
        database = Database(home)
        exits.callback(database.close)
        exits.enter_context(connected_to(database.urls.owner))
        broker = new_broker(exits.enter_context(temporary_home()))
        exits.callback(broker.close)
        database.watch()
        servers = Servers(home, database.urls.owner, broker.url, _cache_of(broker), migrated=True)
        more = PACE | {
            "SYMPHONY_ARTIFACT_DIR": str(folder / "artifacts"),
            "SYMPHONY_WORKSPACE_DIR": str(folder / "workspaces"),
            "SYMPHONY_ALLOWED_HOSTS": "127.0.0.1",
        }
        first = accounts.create_user(email="ada@example.org", password=None)
        environ = child_environ(servers, database.urls, folder)
        engine = Engine(first, environ, folder, broker, more)
        exits.callback(engine.stop)
        url = _start(engine)
        second = accounts.create_user(email="ben@example.org", password=None)
        people = [_person(user, url) for user in (first, second)]
        yield Scene(engine, database, broker, people, folder)


def _cache_of(broker: AnyBroker) -> str:
    return broker.url.rpartition("/")[0] + "/1" if broker.url.startswith("redis") else ""


def _start(engine: Engine) -> str:
    port = free_port()
    web = engine.web(port)
    workers = [
        engine.worker(WORKERS[0], queues="steps", slots=2),
        engine.worker(WORKERS[1], queues="calls", pool="threads", slots=6),
        engine.worker(WORKERS[2], queues="steps,calls", pool="threads", slots=4),
    ]
    for name in SWEEPS:
        engine.sweep(name)
    engine.ready(*workers)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: _answers(url), "the web answers", why=engine.logs)
    assert web.process.poll() is None
    return url


def _answers(url: str) -> bool:
    try:
        Client(url, "").ask("GET", "melodies/")
    except Unanswered:
        return False
    return True


def _person(user: User, url: str) -> Person:
    with acting_as(user.pk):
        organization = organization_for(actor=user)
    _, secret = accounts.create_token(actor=user, name="chaos")
    person = Person(user, organization, Client(url, secret))
    for name, limits in POOLS.items():
        body = {"kind": "key", "name": name, **limits}
        answer = person.client.insist("POST", f"organizations/{organization.pk}/pools/", body, key=f"pool-{name}")
        assert answer.status == 201, answer
    return person


def children_of(process: Process) -> list[int]:
    """Of a pool; none when it has just died."""
    with suppress(OSError):
        return [pid for pid in process.children() if os.getpgid(pid) == process.process.pid]
    return []
