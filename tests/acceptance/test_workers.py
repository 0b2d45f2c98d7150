"""Runs on real workers: random melodies against the reference interpreter, what the broker sees, and cancelling."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.brokers import Valkey, is_rabbitmq
from tests.engine import Engine, Run, assert_each_completed_once, assert_nothing_after_the_end, eventually
from tests.unit.compiler.melodies import Sketch, document, interpret, run_fails, sketches

ENDS = {
    "task_completed": "completed",
    "error_occurred": "failed",
    "task_skipped": "skipped",
    "task_cancelled": "cancelled",
}


@pytest.fixture(params=["0", "50"], ids=["each-step-by-the-broker", "with-time-slice"])
def fleet(engine: Engine, request: pytest.FixtureRequest) -> Engine:
    """Process and thread workers on both queues."""
    engine.more["SYMPHONY_SLICE_MS"] = request.param
    engine.ready(engine.worker("processes", slots=2), engine.worker("threads", pool="threads", slots=4))
    engine.sweep()
    return engine


# No shrinking: a failing example waits out its deadline, and the document alone tells enough.
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=sketches(max_steps=12), kind=st.sampled_from(["test_echo", "simulate"]))
def test_random_runs_end_as_the_reference_says(fleet: Engine, steps: list[Sketch], kind: str) -> None:
    run = fleet.submit(document(steps, kind))
    execution = run.wait()
    expected = interpret(steps)
    assert run.statuses() == {f"s{index}": status for index, status in enumerate(expected)}
    assert execution.status == ("failed" if run_fails(steps, expected) else "completed")
    assert_history_obeys_the_joins(steps, run)


def assert_history_obeys_the_joins(steps: list[Sketch], run: Run) -> None:
    """Read as a story: each step ends once, and starts only when those before it had let it."""
    number_of: dict[UUID | None, int] = {task.pk: int(task.name[1:]) for task in run.tasks()}
    events = run.events()
    assert_nothing_after_the_end(events, *ENDS)
    became: dict[int, str] = {}
    started: Counter[int] = Counter()
    for event in events:
        if event.task_id is None:
            continue
        step = number_of[event.task_id]
        if event.event_type == "task_started":
            started[step] += 1
            assert may_start(steps, step, became), (step, became)
        elif event.event_type in ENDS:
            assert step not in became, "a step ends once"
            became[step] = ENDS[event.event_type]
    assert len(became) == len(steps)
    assert set(started.values()) <= {1}


def may_start(steps: list[Sketch], step: int, became: dict[int, str]) -> bool:
    """Whether the step's join rule holds, with only `became` known: what is not known yet must not matter."""
    sketch = steps[step]
    known = tuple((source, on) for source, on in sketch.edges if source in became)
    met = sum(_satisfied(on, became[source], tolerated=steps[source].tolerates) for source, on in known)
    need = len(sketch.edges) if sketch.join == "all" else 1 if sketch.join == "any" else int(sketch.join)
    if need < len(sketch.edges) and met >= need:
        return True
    neutral = sum(on == "success" and became[source] == "skipped" for source, on in known)
    wants = sum(on == "success" for _, on in sketch.edges)
    return len(known) == len(sketch.edges) and met + neutral >= need and not (wants and neutral == wants)


def _satisfied(on: str, outcome: str, *, tolerated: bool) -> bool:
    if on == "success":
        return outcome == "completed" or (outcome == "failed" and tolerated)
    return on == "done" or outcome == {"failure": "failed", "skipped": "skipped"}[on]


counts_messages = pytest.mark.skipif(
    is_rabbitmq(), reason="What is sent is counted by Valkey's MONITOR; RabbitMQ has nothing like it to listen to."
)


@contextmanager
def published(broker: Valkey) -> Iterator[Callable[[], list[str]]]:
    """What is put into the queues inside the block: the messages as Celery wrote them."""
    with broker.client as watching, broker.client as talking, watching.monitor() as monitor:

        def read() -> list[str]:
            mark = f"ECHO {uuid.uuid4()}"
            talking.execute_command(*mark.split())
            messages = []
            while (command := monitor.next_command()["command"]) != mark:
                verb, _, rest = command.partition(" ")
                queue, _, message = rest.partition(" ")
                if verb == "LPUSH" and queue in {"steps", "calls"}:
                    messages.append(message)
            return messages

        yield read


def chain_of(count: int) -> dict[str, Any]:
    return {"workflow": {"name": "chain", "steps": [{"name": f"s{i}", "type": "test_echo"} for i in range(count)]}}


def fork_of(width: int) -> dict[str, Any]:
    branches = [{"name": f"b{i}", "type": "test_echo", "depends_on": ["fork"]} for i in range(width)]
    join = {"name": "join", "type": "test_echo", "depends_on": [branch["name"] for branch in branches]}
    return {"workflow": {"name": "fork", "steps": [{"name": "fork", "type": "test_echo"}, *branches, join]}}


@counts_messages
@pytest.mark.parametrize(("melody", "steps"), [(chain_of(100), 100), (fork_of(50), 52)], ids=["chain", "fork"])
def test_without_a_time_slice_each_step_takes_one_small_message(
    engine: Engine, broker: Valkey, melody: dict[str, Any], steps: int
) -> None:
    engine.more |= {"SYMPHONY_SLICE_MS": "0", "SYMPHONY_RESEND_SECONDS": "600", "SYMPHONY_LEASE_SECONDS": "600"}
    engine.ready(engine.worker("processes"))
    with published(broker) as read:
        run = engine.submit(melody)
        run.wait()
        messages = read()
    assert_each_completed_once(run)
    assert len(messages) == steps
    assert sum(map(len, messages)) / steps < 3000
    assert len({json.loads(message)["headers"]["id"] for message in messages}) == steps


@counts_messages
def test_a_time_slice_saves_the_broker_most_of_the_hops(engine: Engine, broker: Valkey) -> None:
    engine.more |= {"SYMPHONY_SLICE_MS": "60000", "SYMPHONY_RESEND_SECONDS": "600"}
    engine.worker("processes")
    with published(broker) as read:
        run = engine.submit(chain_of(100))
        run.wait()
        assert len(read()) == 1
    assert_each_completed_once(run)


def test_cancelling_frees_the_slots_and_starts_nothing_more(engine: Engine) -> None:
    """All four slots are held for ten minutes, and as much again waits for them. (A worker that fetches messages ahead would
    keep from the other what it cannot begin.)"""
    processes = engine.worker("processes", slots=2, SYMPHONY_PREFETCH="1")
    workers = [processes, engine.worker("threads", pool="threads", slots=2)]
    engine.ready(*workers)
    steps = [{"name": f"s{number}", "type": "simulate", "seconds": 600} for number in range(8)]
    run = engine.submit({"workflow": {"name": "held", "mode": "dag", "steps": steps}})
    run.wait_for(lambda seen: seen.count("executing") == 4, "all slots are held")
    run.cancel()
    assert set(run.statuses().values()) == {"cancelled"}
    next_run = engine.submit({"workflow": {"name": "next", "mode": "dag", "steps": [_brief(i) for i in range(4)]}})
    assert next_run.wait(seconds=20).status == "completed"
    for worker in workers:
        eventually(lambda who=worker: who.said("not ours any more"), f"{worker.name} has let go", why=engine.logs)

    assert run.execution().status == "cancelled"
    told = [event.event_type for event in run.events()]
    assert told.count("task_started") == 4
    assert "task_started" not in told[told.index("execution_cancelled") :]
    assert not {"task_completed", "error_occurred", "execution_completed", "execution_failed"} & set(told)


def _brief(number: int) -> dict[str, Any]:
    return {"name": f"s{number}", "type": "simulate", "seconds": 0.1}
