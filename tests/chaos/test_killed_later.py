"""A worker dies when a step is not at its beginning any more: it collects, resumes, has been handled, has timed out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from django.db import connection

from apps.core.tenancy import acting_as
from apps.executions import approvals
from symphony.roles import DatabaseUrls
from tests.engine import Engine, Run

LATER = {"collecting": 1, "resuming": 1, "handled": 2, "late": 3}
"""The steps, and the phase in which their worker dies."""


def document() -> dict[str, Any]:
    """Each step writes down something at its very end: a file or a variable."""
    item = {"type": "for_loop", "iterator": "x", "data_source": [1, 2], "depends_on": []}
    steps = [
        {**item, "name": "collecting", "output_to_file": "c", "steps": [{"name": "inner", "type": "test_echo"}]},
        {"name": "resuming", "type": "approval", "output_to_file": "r", "depends_on": []},
        {
            "name": "handled",
            "type": "test_echo",
            "fail": True,
            "error_output": "why",
            "on_error": [{"name": "note", "type": "test_echo"}],
            "depends_on": [],
        },
        {
            **item,
            "name": "late",
            "timeout_seconds": 0.2,
            "continue_on_error": True,
            "error_output": "too_late",
            "steps": [{"name": "long", "type": "wait", "seconds": 600}],
        },
        {"name": "after", "type": "test_echo", "depends_on": [{"step": name, "on": "done"} for name in LATER]},
    ]
    return {"workflow": {"name": "later", "mode": "dag", "steps": steps}}


def at_their_ends(run: Run) -> bool:
    """Every one of them is claimed in its later phase and waits for what the test holds."""
    tasks = {task.name: task for task in run.tasks()}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        (waiting,) = cursor.fetchone()
    return waiting >= len(LATER) and all(
        (tasks[name].status, tasks[name].phase) == ("executing", phase) for name, phase in LATER.items()
    )


def end_waiting(worker_url: str) -> None:
    """The server's side of a connection whose client has died goes on until it would answer."""
    with closing(psycopg2.connect(worker_url)) as connected, connected.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE NOT granted")


@contextmanager
def held(worker_url: str) -> Iterator[None]:
    """Nobody can keep a file or set a variable. In the end those who tried are gone, with what they had not committed."""
    holder = connection.copy()
    try:
        holder.set_autocommit(False)
        with holder.cursor() as cursor:
            cursor.execute("LOCK TABLE executions_blob, executions_variable IN SHARE MODE")
            yield
            end_waiting(worker_url)
    finally:
        holder.rollback()
        holder.close()


def test_a_step_goes_on_where_its_worker_died(engine: Engine, test_database_urls: DatabaseUrls) -> None:
    run = engine.submit(document())
    with held(test_database_urls.worker):
        mortal = engine.worker("mortal", pool="threads", slots=12)
        sweep = engine.sweep()
        run.wait_for(lambda seen: seen.task("resuming").status == "waiting", "somebody is asked")
        with acting_as(engine.user.pk):
            approvals.decide(actor=engine.user, task=run.task("resuming"), decision="approve")
        run.wait_for(at_their_ends, "all are at their ends")
        sweep.kill()
        mortal.kill()
    engine.tend()
    run.wait()

    told = Counter((event.task_id, event.event_type) for event in run.events())
    for name, phase in LATER.items():
        task = run.task(name)
        assert (task.phase, task.attempt, told[task.pk, "task_lost"]) == (phase, 2, 1), name
        assert told[task.pk, "task_completed"] == (name != "late"), name
    assert run.execution().status == "completed", run.state()
    assert all(told[task.pk, "task_started"] <= 1 for task in run.tasks()), "nothing inside was done twice"
    assert run.task("late").error["code"] == "timeout"
    assert run.task("collecting").output["completed_items"] == 2
    assert run.task("resuming").output["approved"] is True
