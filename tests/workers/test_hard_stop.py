"""Steps that do not heed that they are to stop: their process ends, or their thread counts as stuck."""

from __future__ import annotations

from typing import Any

from apps.core.tenancy import staff
from apps.executions.models import Worker
from tests.chaos.conftest import alice, broker, engine
from tests.engine import Engine, Run, eventually

__all__ = ["alice", "broker", "engine"]

FOREVER = {"type": "simulate", "seconds": 3600, "compute": True}


def melody(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"workflow": {"name": "deaf", "mode": "dag", "steps": [{"depends_on": [], **step} for step in steps]}}


def executes(run: Run, name: str, attempt: int = 1) -> bool:
    task = run.task(name)
    return task.status == "executing" and task.attempt == attempt


def told(run: Run, event_type: str) -> int:
    return sum(event.event_type == event_type for event in run.events())


def test_a_process_that_computes_on_ends_itself(engine: Engine) -> None:
    """After its timeout, with a further attempt under way beside it, and after a cancellation; nothing counts as lost."""
    engine.more |= {"SYMPHONY_CANCEL_GRACE_SECONDS": "1.0", "SYMPHONY_SWEEP_SECONDS": "0.1"}
    worker = engine.worker("processes", slots=2)
    engine.sweep()
    policy = {"max_retries": 1, "delay_seconds": 0.1, "retry_on": ["timeout"]}
    deaf = {"name": "deaf", **FOREVER, "timeout_seconds": 0.5, "retry": policy, "continue_on_error": True}
    run = engine.submit(melody(deaf, {"name": "after", "type": "test_echo", "depends_on": ["deaf"]}))
    run.wait_for(lambda seen: executes(seen, "deaf"), "it computes")
    first = set(worker.children())
    run.wait_for(lambda seen: executes(seen, "deaf", 2), "the next attempt computes as well")
    assert set(worker.children()) == first, "the first one is given time to come back"
    execution = run.wait()

    assert execution.status == "completed"
    deaf_task = run.task("deaf")
    assert (deaf_task.error["code"], deaf_task.attempt, deaf_task.retries, deaf_task.losses) == ("timeout", 2, 1, 0)
    eventually(lambda: not first & set(worker.children()), "both processes have ended", why=engine.logs)
    assert told(run, "task_lost") == 0

    cancelled = engine.submit(melody({"name": "deaf", **FOREVER}))
    cancelled.wait_for(lambda seen: executes(seen, "deaf"), "another one computes")
    before = set(worker.children())
    cancelled.cancel()
    eventually(lambda: len(before - set(worker.children())) == 1, "its process has ended", why=engine.logs)
    assert worker.said("was told to stop and has not come back"), "and the log says at which line it was"
    assert told(cancelled, "task_lost") == 0
    assert engine.submit(melody({"name": "next", "type": "test_echo"})).wait().status == "completed"


def stuck_slots(name: str) -> int | None:
    with staff():
        return Worker.objects.filter(name=f"{name}@test").values_list("stuck", flat=True).first()


def test_a_thread_that_computes_on_is_stuck_and_too_many_of_them_end_the_worker(engine: Engine) -> None:
    engine.more |= {
        "SYMPHONY_CANCEL_GRACE_SECONDS": "0.3",
        "SYMPHONY_SWEEP_SECONDS": "0.1",
        "SYMPHONY_MAX_STUCK_SHARE": "0.6",
        "SYMPHONY_DRAIN_SECONDS": "0.3",
        "SYMPHONY_WORKER_BEAT_SECONDS": "0.2",
    }
    worker = engine.worker("threads", queues="calls", pool="threads", slots=3)
    engine.sweep()
    silent = {"type": "simulate", "seconds": 600, "heartbeat_timeout_seconds": 0.5}
    signs = engine.submit(
        melody(
            {"name": "silent", **silent, "continue_on_error": True},
            {"name": "lively", **silent, "seconds": 3, "heartbeat_seconds": 0.2},
        )
    )
    one = engine.submit(melody({"name": "deaf", **FOREVER, "timeout_seconds": 0.2}))
    assert one.wait().error_code == "timeout"
    eventually(lambda: stuck_slots("threads") == 1, "one slot is stuck", why=engine.logs)
    assert signs.wait().status == "completed", "the others work"
    assert signs.task("silent").error["code"] == "heartbeat_timeout"
    assert worker.process.poll() is None

    two = engine.submit(melody({"name": "deaf", **FOREVER}))
    two.wait_for(lambda seen: executes(seen, "deaf"), "another one computes")
    two.cancel()
    eventually(lambda: worker.process.poll() is not None, "the worker has gone, to be started again", why=engine.logs)
    assert worker.process.returncode == 0
    assert worker.said("2 of its 3 slots hold steps that do not stop")
