"""Real workers whose steps call a model: many at once on few database connections, tried again as rows, cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from pytest_django import DjangoDbBlocker

from apps.accounts import services as accounts
from apps.core.tenancy import acting_as
from apps.spending.models import Usage
from symphony import roles
from tests.brokers import new_broker
from tests.conftest import Servers, child_environ, temporary_home
from tests.engine import Engine, Run, eventually, sending_to
from tests.wire import Answer, Hang, Slow, Status, WireServer, anthropic_server
from tests.workers.stage import committed, folders

SLOTS = 40
POOL = 3
CALL_SECONDS = 1.5


@pytest.fixture(scope="module")
def claude() -> Iterator[WireServer]:
    with anthropic_server() as server:
        yield server


@pytest.fixture(scope="module")
def engine(
    servers: Servers,
    test_database_urls: roles.DatabaseUrls,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
    claude: WireServer,
) -> Iterator[Engine]:
    """One worker of many threads that share three connections, and a sweep."""
    home: Path = tmp_path_factory.mktemp("models")
    with committed(django_db_blocker), folders(home), temporary_home() as broker_home:
        broker = new_broker(broker_home)
        user = accounts.create_user(email="models@example.org", password=None, display_name="Models")
        environ = child_environ(servers, test_database_urls, home)
        more = {
            "SYMPHONY_SWEEP_SECONDS": "0.05",
            "SYMPHONY_DATABASE_POOL": str(POOL),
            "SYMPHONY_MODEL_PROVIDERS": "live",
            "SYMPHONY_ANTHROPIC_BASE_URL": claude.url,
            "ANTHROPIC_API_KEY": "sk-of-the-worker",
        }
        engine = Engine(user, environ, home, broker, more)
        try:
            with sending_to(broker.url):
                engine.sweep(SYMPHONY_DATABASE_POOL="0")
                engine.ready(engine.worker("calls", pool="threads", slots=SLOTS))
                yield engine
        finally:
            engine.stop()
            broker.close()


@pytest.fixture(autouse=True)
def fresh(claude: WireServer) -> None:
    claude.requests.clear()
    claude.dropped.clear()
    claude.most_open = 0


def document(count: int = 1, **more: Any) -> dict[str, Any]:
    """Steps that wait for nothing."""
    steps: list[dict[str, Any]] = [
        {"name": f"ask{number}", "type": "claude", "prompt": f"hi {number}", "depends_on": [], **more}
        for number in range(count)
    ]
    return {"workflow": {"name": "models", "steps": steps}}


def sessions_of(servers: Servers, name: str) -> int:
    """How many database sessions workers have right now."""
    connected = psycopg2.connect(servers.owner_url)
    try:
        with connected.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = 'symphony-worker'",
                [name],
            )
            (count,) = cursor.fetchone()
            return int(count)
    finally:
        connected.close()


def test_many_calls_at_once_on_three_connections(
    engine: Engine, claude: WireServer, servers: Servers, test_database_urls: roles.DatabaseUrls
) -> None:
    claude.script(Slow(Answer("done", input_tokens=100, output_tokens=10), first=CALL_SECONDS))
    run = engine.submit(document(SLOTS))
    eventually(lambda: claude.open_calls == SLOTS, "every call is being made at the same time", why=run.state)
    assert sessions_of(servers, roles.database_name(test_database_urls.owner)) <= POOL + 1  # and the sweep's
    execution = run.wait()
    assert execution.status == "completed", run.state()
    assert claude.most_open == SLOTS
    outputs = [task.output for task in run.tasks()]
    assert {output["text"] for output in outputs} == {"done"}
    with acting_as(engine.user.pk):
        usages = list(Usage.objects.filter(execution_id=run.id))
    assert {(usage.state, usage.mock, usage.input_tokens) for usage in usages} == {("settled", False, 100)}
    assert len(usages) == SLOTS
    called = [event for event in run.events() if event.event_type == "model_called"]
    assert len(called) == SLOTS
    assert not any("sk-of-the-worker" in str(event.payload) for event in run.events())


def test_a_rate_limit_is_a_further_attempt_not_before_its_time(engine: Engine, claude: WireServer) -> None:
    claude.script(Status(429, "slow down", retry_after="1"), Answer("at last"))
    run = engine.submit(document())
    assert run.wait().status == "completed", run.state()
    task = run.task("ask0")
    assert (task.attempt, task.output["text"]) == (2, "at last")
    first, second = claude.requests
    assert second.at - first.at >= 1


def test_a_bad_request_fails_at_once(engine: Engine, claude: WireServer) -> None:
    claude.script(Status(400, "prompt is too long"))
    run = engine.submit(document())
    assert run.wait().status == "failed"
    task = run.task("ask0")
    assert (task.attempt, task.error["code"]) == (1, "bad_request")
    assert "prompt is too long" in task.error["message"]
    assert len(claude.requests) == 1


def test_cancelling_the_run_closes_the_call(engine: Engine, claude: WireServer) -> None:
    claude.script(Hang("some words"))
    run = engine.submit(document())
    eventually(lambda: claude.open_calls == 1, "the call is being made", why=run.state)
    run.cancel()
    eventually(partial(claude.dropped.wait, 0.1), "the call is closed", why=run.state)
    assert run.wait().status == "cancelled"


def test_a_timeout_of_the_step_ends_the_call(engine: Engine, claude: WireServer) -> None:
    claude.script(Hang())
    run: Run = engine.submit(document(timeout_seconds=1))
    assert run.wait().status == "failed"
    assert run.task("ask0").error["code"] == "timeout"
    assert claude.dropped.wait(5)
