"""Web, database, broker and two hosts of workers, each a machine of its own; the wire of one is cut and mended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from apps.accounts import services as accounts
from apps.accounts.queries import organization_for
from apps.core.tenancy import acting_as
from symphony.embedded import postgres
from symphony.embedded.home import LOOPBACK
from tests.brokers import Valkey
from tests.chaos.client import Client, Unanswered
from tests.chaos.database import Database, connected_to, seeing_all
from tests.chaos.hosts import Network, why_not
from tests.chaos.proof import reading, verdict
from tests.chaos.proof.record import Submitted
from tests.conftest import Servers, child_environ, migrated_home, temporary_home
from tests.engine import Engine, Run, eventually

MACHINES = ("office", "web", "database", "broker", "north", "south")
STEPS = 12
SECONDS = 1.2
REASON = why_not()

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)


@dataclass(slots=True)
class Centre:
    network: Network
    engine: Engine
    database: Database
    client: Client


@pytest.fixture
def centre(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    """The test itself sits in the office."""
    monkeypatch.setitem(postgres.SETTINGS, "listen_addresses", "*")
    with ExitStack() as exits:
        network = Network(*MACHINES)
        exits.callback(network.close)
        database = _database(network, exits)
        broker = _broker(network, exits)
        exits.enter_context(network.inside("office"))
        exits.enter_context(connected_to(_from_afar(database.urls.owner, network.addresses["database"])))
        database.watch()
        yield _centre(network, database, broker, tmp_path, exits)


def _database(network: Network, exits: ExitStack) -> Database:
    home = exits.enter_context(migrated_home())
    with (home.root / "postgres" / "pg_hba.conf").open("a", encoding="ascii") as rules:
        rules.write("host all all 10.99.0.0/24 scram-sha-256\n")
    with network.inside("database") as address:
        database = Database(home)
        exits.callback(database.close)
        database.server = type(database.server)(
            database.server.process, _from_afar(database.server.url, address), database.server.log
        )
        return database


def _broker(network: Network, exits: ExitStack) -> Valkey:
    with network.inside("broker") as address:
        broker = Valkey(exits.enter_context(temporary_home()))
        exits.callback(broker.close)
        with broker.client as client:
            client.config_set("bind", "*")
        broker.url = _from_afar(broker.url, address)
        return broker


def _from_afar(url: str, address: str) -> str:
    return url.replace(LOOPBACK, address)


def _centre(network: Network, database: Database, broker: Valkey, folder: Path, exits: ExitStack) -> Centre:
    urls = type(database.urls)(
        *(
            _from_afar(url, network.addresses["database"])
            for url in (database.urls.owner, database.urls.web, database.urls.worker)
        )
    )
    servers = Servers(Path(), urls.owner, broker.url, broker.url[:-1] + "1", migrated=True)  # type: ignore[arg-type]
    user = accounts.create_user(email="ada@example.org", password=None)
    more = {
        "SYMPHONY_LEASE_SECONDS": "2",
        "SYMPHONY_RESEND_SECONDS": "0.5",
        "SYMPHONY_SWEEP_SECONDS": "0.1",
        "SYMPHONY_ALLOWED_HOSTS": network.addresses["web"],
        "SYMPHONY_DEFAULT_TIER": "enterprise",
    }
    engine = Engine(user, child_environ(servers, urls, folder), folder, broker, more)
    exits.callback(engine.stop)
    with network.inside("web"):
        engine.web(8000, host="0.0.0.0")
        engine.sweep()
    for host in ("north", "south"):
        with network.inside(host):
            engine.worker(host, pool="threads", slots=4)
    engine.ready(engine.named("north"), engine.named("south"))
    _, token = accounts.create_token(actor=user, name="many")
    client = Client(f"http://{network.addresses['web']}:8000", token)
    eventually(lambda: _answers(client), "the web answers", why=engine.logs)
    return Centre(network, engine, database, client)


def _answers(client: Client) -> bool:
    try:
        return client.ask("GET", "melodies/").status == 200
    except Unanswered:
        return False


def document() -> dict[str, object]:
    steps = [
        {"name": f"s{number}", "type": "simulate", "seconds": SECONDS, "output": number} for number in range(STEPS)
    ]
    join = {"name": "join", "type": "test_echo", "value": [f"{{{{steps.s{number}}}}}" for number in range(STEPS)]}
    return {"workflow": {"name": "spread", "mode": "dag", "steps": [*steps, join]}}


def test_a_host_that_is_cut_off_loses_its_work_and_is_refused_when_it_is_back(centre: Centre) -> None:
    """Steps run on both hosts. The north is cut off in the midst of them, its leases end, the south does its work; then
    the wire is mended, and what the north has to say comes too late."""
    melody = centre.client.insist("POST", "melodies/", document(), key="melody")
    started = centre.client.insist("POST", f"melodies/{melody.body['id']}/executions/", {"input": {}}, key="run")
    run = Run(centre.engine, UUID(started.body["id"]))
    run.wait_for(lambda seen: at_work(seen, "north") >= 2 and at_work(seen, "south") >= 1, "both hosts are at work")
    centre.network.cut("north")
    held = {task.pk for task in run.tasks() if task.status == "executing" and host_of(task.worker) == "north"}
    run.wait_for(lambda seen: all_moved(seen, held), "what the north held has moved to the south")
    centre.network.mend("north")
    run.wait()
    north = centre.engine.named("north")
    eventually(
        lambda: north.said("came too late and was refused") or north.said("is not ours any more"),
        "the north has heard that its outcomes are refused",
        why=centre.engine.logs,
    )
    assert run.task("join").output == list(range(STEPS))
    assert {host_of(task.worker) for task in run.tasks() if task.pk in held} == {"south"}
    assert judged(centre, run) == []


def host_of(worker: str | None) -> str:
    return (worker or "").partition("@")[0]


def at_work(run: Run, host: str) -> int:
    return sum(task.status == "executing" and host_of(task.worker) == host for task in run.tasks())


def all_moved(run: Run, held: set[object]) -> bool:
    return bool(held) and all(
        host_of(task.worker) == "south" and task.attempt > 1 for task in run.tasks() if task.pk in held
    )


def judged(centre: Centre, run: Run) -> list[verdict.Violation]:
    with acting_as(centre.engine.user.pk):
        organization = organization_for(actor=centre.engine.user)
    with seeing_all(centre.database.superuser_url) as query:
        record = reading.read(query)
    execution = run.execution()
    sha256 = record.runs[execution.pk].sha256
    record.submitted = [Submitted("run", execution.pk, organization.pk, sha256, None)]
    assert sum(event.type == "task_lost" for event in record.events) >= 2, "leases have ended"
    return verdict.judge(record)
