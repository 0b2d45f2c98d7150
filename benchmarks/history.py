"""W9: what a step costs on an empty database, and beside the history of ten million others."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Final

from benchmarks import crowd
from benchmarks.arena import Arena
from benchmarks.contest import LENGTH, WIDTH
from benchmarks.figures import Figure, Goal
from benchmarks.spans import mean_hop_ms, throughput
from benchmarks.symphony_side import Symphony

TASKS: Final = 10_000_000
BATCH: Final = 5_000
"""Runs copied by one statement, of as many tasks as the chain is long."""
_FLAT: Final = Goal("at most", 1.2)


def measure(arena: Arena, *, tasks: int, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """The same workers measured twice, the database grown in between; each task comes with its events."""
    ours = Symphony(arena, "Symphony")
    with arena.running(ours.processes(events=False)):
        ours.chain(LENGTH), ours.fan(WIDTH)  # warms up
        say("W9: the empty database")
        hop, cost = _costs(ours, rounds)
        sample = _last_run(arena)
        while (grown := _tasks(arena)) < tasks:
            say(f"W9: {grown:,} of {tasks:,} tasks")
            crowd.copy_runs(arena, sample, min(BATCH, -(-(tasks - grown) // LENGTH)))
        crowd.settle(arena)
        say(f"W9: {_tasks(arena):,} tasks")
        ours.chain(LENGTH), ours.fan(WIDTH)
        later_hop, later_cost = _costs(ours, rounds)
    ((size,),) = arena.select("SELECT pg_database_size(current_database())")
    what = f"beside {tasks:,} tasks / empty"
    return [
        Figure("W9", f"hop {what}", later_hop, "ms", hop, _FLAT),
        Figure("W9", f"cost of a step of a fan-out {what}", later_cost, "ms", cost, _FLAT),
        Figure("W9", "size of the database", size / 1e9, "GB"),
    ]


def _costs(ours: Symphony, rounds: int) -> tuple[float, float]:
    """Milliseconds of a hop of a chain, and per task of a fan-out."""
    hops = [mean_hop_ms(ours.chain(LENGTH)) for _ in range(rounds * 3)]
    fans = [1000 / throughput(ours.fan(WIDTH)) for _ in range(rounds * 3)]
    return statistics.median(hops), statistics.median(fans)


def _last_run(arena: Arena) -> str:
    ((found,),) = arena.select(
        "SELECT x.id FROM executions_execution x WHERE x.status = 'completed' AND x.next_seq = %s ORDER BY x.id DESC LIMIT 1",
        LENGTH,
    )
    return str(found)


def _tasks(arena: Arena) -> int:
    ((count,),) = arena.select("SELECT sum(next_seq)::bigint FROM executions_execution")
    return int(count)
