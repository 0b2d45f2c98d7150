"""W8: what loops and nested melodies cost beside plain steps, all in Symphony.

A parallel loop of 1,000 items with one step each is held against 1,000 plain steps side by side, both by the time from the
first start to the last end. A nested melody is held against a step of a chain: how long after the nesting step its first
inner step starts, and how long after its predecessor's start a plain step starts.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.arena import TASKS_OF_RUN, Arena
from benchmarks.contest import LENGTH, WIDTH
from benchmarks.figures import Figure, Goal
from benchmarks.spans import Span, hop_ms, makespan
from benchmarks.symphony_side import Symphony

PASSES = 100
STORED = "benchmarks/nested.yaml"

_KINDS = f"""
    SELECT t.kind, extract(epoch FROM t.started_at)::float8, extract(epoch FROM t.completed_at)::float8
      FROM {TASKS_OF_RUN} WHERE t.started_at IS NOT NULL ORDER BY t.started_at
"""


def loop_document(items: int, kind: str = "simulate") -> dict[str, Any]:
    """A parallel loop over so many items, with one step that does nothing for each."""
    inner = {"name": "inner", "type": kind, **({"seconds": 0} if kind == "simulate" else {"value": 1})}
    loop = {
        "name": "loop",
        "type": "for_loop",
        "iterator": "item",
        "data_source": list(range(items)),
        "parallel": True,
        "max_parallel": 1000,
        "steps": [inner],
    }
    return {"workflow": {"name": f"loop of {items} {kind}", "steps": [loop]}}


def while_document(passes: int) -> dict[str, Any]:
    """A loop that tests its condition before every pass."""
    loop = {
        "name": "loop",
        "type": "while_loop",
        "condition": f"loop.iteration < {passes}",
        "max_iterations": passes,
        "steps": [{"name": "inner", "type": "simulate", "seconds": 0}],
    }
    return {"workflow": {"name": f"while of {passes}", "steps": [loop]}}


def nested_document(length: int, *, stored: bool) -> dict[str, Any]:
    """A chain of nested melodies, written out or stored under a path."""
    inner = {"name": "nested", "steps": [{"name": "inner", "type": "simulate", "seconds": 0}]}
    source = {"pipeline_file": STORED} if stored else {"pipeline": inner}
    steps = [{"name": f"s{number}", "type": "pipeline", **source} for number in range(length)]
    return {"workflow": {"name": f"nested {'stored' if stored else 'inline'}", "steps": steps}}


def measure(arena: Arena, *, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    system = Symphony(arena, "Symphony")
    small = Symphony(arena, "Symphony, small steps", kind="test_echo")
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    arena.client.create_melody(
        "workflow: {name: nested stored, steps: [{name: inner, type: simulate, seconds: 0}]}", path=STORED
    )
    with arena.running(system.processes(events=False)):
        system.chain(20)  # warms up
        for number in range(rounds * 2):
            say(f"W8 turn {number + 1}: loops and nested melodies")
            note("plain", _per_item(system.fan(WIDTH)))
            note("loop", _per_item(_inner(arena, system, loop_document(WIDTH), "simulate")))
            note("small plain", _per_item(small.fan(WIDTH)))
            note("small loop", _per_item(_inner(arena, system, loop_document(WIDTH, small.kind), small.kind)))
            note("hop", hop_ms(system.chain(LENGTH)))
            note("pass", hop_ms(_inner(arena, system, while_document(PASSES), "simulate")))
            for stored in (False, True):
                rows = _rows(arena, system, nested_document(PASSES, stored=stored))
                note("stored" if stored else "inline", _start_ms(rows))
    return figures({name: statistics.median(values) for name, values in found.items()})


def figures(medians: dict[str, float]) -> list[Figure]:
    return [
        Figure(
            "W8", "item of a parallel loop / plain step", medians["loop"], "µs", medians["plain"], Goal("at most", 1.2)
        ),
        Figure(
            "W8",
            "item of a parallel loop / plain step, small steps",
            medians["small loop"],
            "µs",
            medians["small plain"],
            Goal("at most", 1.2),
        ),
        Figure("W8", "start of an inline melody / hop", medians["inline"], "ms", medians["hop"], Goal("at most", 2.0)),
        Figure("W8", "start of a stored melody / hop", medians["stored"], "ms", medians["hop"], Goal("at most", 2.0)),
        Figure("W8", "pass of a while_loop / hop", medians["pass"], "ms", medians["hop"]),
    ]


def _rows(arena: Arena, system: Symphony, document: dict[str, Any]) -> list[tuple[Any, ...]]:
    execution = arena.client.execute(system.melody(document), {})["id"]
    system.ended(execution, WIDTH)
    return arena.select(_KINDS, execution)


def _inner(arena: Arena, system: Symphony, document: dict[str, Any], kind: str) -> list[Span]:
    return [Span(start, end) for found, start, end in _rows(arena, system, document) if found == kind]


def _per_item(spans: Sequence[Span]) -> float:
    """Microseconds for each of the steps side by side."""
    return makespan(spans) / len(spans) * 1e6


def _start_ms(rows: Sequence[tuple[Any, ...]]) -> float:
    """Milliseconds from the start of a nesting step to that of the step in it."""
    outer = [start for kind, start, _ in rows if kind == "pipeline"]
    inner = [start for kind, start, _ in rows if kind == "simulate"]
    return statistics.median(below - above for above, below in zip(outer, inner, strict=True)) * 1000
