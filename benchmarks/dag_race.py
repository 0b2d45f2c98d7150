"""W3: a layered DAG of 500 steps of 10-200 ms on 16 threads, held against the list schedule of the same DAG."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence

from benchmarks import shapes
from benchmarks.arena import Arena
from benchmarks.celery_side import PlainCelery
from benchmarks.contest import THREADS
from benchmarks.figures import Figure, Goal
from benchmarks.schedule import layer_schedule, list_schedule
from benchmarks.spans import Span, makespan
from benchmarks.symphony_side import Symphony

SIZE = 500
OURS = "Symphony"
NESTED = "Celery chords, django-celery-results"
LAZY = "Celery chords sent one by one, Redis results"


def race(arena: Arena, *, rounds: int, samples: int, say: Callable[[str], None]) -> list[Figure]:
    """Medians of `samples` runs in each of `rounds` turns of each system."""
    dag = shapes.layered(SIZE)
    ours = Symphony(arena, OURS)
    stored = PlainCelery(arena, NESTED, "django-db")
    cached = PlainCelery(arena, LAZY, arena.plain_variables["PLAIN_RESULTS_URL"])
    document = shapes.dag_document(dag)
    layers = [[dag.seconds[node] for node in layer] for layer in dag.layers()]
    turns: list[tuple[Symphony | PlainCelery, Callable[[], Sequence[Span]]]] = [
        (ours, lambda: ours.run(document)),
        (stored, lambda: stored.nested_layers(layers)),
        (cached, lambda: cached.lazy_layers(layers)),
    ]
    found: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds):
        for system, run in turns:
            say(f"W3 round {number + 1}: {system.name}")
            with arena.running(system.processes(events=False)):
                run()  # warms up
                found[system.name] += [makespan(run()) for _ in range(samples)]
        turns.reverse()
    return _figures(dag, found)


def _figures(dag: shapes.Dag, found: dict[str, list[float]]) -> list[Figure]:
    bound = list_schedule(dag, THREADS)
    rows = [
        Figure("W3", f"makespan / list schedule, {name}", statistics.median(found[name]), "s", bound, goal)
        for name, goal in ((OURS, Goal("at most", 1.05)), (NESTED, None), (LAZY, None))
    ]
    ideal = layer_schedule(dag, THREADS)
    return [*rows, Figure("W3", "makespan / list schedule, barriers that cost nothing", ideal, "s", bound)]
