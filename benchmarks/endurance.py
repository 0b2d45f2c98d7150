"""W12: a fan-out of 100,000 and a general DAG of 50,000 steps, to their end, and the memory it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from benchmarks import shapes
from benchmarks.arena import TASKS_OF_RUN, Arena
from benchmarks.figures import Figure, Goal
from benchmarks.symphony_side import Symphony
from symphony.errors import StackError

WIDTH: Final = 100_000
STEPS: Final = 50_000
MEGABYTES: Final = Goal("at most", 500.0, "value")
SECONDS: Final = 3_600.0


def measure(arena: Arena, *, say: Callable[[str], None]) -> list[Figure]:
    """Once each: what matters is that they end, and that no process grows with them."""
    ours = Symphony(arena, "Symphony")
    web = arena.web.pids()["web"]
    figures = []
    with arena.running(ours.processes(events=False)):
        for name, document, steps in (
            (f"fan-out of {WIDTH:,}", shapes.fan_document(WIDTH, "test_echo"), WIDTH + 2),
            (
                f"DAG of {STEPS:,} steps",
                shapes.dag_document(shapes.layered(STEPS, width=200, seconds=(0.0, 0.0))),
                STEPS,
            ),
        ):
            say(f"W12: {name}")
            seconds = _run(arena, ours.melody(document), steps, say)
            workers = _peaks(pid for parent in arena.pids().values() for pid in _family(parent))
            figures += [
                Figure("W12", f"{name}, started to ended", seconds, "s"),
                Figure("W12", f"{name}, steps per second", steps / seconds, "steps/s"),
                Figure("W12", f"{name}, largest worker process so far", max(workers), "MB", goal=MEGABYTES),
                Figure("W12", f"{name}, web so far", max(_peaks([web])), "MB", goal=MEGABYTES),
            ]
    return figures


def _run(arena: Arena, melody: str, steps: int, say: Callable[[str], None]) -> float:
    run = str(arena.client.execute(melody, {})["id"])
    told = time.monotonic()
    began = told

    def over() -> bool:
        nonlocal told
        if time.monotonic() - told > 30:
            told = time.monotonic()
            ((done,),) = arena.select(f"SELECT count(*) FROM {TASKS_OF_RUN} WHERE t.completed_at IS NOT NULL", run)
            say(f"W12: {done:,} of {steps:,} after {told - began:.0f} s")
        return bool(arena.select("SELECT completed_at IS NOT NULL FROM executions_execution WHERE id = %s", run)[0][0])

    arena.wait(over, f"a run of {steps:,} steps", seconds=SECONDS, pause=0.5)
    ((status, message, seconds),) = arena.select(
        "SELECT status, error_message, extract(epoch FROM completed_at - created_at)::float8 FROM executions_execution"
        " WHERE id = %s",
        run,
    )
    if status != "completed":
        raise StackError(f"The run of {steps:,} steps is {status}: {message}")
    return float(seconds)


def _family(pid: int) -> Iterable[int]:
    """A process and those it has started."""
    yield pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if children.exists():
        for child in children.read_text().split():
            yield from _family(int(child))


def _peaks(pids: Iterable[int]) -> list[float]:
    """The most memory each has held at once, in MB."""
    found = []
    for pid in pids:
        status = Path(f"/proc/{pid}/status")
        if status.exists():
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            found.append(int(lines.get("VmHWM", "0 kB").split()[0]) / 1000)
    return found or [0.0]
