"""Slots of one worker work for each other: without the broker where that is away, and without a claim of its own per message."""

from __future__ import annotations

import signal
from typing import Any

from apps.executions.dispatch import queue_depth
from symphony.celery import app as celery_app
from tests.brokers import AnyBroker
from tests.engine import Engine, Run, assert_each_completed_once, eventually

SHARED: dict[str, Any] = {"queues": "calls", "pool": "threads"}


def told(run: Run, kind: str) -> bool:
    return any(event.event_type == kind for event in run.events())


def fork(width: int, seconds: float, first: float = 1.0) -> dict[str, Any]:
    """1 -> `width` -> 1."""
    names = [f"s{number}" for number in range(width)]
    steps = [
        {"name": "first", "type": "simulate", "seconds": first},
        *({"name": name, "type": "simulate", "seconds": seconds, "depends_on": ["first"]} for name in names),
        {"name": "last", "type": "simulate", "seconds": 0, "depends_on": names},
    ]
    return {"workflow": {"name": "fork", "mode": "dag", "steps": steps}}


def test_a_fork_goes_to_idle_slots_of_its_worker_although_the_broker_does_not_answer(
    engine: Engine, broker: AnyBroker
) -> None:
    engine.ready(engine.worker("threads", slots=4, **SHARED))
    run = engine.submit(fork(width=4, seconds=1.5))
    run.wait_for(lambda seen: seen.task("first").status == "executing", "the first step is at work")
    broker.server.process.send_signal(signal.SIGSTOP)
    try:
        run.wait_for(lambda seen: seen.count("executing") == 4, "all four slots are at work")
        run.wait()
    finally:
        broker.server.process.send_signal(signal.SIGCONT)
    assert_each_completed_once(run)
    assert {task.attempt for task in run.tasks()} == {1}


def test_tasks_that_wait_for_another_queue_keep_no_slot_idle(engine: Engine, broker: AnyBroker) -> None:
    """Where anything waits in a backlog nothing is claimed with an outcome; a claim of its own finds it."""
    crowd = [{"name": f"h{number}", "type": "simulate", "seconds": 0, "queue": "heavy"} for number in range(40)]
    engine.submit({"workflow": {"name": "crowd", "mode": "dag", "steps": crowd}})
    engine.ready(engine.worker("threads", slots=1, **SHARED))
    run = engine.submit(fork(width=8, seconds=0.1))
    run.wait_for(lambda seen: seen.task("first").status == "executing", "the first step is at work")
    broker.server.process.send_signal(signal.SIGSTOP)
    try:
        run.wait()
    finally:
        broker.server.process.send_signal(signal.SIGCONT)
    assert_each_completed_once(run)


def test_a_slot_that_ends_for_dead_messages_is_woken_for_what_its_worker_was_offered(
    engine: Engine, broker: AnyBroker
) -> None:
    """The other run's task is claimed with an outcome, and its message lies there until a slot ends."""
    engine.ready(engine.worker("threads", slots=1, SYMPHONY_SLICE_MS="300", **SHARED))
    run = engine.submit(fork(width=8, seconds=0.1, first=4))
    run.wait_for(lambda seen: seen.task("first").status == "executing", "the first step is at work")
    other = engine.submit(fork(width=1, seconds=0.1, first=0))
    other.wait_for(lambda seen: told(seen, "task_received"), "its message has come")
    broker.server.process.send_signal(signal.SIGSTOP)
    try:
        for each in (run, other):
            each.wait()
    finally:
        broker.server.process.send_signal(signal.SIGCONT)
    for each in (run, other):
        assert_each_completed_once(each)


def test_what_a_worker_cannot_take_goes_to_others_also_to_one_that_comes_later(engine: Engine) -> None:
    """Nobody sweeps here, so nothing is sent twice."""
    engine.more["SYMPHONY_WORKER_BEAT_SECONDS"] = "0.2"
    engine.ready(engine.worker("first", slots=2, **SHARED))
    run = engine.submit(fork(width=8, seconds=6))
    run.wait_for(lambda seen: seen.count("executing") == 2, "the first worker is full")
    engine.ready(engine.worker("second", slots=3, **SHARED))
    run.wait_for(lambda seen: seen.count("executing") == 5, "both are full")
    run.wait()
    assert_each_completed_once(run)
    assert {task.attempt for task in run.tasks()} == {1}


def test_what_another_queue_does_next_does_not_wait_for_the_slot_to_end(engine: Engine) -> None:
    """The slot that released it goes on with a long step of another run; Celery would publish the rest of a chain after that."""
    engine.ready(engine.worker("threads", slots=1, **SHARED), engine.worker("heavy", queues="heavy", slots=1))
    steps = [
        {"name": "first", "type": "simulate", "seconds": 1},
        {"name": "then", "type": "simulate", "seconds": 0, "queue": "heavy"},
    ]
    chain = engine.submit({"workflow": {"name": "chain", "steps": steps}})
    chain.wait_for(lambda seen: seen.task("first").status == "executing", "the slot is at work")
    long = engine.submit({"workflow": {"name": "long", "steps": [{"name": "s", "type": "simulate", "seconds": 6}]}})
    chain.wait()
    assert long.task("s").status == "executing", "the slot has gone on with it"
    long.wait()
    for run in (chain, long):
        assert_each_completed_once(run)


def test_a_message_that_names_no_task_harms_nobodys_step(engine: Engine) -> None:
    """As an operator sends it by hand, with a typo, while a slot is at work."""
    engine.ready(engine.worker("threads", slots=1, **SHARED))
    run = engine.submit(fork(width=1, seconds=0.2))
    run.wait_for(lambda seen: seen.task("first").status == "executing", "the slot is at work")
    with celery_app.producer_or_acquire() as producer:
        for arguments in (["a", "b"], [str(run.execution().organization_id), "b"], [1, None]):
            celery_app.send_task("symphony.step", arguments, queue="calls", producer=producer)
    run.wait()
    assert run.execution().status == "completed"
    assert_each_completed_once(run)


def test_what_waits_in_a_worker_is_claimed_with_the_outcome_before_it(engine: Engine) -> None:
    """Whoever claims by a message of its own names itself after that message."""
    engine.ready(engine.worker("threads", slots=1, SYMPHONY_SLICE_MS="60000", **SHARED))
    first = engine.submit(fork(width=8, seconds=0.05))
    second = engine.submit(fork(width=8, seconds=0.05))
    for run in (first, second):
        run.wait()
        assert_each_completed_once(run)
    carriers = {task.worker for run in (first, second) for task in run.tasks() if task.kind == "simulate"}
    assert len(carriers) == 1, "the slot ran all of both without coming back to its queue"


def test_a_slot_whose_slice_is_over_works_for_who_waits(engine: Engine) -> None:
    """The short run is not kept waiting until the long one has ended."""
    engine.ready(engine.worker("threads", slots=1, SYMPHONY_SLICE_MS="100", **SHARED))
    steps = [{"name": f"s{number}", "type": "simulate", "seconds": 0.1} for number in range(60)]
    long = engine.submit({"workflow": {"name": "long", "steps": steps}})
    long.wait_for_completed(2)
    short = engine.submit({"workflow": {"name": "short", "steps": steps[:1]}})
    short.wait()
    assert long.execution().completed_at is None, "the slot went from one to the other and back"
    long.wait()
    for run in (long, short):
        assert_each_completed_once(run)


def test_sessions_are_ready_before_the_first_step(engine: Engine) -> None:
    worker = engine.worker("threads", slots=4, SYMPHONY_DATABASE_POOL="8", **SHARED)
    engine.ready(worker)
    run = engine.submit(fork(width=2, seconds=0))
    run.wait()
    eventually(lambda: worker.said("4 sessions are ready"), "the rehearsal has ended", why=engine.logs)
    assert not worker.said("could not be made ready")


def test_what_could_not_be_sent_for_long_is_left_to_the_sweep(engine: Engine, broker: AnyBroker) -> None:
    """A worker alone with its steps runs them all while the broker is away, and sends nothing late for what is done."""
    engine.more |= {"SYMPHONY_RESEND_SECONDS": "0.5", "SYMPHONY_WORKER_BEAT_SECONDS": "0.2"}
    engine.ready(engine.worker("threads", slots=2, **SHARED))
    run = engine.submit(fork(width=12, seconds=0.5))
    run.wait_for(lambda seen: seen.task("first").status == "executing", "the first step is at work")
    broker.server.process.send_signal(signal.SIGSTOP)
    try:
        run.wait_for_completed(5)
    finally:
        broker.server.process.send_signal(signal.SIGCONT)
    engine.sweep()
    run.wait()
    assert_each_completed_once(run)
    assert {task.attempt for task in run.tasks()} == {1}
    eventually(lambda: queue_depth("calls") == 0, "no message is left", why=engine.logs)
