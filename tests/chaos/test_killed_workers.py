"""Worker processes die at any moment: the run goes on, and nothing is done or told twice."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable

from tests.chaos import long_run
from tests.engine import PATIENCE, Engine, Process, Run, assert_each_completed_once, eventually

MANY = "1000"


def outputs_of(run: Run) -> dict[str, object]:
    return {task.name: task.output for task in run.tasks() if task.parent_id is None}


def test_a_long_run_survives_the_death_of_any_worker_again_and_again(engine: Engine) -> None:
    engine.more |= {"SYMPHONY_MAX_LOST_ATTEMPTS": MANY, "SYMPHONY_RESEND_SECONDS": "0.5"}
    engine.worker("processes", slots=2)
    engine.worker("threads", queues="calls", pool="threads", slots=8)
    engine.sweep()
    run = engine.submit(long_run.document(seconds=0.1))
    chance = random.Random(4)

    def pool() -> list[int]:
        engine.tend()
        return engine.named("processes").children()

    def a_child() -> None:
        eventually(pool, "the pool has processes", why=engine.logs)
        children = pool()
        for child in chance.sample(children, min(1, len(children))):
            os.kill(child, signal.SIGKILL)

    def the_whole(name: str) -> Callable[[], None]:
        return lambda: engine.named(name).kill()

    blows = [a_child, a_child, the_whole("threads"), a_child, the_whole("processes"), a_child, a_child]
    for number, blow in enumerate(blows):
        run.wait_for_completed(20 + number * 30, tended=True)
        blow()
        engine.tend()
    run.wait(tended=True)

    assert len(run.tasks()) == long_run.TASKS
    assert_each_completed_once(run)
    long_run.check_results(outputs_of(run))
    assert max(task.attempt for task in run.tasks()) > 1, "somebody was hit"


def test_a_step_that_loses_every_worker_fails_and_ends_the_run(engine: Engine) -> None:
    engine.more |= {"SYMPHONY_MAX_LOST_ATTEMPTS": "3", "SYMPHONY_LOSS_DELAY_SECONDS": "0.2"}
    steps = [
        {"name": "deadly", "type": "simulate", "seconds": 600},
        {"name": "after", "type": "test_echo", "depends_on": ["deadly"]},
    ]
    worker = engine.worker("processes", slots=1)
    run = engine.submit({"workflow": {"name": "deadly", "steps": steps}})
    for attempt in (1, 2, 3):
        if attempt == 3:
            run.wait_for(lambda seen: seen.task("deadly").wait == "loss", "it waits before it takes the next worker")
            engine.sweep()
        run.wait_for(lambda seen, n=attempt: executes(seen, "deadly", n), f"attempt {attempt} has begun")
        (child,) = worker.children()
        os.kill(child, signal.SIGKILL)
    execution = run.wait()

    assert execution.status == "failed"
    assert execution.error_code == "worker_lost"
    assert run.statuses() == {"deadly": "failed", "after": "cancelled"}
    # When a message came is written down up to half a second later, so the story is told in the order of its times.
    story = sorted(run.events(), key=lambda event: event.occurred_at)
    told = [event.event_type for event in story if event.task_id == run.task("deadly").pk]
    assert told.count("task_started") == 3
    assert told.count("task_lost") == 2
    assert told[-1] == "error_occurred"
    # Its parent reported each loss: nobody had to wait for a lease to end, and the sweep only woke what waited.


def executes(run: Run, name: str, attempt: int = 1) -> bool:
    task = run.task(name)
    return task.status == "executing" and task.attempt == attempt


def test_the_outcome_of_a_worker_that_was_thought_dead_is_refused(engine: Engine) -> None:
    """It stands still for longer than its lease, another worker does its step, then it wakes up and ends it too."""
    run = engine.submit({"workflow": {"name": "zombie", "steps": [{"name": "s", "type": "simulate", "seconds": 3}]}})
    zombie = engine.worker("zombie", pool="threads")
    run.wait_for(lambda seen: executes(seen, "s"), "the step has begun")
    zombie.signal(signal.SIGSTOP)
    engine.worker("heir", pool="threads")
    engine.sweep()
    run.wait_for(lambda seen: executes(seen, "s", 2), "another worker has begun the step")
    zombie.signal(signal.SIGCONT)
    eventually(
        lambda: zombie.said("came too late and was refused") or zombie.said("is not ours any more"),
        "the zombie has heard that its outcome is refused",
        why=engine.logs,
    )

    run.wait()
    assert_each_completed_once(run)
    assert run.task("s").attempt == 2
    assert run.task("s").worker == f"heir@test/{run.task('s').pk}"


def test_an_orderly_stop_loses_nothing_and_starts_nothing_twice(engine: Engine) -> None:
    """What runs is ended, what was only fetched goes back to the queue: no lease has to end for it."""
    engine.more |= {"SYMPHONY_LEASE_SECONDS": "600", "SYMPHONY_RESEND_SECONDS": "600"}
    steps = [{"name": f"s{number}", "type": "simulate", "seconds": 0.3} for number in range(24)]
    run = engine.submit({"workflow": {"name": "stop", "mode": "dag", "steps": steps}})
    leaving = [
        engine.worker("leaving-threads", queues="calls", pool="threads", slots=2),
        engine.worker("leaving-processes", slots=2),
    ]
    for worker in leaving:
        eventually(lambda who=worker: took(run, who), f"{worker.name} has begun a step", why=engine.logs)
    for worker in leaving:
        worker.process.send_signal(signal.SIGTERM)
    for worker in leaving:
        assert worker.process.wait(PATIENCE) == 0
    assert run.count("executing") == 0, "what had begun was ended"
    assert run.count("dispatched") > 0, "the test stops them in the middle"
    engine.worker("heir", pool="threads", slots=8)
    run.wait()

    assert_each_completed_once(run)
    assert {task.attempt for task in run.tasks()} == {1}


def took(run: Run, worker: Process) -> bool:
    return any((task.worker or "").startswith(f"{worker.name}@") for task in run.tasks() if task.started_at)
