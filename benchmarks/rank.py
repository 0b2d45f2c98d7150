"""W11: on four slots, how much sooner a DAG ends because what most depends on goes first."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Final

from benchmarks import shapes
from benchmarks.arena import Arena
from benchmarks.figures import Figure, Goal
from benchmarks.schedule import first_come_schedule, list_schedule
from benchmarks.spans import makespan
from benchmarks.symphony_side import Symphony

SLOTS: Final = 4
SIZE: Final = 60
DAGS: Final = 5
_WORTH: Final = 0.80
"""Only graphs on which rank beats first come, first served by this much in theory: elsewhere there is nothing to gain."""


def measure(arena: Arena, *, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """What was measured with rank, against the makespan of the same graph, first come, first served, when nothing is lost."""
    ours = Symphony(arena, "Symphony", threads=SLOTS)
    ratios, ideals = list[float](), list[float]()
    with arena.running(ours.processes(events=False)):
        ours.chain(20)
        for number, dag in enumerate(_graphs()):
            say(f"W11: graph {number + 1} of {DAGS}")
            fifo, ranked = first_come_schedule(dag, SLOTS), list_schedule(dag, SLOTS)
            measured = statistics.median(makespan(ours.run(shapes.dag_document(dag))) for _ in range(rounds))
            ratios.append(measured / fifo)
            ideals.append(ranked / fifo)
    worst = max(ratios)
    return [
        Figure("W11", f"makespan by rank / first come, first served, median of {DAGS} graphs", statistics.median(ratios), "",
               goal=Goal("at most", 0.90, "value")),
        Figure("W11", "the same, worst graph", worst, ""),
        Figure("W11", "the same in theory, median", statistics.median(ideals), ""),
    ]  # fmt: skip


def _graphs() -> Iterator[shapes.Dag]:
    """Seeded graphs with one long path among many short steps."""
    found, seed = 0, 0
    while found < DAGS:
        dag = shapes.one_long_path(SIZE, seed=seed)
        seed += 1
        if list_schedule(dag, SLOTS) <= _WORTH * first_come_schedule(dag, SLOTS):
            found += 1
            yield dag
