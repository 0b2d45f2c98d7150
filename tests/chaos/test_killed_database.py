"""PostgreSQL is the truth: when its processes are killed, what was committed stays, and the run goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.db import connection

from apps.accounts.services import create_user
from tests.brokers import AnyBroker
from tests.chaos import long_run
from tests.chaos.conftest import HASTE
from tests.chaos.database import Database
from tests.chaos.test_killed_workers import outputs_of
from tests.engine import Engine, assert_each_completed_once


def test_a_run_survives_the_death_of_the_database(
    database: Database, worker_environ: Callable[..., dict[str, str]], broker: AnyBroker, tmp_path: Path
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
