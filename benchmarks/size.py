"""W5: melodies of 10,000 and 100,000 steps, and what a task costs the broker at 500, 1,000 and 10,000 steps."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence

from benchmarks import shapes
from benchmarks.arena import Arena, run_inside
from benchmarks.figures import Figure, Goal
from benchmarks.symphony_side import Symphony

LARGE = (10_000, 100_000)
BROKER_SIZES = (500, 1_000, 10_000)
SECONDS_LIMIT = 20.0
GIGABYTES_LIMIT = 1.5
BYTES_LIMIT = 3_000.0
Costs = Mapping[str, float]


def broker_bytes(arena: Arena, *, say: Callable[[str], None]) -> list[Figure]:
    """Bytes into Valkey for each task of a layered DAG of steps that take no time, from first message to last.

    Counted once: bytes do not depend on how busy the machine is.
    """
    figures = []
    for system in (Symphony(arena, "defaults"), Symphony(arena, "across the broker", {"SYMPHONY_SLICE_MS": "0"})):
        with arena.running(system.processes(events=False)):
            system.chain(20)  # warms up
            for size in BROKER_SIZES:
                say(f"W5 broker bytes, {size:,} steps, {system.name}")
                document = shapes.dag_document(shapes.layered(size, seconds=(0.0, 0.0)))
                system.melody(document)
                before = _received(arena)
                tasks = len(system.run(document))
                value = (_received(arena) - before) / tasks
                name = f"broker bytes per task, {size:,} steps, {system.name}"
                figures.append(Figure("W5", name, value, "bytes", goal=Goal("at most", BYTES_LIMIT, "value")))
    return figures


def _received(arena: Arena) -> int:
    return int(arena.broker.info("stats")["total_net_input_bytes"])


def large(arena: Arena, *, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """Medians of processes of their own, one per round and size."""
    medians = {}
    for size in LARGE:
        path = arena.home.root / f"large-{size}.yaml"
        path.write_text(shapes.yaml_text(shapes.layered(size)), encoding="utf-8")
        costs = []
        for number in range(rounds):
            say(f"W5 round {number + 1}: {size:,} steps")
            costs.append(json.loads(run_inside(arena, "benchmarks.inside.large", path, role="web")))
            arena.broker.flushdb()
        medians[size] = {name: statistics.median(cost[name] for cost in costs) for name in costs[0]}
    return [row for size in LARGE for row in _rows(size, medians[size])] + [_per_step(medians)]


def _rows(size: int, cost: Costs) -> Sequence[Figure]:
    store = cost["publish"] - cost["parse"] - cost["plan"]
    total = cost["publish"] + cost["start"]
    biggest = size == max(LARGE)
    parts = (
        ("parse and validate", cost["parse"]),
        ("plan", cost["plan"]),
        ("store the plan", store),
        ("start", cost["start"]),
    )
    return [
        *(Figure("W5", f"{name}, {size:,} steps", seconds, "s") for name, seconds in parts),
        Figure(
            "W5",
            f"from document to first step sent, {size:,} steps",
            total,
            "s",
            goal=Goal("at most", SECONDS_LIMIT, "value") if biggest else None,
        ),
        Figure(
            "W5",
            f"peak memory, {size:,} steps",
            cost["peak"] / 1e9,
            "GB",
            goal=Goal("at most", GIGABYTES_LIMIT, "value") if biggest else None,
        ),
    ]


def _per_step(medians: Mapping[int, Costs]) -> Figure:
    small, big = ((medians[size]["publish"] + medians[size]["start"]) / size * 1e6 for size in LARGE)
    name = f"cost per step, {LARGE[1]:,} steps / {LARGE[0]:,} steps"
    return Figure("W5", name, big, "µs", small, Goal("at most", 1.5))
