"""Steps longer than the broker's patience, and timers of hours whose moment is moved: one accepted completion each.

Redis gives a message out again when it was not acknowledged within the visibility timeout; here that is a second. No clock
of the machine is touched: what a timer waits for stands in its row, and is moved there, to and fro.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from apps.core.tenancy import acting_as
from apps.executions.models import Task
from tests.chaos.test_lost_messages import call_all
from tests.engine import Engine, Run, assert_each_completed_once, eventually

HOURS = timedelta(hours=2)
LONG = 2.5
"""Seconds a step takes: several times the visibility timeout, longer than the lease."""


def test_a_step_longer_than_the_visibility_timeout_is_done_once(engine: Engine) -> None:
    engine.more["SYMPHONY_VISIBILITY_SECONDS"] = "1"
    engine.worker("first", pool="threads", slots=2)
    engine.worker("second", pool="threads", slots=2)
    engine.sweep()
    steps = [{"name": f"s{number}", "type": "simulate", "seconds": LONG, "output": number} for number in range(3)]
    run = engine.submit({"workflow": {"name": "long", "mode": "dag", "steps": steps}})
    run.wait_for(lambda seen: seen.count("executing") == 3, "all are at work")
    call_all(run)
    run.wait()
    assert_each_completed_once(run)
    assert {task.attempt for task in run.tasks()} == {1}, "nothing was given to another meanwhile"


def test_timers_of_two_hours_fire_once_when_the_clock_is_moved(engine: Engine) -> None:
    engine.worker("processes", slots=1)
    engine.sweep("sweep", SYMPHONY_SWEEP_SECONDS="0.02")
    engine.sweep("sweep-too", SYMPHONY_SWEEP_SECONDS="0.02")
    waits = [{"name": f"w{number}", "type": "wait", "seconds": 7200, "output": number} for number in range(20)]
    join = {"name": "join", "type": "test_echo", "value": [f"{{{{steps.w{number}}}}}" for number in range(20)]}
    run = engine.submit({"workflow": {"name": "hours", "mode": "dag", "steps": [*waits, join]}})
    run.wait_for(lambda seen: seen.count("waiting") == 20, "all wait")
    due = {task.due_at for task in run.tasks() if task.status == "waiting"}
    assert all(moment is not None and moment > timezone.now() + HOURS / 2 for moment in due)
    step_clock(run, HOURS / 2)
    step_clock(run, -HOURS)
    assert run.count("waiting") == 20, "an hour too early, and then three"
    step_clock(run, 2 * HOURS)
    call_all(run)
    run.wait()
    assert_each_completed_once(run)
    assert run.task("join").output == list(range(20))
    told = Counter(event.event_type for event in run.events() if event.task_id is not None)
    assert told["task_waiting"] == 20


def test_a_clock_that_jumps_takes_no_outcome_twice(engine: Engine) -> None:
    """All leases seem to have ended at once: the work moves, and what was at work before is refused."""
    engine.sweep("sweep", SYMPHONY_SWEEP_SECONDS="0.02")
    engine.sweep("sweep-too", SYMPHONY_SWEEP_SECONDS="0.02")
    steps = [
        {"name": "up", "type": "wait", "seconds": 0.01},
        {"name": "s", "type": "simulate", "seconds": 3},
    ]
    engine.worker("first", pool="threads", slots=3)
    run = engine.submit({"workflow": {"name": "jump", "steps": steps}})
    run.wait_for(lambda seen: seen.task("s").status == "executing", "the sweep is up, and the step at work")

    def lost() -> bool:
        step_clock(run, HOURS)
        return run.task("s").attempt > 1

    eventually(lost, "its lease has ended and it has begun anew", why=run.state)
    run.wait()
    assert_each_completed_once(run)


def step_clock(run: Run, by: timedelta) -> None:
    """As if the clock had jumped forward by so much, for all that this run waits for."""
    with acting_as(run.engine.user.pk), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Task._meta.db_table} SET due_at = due_at - %s WHERE execution_id = %s AND due_at IS NOT NULL",
            [by, run.id],
        )
