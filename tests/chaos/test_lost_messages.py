"""The broker is a wake-up hint: doubled, lost or late messages, and a broker that is gone, change no result."""

from __future__ import annotations

import signal
import threading

from symphony.celery import app as celery_app
from tests.brokers import AnyBroker
from tests.chaos import long_run
from tests.chaos.test_killed_workers import outputs_of
from tests.engine import PATIENCE, Engine, Run, assert_each_completed_once


def call_all(run: Run) -> None:
    """A message for every task there is, whatever has become of it: for many it comes too early, for many too late."""
    with celery_app.producer_or_acquire() as producer:
        for task in run.tasks():
            arguments = [str(task.organization_id), str(task.pk)]
            celery_app.send_task("symphony.step", arguments, queue=task.queue, task_id=str(task.pk), producer=producer)


def test_doubled_and_uncalled_for_messages_change_nothing(engine: Engine, broker: AnyBroker) -> None:
    run = engine.submit(long_run.document(seconds=0.01))
    call_all(run)
    call_all(run)
    assert broker.double(2) > 2 * long_run.LANES * long_run.LENGTH
    engine.worker("processes")
    engine.worker("threads", queues="calls", pool="threads", slots=8)
    for done in (30, 120, 210):
        run.wait_for_completed(done)
        call_all(run)
        broker.double(2)
    run.wait()

    assert_each_completed_once(run)
    assert {task.attempt for task in run.tasks()} == {1}
    long_run.check_results(outputs_of(run))


def test_a_flushed_broker_costs_time_and_nothing_else(engine: Engine, broker: AnyBroker) -> None:
    run = engine.submit(long_run.document())
    engine.worker("processes")
    engine.worker("threads", queues="calls", pool="threads", slots=8)
    engine.sweep()
    for done in (0, 40, 120, 200):
        run.wait_for_completed(done)
        broker.flush()
    run.wait()

    assert_each_completed_once(run)
    assert {task.attempt for task in run.tasks()} == {1}
    long_run.check_results(outputs_of(run))


def test_a_run_begins_and_goes_on_although_the_broker_was_gone(engine: Engine, broker: AnyBroker) -> None:
    engine.worker("processes")
    engine.worker("threads", queues="calls", pool="threads", slots=8)
    engine.sweep()
    first = engine.submit(long_run.document())
    first.wait_for_completed(40)
    broker.kill()
    second = engine.submit(long_run.document())
    assert second.execution().status == "pending"
    broker.restart()
    for run in (first, second):
        # Celery gives up a worker whose broker goes away at the wrong moment; that is what supervisors are for.
        run.wait(tended=True)
        assert_each_completed_once(run)
        long_run.check_results(outputs_of(run))


def test_a_broker_that_does_not_answer_keeps_nobody_from_submitting(engine: Engine, broker: AnyBroker) -> None:
    wake = threading.Timer(PATIENCE / 2, broker.server.process.send_signal, [signal.SIGCONT])
    broker.server.process.send_signal(signal.SIGSTOP)
    wake.start()
    run = engine.submit(long_run.document(seconds=0))
    assert wake.is_alive(), "it waited until the broker answered"
    wake.cancel()
    broker.server.process.send_signal(signal.SIGCONT)
    engine.worker("processes")
    engine.worker("threads", queues="calls", pool="threads", slots=8)
    engine.sweep()
    run.wait()

    assert_each_completed_once(run)
