"""The sweep may die, and there may be two: timers fire once, and nothing is done twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.utils import timezone

from tests.engine import Engine, assert_each_completed_once, eventually

TIMERS = 60


def timers() -> dict[str, Any]:
    """Waits that end between half a second and three seconds from now, and one step after all of them."""
    waits = [
        {"name": f"wait{number}", "type": "wait", "seconds": 0.5 + 2.5 * number / TIMERS, "output": number}
        for number in range(TIMERS)
    ]
    join = {"name": "join", "type": "test_echo", "value": [f"{{{{steps.wait{number}}}}}" for number in range(TIMERS)]}
    return {"workflow": {"name": "timers", "mode": "dag", "steps": [*waits, join]}}


def test_two_sweeps_of_which_one_dies_fire_each_timer_once(engine: Engine) -> None:
    engine.worker("processes")
    runs = [engine.submit(timers()) for _ in range(3)]
    steady, mortal = (
        engine.sweep("steady", SYMPHONY_SWEEP_SECONDS="0.05"),
        engine.sweep("mortal", SYMPHONY_SWEEP_SECONDS="0.01"),
    )
    for number, run in enumerate(runs):
        run.wait_for_completed(TIMERS // 3)
        if number < 2:
            mortal.kill()
            mortal = engine.again(mortal)
    for run in runs:
        run.wait()
        assert_each_completed_once(run)
        assert run.task("join").output == list(range(TIMERS))
        told = Counter(event.event_type for event in run.events() if event.task_id is not None)
        assert told["task_waiting"] == TIMERS
        assert told["task_lost"] == 0
    assert steady.process.poll() is None


def test_a_timer_that_was_due_while_nobody_swept_fires_later(engine: Engine) -> None:
    engine.worker("processes", slots=1)
    steps = [{"name": "wait", "type": "wait", "seconds": 0.1}, {"name": "after", "type": "test_echo"}]
    run = engine.submit({"workflow": {"name": "late", "steps": steps}})
    run.wait_for(lambda seen: seen.task("wait").status == "waiting", "the timer is set")
    due = run.task("wait").due_at
    assert due is not None
    eventually(lambda: timezone.now() > due, "the timer is due")
    assert run.task("wait").status == "waiting"
    engine.sweep()
    run.wait()
    assert_each_completed_once(run)
