"""An engine of its own for each test: what is killed here is nobody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from tests.apps.conftest import alice
from tests.brokers import AnyBroker, new_broker
from tests.chaos.database import Database, connected_to
from tests.conftest import migrated_home, temporary_home
from tests.engine import Engine, sending_to

HASTE = {"SYMPHONY_LEASE_SECONDS": "2", "SYMPHONY_RESEND_SECONDS": "1", "SYMPHONY_SWEEP_SECONDS": "0.2"}


@pytest.fixture
def broker() -> Iterator[AnyBroker]:
    with temporary_home() as home:
        ours = new_broker(home)
        try:
            with sending_to(ours.url):
                yield ours
        finally:
            ours.close()


@pytest.fixture
def engine(
    worker_environ: Callable[..., dict[str, str]], alice: User, broker: AnyBroker, tmp_path: Path, settings: Settings
) -> Iterator[Engine]:
    """Nothing runs in it yet. Leases and pauses are short, so that what is lost is missed soon."""
    settings.SYMPHONY_RESEND_SECONDS = float(HASTE["SYMPHONY_RESEND_SECONDS"])
    running = Engine(alice, worker_environ, tmp_path, broker, dict(HASTE))
    yield running
    running.stop()


@pytest.fixture
def database(transactional_db: None) -> Iterator[Database]:
    """A server that may be killed; this process works on it meanwhile."""
    with migrated_home() as home:
        ours = Database(home)
        try:
            with connected_to(ours.urls.owner):
                yield ours
        finally:
            ours.close()


__all__ = ["alice", "broker", "database", "engine"]
