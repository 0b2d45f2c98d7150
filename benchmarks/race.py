"""W1 and W2: a chain of 100 steps that do nothing, and 1 -> 1,000 -> 1.

In every round each system gets its turn alone: its workers start, warm up, are measured and stop. The order turns round
from one round to the next.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.arena import Arena
from benchmarks.celery_side import PlainCelery
from benchmarks.contest import LENGTH, WIDTH, System
from benchmarks.figures import Figure, Goal
from benchmarks.spans import Span, hop_ms, mean_hop_ms, throughput
from benchmarks.symphony_side import Symphony
from symphony import stack
from symphony.errors import StackError

OURS = "Symphony"
BROKER = "Symphony across the broker"
SMALL = "Symphony, small steps"
BARE = "Celery"
BARE_PROCESSES = "Celery, processes"
STORED = "Celery, django-celery-results"
Samples = Mapping[tuple[str, str], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Entrant:
    """A system, and which workloads it takes part in."""

    system: System
    workloads: Sequence[str]


def entrants(arena: Arena, workloads: Sequence[str], *, events: bool = False) -> list[Entrant]:
    processes = stack.Options().steps_processes
    known = [
        Entrant(Symphony(arena, OURS), ("W1", "W2")),
        Entrant(PlainCelery(arena, BARE, "none"), ("W1", "W2")),
        Entrant(Symphony(arena, BROKER, {"SYMPHONY_SLICE_MS": "0"}), ("W1", "W2")),
        Entrant(PlainCelery(arena, STORED, "django-db"), ("W1", "W2")),
    ]
    if not events:
        known.append(Entrant(Symphony(arena, SMALL, kind="test_echo"), ("W2",)))
        known.append(Entrant(PlainCelery(arena, BARE_PROCESSES, "none", "prefork", processes), ("W2",)))
    chosen = [Entrant(one.system, [name for name in one.workloads if name in workloads]) for one in known]
    return [entrant for entrant in chosen if entrant.workloads]


def race(
    arena: Arena, workloads: Sequence[str], *, rounds: int, samples: int, events: bool, say: Callable[[str], None]
) -> Samples:
    """`rounds` x `samples` measurements of every system, by (measure, system)."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    order = entrants(arena, workloads, events=events)
    for number in range(rounds):
        for entrant in order:
            say(f"round {number + 1}: {entrant.system.name}{', events on' if events else ''}")
            with arena.running(entrant.system.processes(events=events)):
                for sample in range(samples + 1):
                    for measure, value in _measured(entrant):
                        if sample > 0:  # the first one is to warm up
                            found[measure, entrant.system.name].append(value)
        order.reverse()
    return found


def _measured(entrant: Entrant) -> list[tuple[str, float]]:
    values: list[tuple[str, float]] = []
    if "W1" in entrant.workloads:
        chain = _checked(entrant.system.chain(LENGTH), LENGTH)
        values += [("hop", hop_ms(chain)), ("mean hop", mean_hop_ms(chain))]
    if "W2" in entrant.workloads:
        fan = _checked(entrant.system.fan(WIDTH), WIDTH + 2)
        values.append(("throughput", throughput(fan)))
    return values


def _checked(spans: Sequence[Span], count: int) -> Sequence[Span]:
    if len(spans) != count:
        raise StackError(f"{len(spans)} tasks ran where {count} were to run.")
    return spans


def figures(samples: Samples, *, events: bool) -> list[Figure]:
    suffix = ", events on" if events else ""

    def middle(measure: str, system: str) -> float | None:
        values = samples.get((measure, system))
        return statistics.median(values) if values else None

    def row(workload: str, what: str, measure: str, pair: tuple[str, str], goal: Goal | None = None) -> list[Figure]:
        value, baseline = middle(measure, pair[0]), middle(measure, pair[1])
        if value is None:
            return []
        unit = "tasks/s" if measure == "throughput" else "ms"
        return [Figure(workload, f"{what} / {pair[1]}{suffix}", value, unit, baseline, goal)]

    slower, faster, twice = Goal("at most", 1.0), Goal("at least", 0.85), Goal("at least", 2.5)
    return [
        *row("W1", "hop", "hop", (OURS, BARE), slower),
        *row("W1", "hop", "hop", (OURS, STORED)),
        *row("W1", "mean hop", "mean hop", (OURS, BARE)),
        *row("W1", "hop across the broker", "hop", (BROKER, BARE), slower),
        *row("W1", "hop across the broker", "hop", (BROKER, STORED)),
        *row("W2", "tasks per second", "throughput", (OURS, BARE), faster),
        *row("W2", "tasks per second", "throughput", (OURS, STORED), twice),
        *row("W2", "tasks per second across the broker", "throughput", (BROKER, BARE), faster),
        *row("W2", "tasks per second across the broker", "throughput", (BROKER, STORED), twice),
        *row("W2", "small steps per second", "throughput", (SMALL, BARE_PROCESSES)),
    ]
