"""Runs without workers: the ledger is told directly what a worker would tell it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from apps.accounts import queries as accounts
from apps.accounts.models import Organization, Role, User
from apps.accounts.services import add_member
from apps.core.tenancy import acting_as, sweeping, working_for
from apps.executions import blobs, ledger, services
from apps.executions.models import Execution
from apps.melodies import services as melodies
from apps.melodies.models import MelodyVersion
from tests.stored import store

FORK = """\
workflow:
  name: fork
  mode: dag
  steps:
    - {name: first, type: test_echo, value: 1}
    - {name: left, type: test_echo, value: 2, depends_on: [first]}
    - {name: right, type: test_echo, value: 3, depends_on: [first]}
    - {name: last, type: test_echo, value: 4, depends_on: [left, {step: right, on: done}]}
"""


@contextmanager
def as_worker() -> Iterator[None]:
    """A worker's database role for the block, whatever the role was."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (before,) = cursor.fetchone()
        cursor.execute("SET ROLE symphony_worker")
        try:
            yield
        finally:
            if not connection.needs_rollback:
                cursor.execute(f'SET ROLE "{before}"')


@dataclass(frozen=True, slots=True)
class Player:
    """Plays the worker's part in one run."""

    execution: Execution

    @property
    def organization(self) -> str:
        return str(self.execution.organization_id)

    def task_ids(self, status: str) -> list[UUID]:
        with as_worker(), working_for(self.organization):
            own = self.execution.tasks.filter(status=status).exclude(kind="join").order_by("id")
            return list(own.values_list("pk", flat=True))

    def claim(self, task_id: UUID) -> dict[str, Any]:
        with as_worker():
            (claimed,) = ledger.claim(self.organization, str(task_id), "player/1").taken
        return claimed

    def count_statistics(self) -> int:
        """What the sweep does from time to time; how many melodies it counted."""
        with as_worker(), sweeping():
            return ledger.refresh_statistics(10)

    def finish(self, claimed: Mapping[str, Any], **outcome: Any) -> None:
        """As `attempt.Outcome.as_row` does; completed with the output null if nothing else is said."""
        row = {
            "task": claimed["task"],
            "attempt": claimed["attempt"],
            "lease": claimed["lease"],
            "status": "completed",
            "output": None,
            "ref": None,
            "error": None,
            "events": [["task_completed", {"name": claimed["name"]}]],
        }
        with as_worker():
            ledger.finish(self.organization, [row | outcome], "player/1")

    def expand(self, claimed: Mapping[str, Any], frames: list[dict[str, Any]]) -> None:
        with as_worker():
            ledger.expand(claimed, frames, limit=1, stop_on_failure=True, worker="player/1")

    def ask(self, name: str, **carry: Any) -> str:
        """The step that is ready waits for approval by anybody who works here, unless `carry` says otherwise; its id."""
        return self._wait("approval", name, {"role": "member", "quorum": 1, "details": {}, **carry})

    def listen(self, name: str, schema: Any = None) -> str:
        """The step that is ready waits for a signal; its id."""
        return self._wait("signal", name, {"details": {"schema": schema}})

    def _wait(self, reason: str, name: str, carry: Mapping[str, Any]) -> str:
        claimed = self.claim(self.task_ids("dispatched")[0])
        with as_worker():
            ledger.wait(claimed, reason, None, key=name, carry=carry)
        return str(claimed["task"])

    def play(self, **outcomes: Mapping[str, Any]) -> Execution:
        """To the end; `outcomes` by step name."""
        while ready := self.task_ids("dispatched"):
            for task_id in ready:
                claimed = self.claim(task_id)
                self.finish(claimed, **outcomes.get(claimed["name"], {"output": claimed["name"]}))
        return self.execution

    def artifact(self, name: str, data: bytes, content_type: str) -> dict[str, Any]:
        """Bytes in the store, as an outcome's `artifacts` name them."""
        with as_worker():
            sha256 = store(self.organization, data)
        identifier = str(UUID(bytes=blobs.address(name.encode()).encode()[:16]))
        return {
            "id": identifier,
            "name": name,
            "artifact_type": "report",
            "content_type": content_type,
            "sha256": sha256,
            "size": len(data),
            "metadata": {},
        }


@pytest.fixture
def publish(db: None) -> Callable[..., MelodyVersion]:
    """A melody of somebody, in their personal organization unless another is named."""

    def publish(actor: User, document: str | Mapping[str, Any] = FORK, organization: Organization | None = None) -> Any:
        source = document if isinstance(document, str) else json.dumps(document)
        with acting_as(actor.pk):
            home = organization or accounts.organization_for(actor=actor)
            return melodies.create_melody(
                actor=actor, organization=home, source=source, media="yaml" if isinstance(document, str) else "json"
            )

    return publish


@pytest.fixture
def start(publish: Callable[..., MelodyVersion]) -> Callable[..., Player]:
    """A run of a melody of somebody."""

    def start(actor: User, document: Any = FORK, organization: Organization | None = None, **values: Any) -> Player:
        version = publish(actor, document, organization)
        with acting_as(actor.pk):
            return Player(services.start_execution(actor=actor, melody=version.melody, input=values))

    return start


@pytest.fixture
def browser_of(web_role: None) -> Callable[[User], Client]:
    def browser(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return browser


@pytest.fixture
def viewer(alice: User, bob: User, orchestra: Organization) -> User:
    add_member(actor=alice, organization=orchestra, user=bob, role=Role.VIEWER)
    return bob
