"""Workers that are stopped in order: what they hold goes on elsewhere at once, and no attempt is spent on it."""

from __future__ import annotations

import signal
from collections import Counter
from typing import Any

from apps.executions.models import Worker
from tests.engine import Engine, Process, Run, assert_each_completed_once, eventually

QUICK = {"SYMPHONY_WORKER_BEAT_SECONDS": "0.2"}


def many(count: int, seconds: float, **more: Any) -> dict[str, Any]:
    steps = [
        {"name": f"work{number}", "type": "simulate", "seconds": seconds, "depends_on": [], **more}
        for number in range(count)
    ]
    return {"workflow": {"name": "Many", "steps": steps}}


def stop(worker: Process) -> None:
    """As an operator does: the parent process is asked, the pool is its affair."""
    worker.process.send_signal(signal.SIGTERM)


def told(run: Run, event_type: str) -> int:
    return Counter(event.event_type for event in run.events())[event_type]


def state_of(worker: Process) -> str | None:
    return Worker.objects.filter(name=f"{worker.name}@test").values_list("state", flat=True).first()


def test_workers_that_are_stopped_under_load_lose_nothing(engine: Engine) -> None:
    engine.more |= QUICK
    leaving = [engine.worker("processes", slots=2), engine.worker("threads", pool="threads", slots=2)]
    staying = engine.worker("staying", pool="threads", slots=3)
    engine.ready(*leaving, staying)
    engine.sweep()
    run = engine.submit(many(60, 0.15))
    run.wait_for_completed(10)
    for worker in leaving:
        stop(worker)
    run.wait()
    assert [worker.process.wait(20) for worker in leaving] == [0, 0], engine.logs()

    assert_each_completed_once(run)
    assert {task.attempt for task in run.tasks()} == {1}
    assert told(run, "task_lost") == 0
    assert [state_of(worker) for worker in (*leaving, staying)] == ["gone", "gone", "online"]


def test_what_takes_too_long_is_handed_over_and_begins_again_with_the_same_attempt(engine: Engine) -> None:
    """One step waits and hears of it, one computes and does not; the lease is so long that nobody would miss it."""
    engine.more |= {**QUICK, "SYMPHONY_DRAIN_SECONDS": "0.5", "SYMPHONY_LEASE_SECONDS": "600"}
    processes = engine.worker("processes", queues="steps", slots=2)
    threads = engine.worker("threads", queues="calls", pool="threads", slots=2)
    engine.ready(processes, threads)
    steps = [
        {"name": name, "type": "simulate", "seconds": 600, "compute": compute, "queue": queue, "depends_on": []}
        for name, compute, queue in (
            ("waits", False, "steps"),
            ("computes", True, "steps"),
            ("waits_in_a_thread", False, "calls"),
            ("computes_in_a_thread", True, "calls"),
        )
    ]
    run = engine.submit({"workflow": {"name": "Long", "steps": steps}})
    run.wait_for(lambda seen: seen.count("executing") == 4, "all four run")
    stop(processes)
    stop(threads)
    run.wait_for(lambda seen: told(seen, "task_handed_over") == 4, "all four are handed over", 5)
    assert processes.process.wait(10) == 0, engine.logs()
    assert threads.process.wait(10) == 0, engine.logs()
    assert run.count("dispatched") == 4, run.state()

    engine.worker("next", pool="threads", slots=4)
    run.wait_for(lambda seen: seen.count("executing") == 4, "all four run elsewhere")
    assert {(task.attempt, task.losses) for task in run.tasks() if task.status == "executing"} == {(1, 0)}
    assert told(run, "task_lost") == 0
    run.cancel()


def test_processes_are_replaced_and_lose_nothing(engine: Engine) -> None:
    engine.more |= {**QUICK, "SYMPHONY_RECYCLE_MESSAGES": "3", "SYMPHONY_SLICE_MS": "0"}
    worker = engine.worker("recycled", slots=2)
    threads = engine.worker("threads", queues="calls", pool="threads", slots=2)
    engine.ready(worker, threads)
    engine.sweep()
    first = set(worker.children())
    run = engine.submit(many(12, 0.02))
    again = engine.submit(many(12, 0.02, queue="steps"))
    run.wait(tended=True)
    again.wait(tended=True)

    for ended in (run, again):
        assert_each_completed_once(ended)
        assert {task.attempt for task in ended.tasks()} == {1}
    assert first.isdisjoint(worker.children())
    eventually(lambda: threads.said("SYMPHONY_RECYCLE_MESSAGES is 3"), "the worker of threads went as a whole")
