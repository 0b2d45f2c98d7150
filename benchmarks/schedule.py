"""How fast a DAG can be run on so many slots when nothing is lost between its steps. Pure."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence

from benchmarks.shapes import Dag


def ranks(dag: Dag) -> list[float]:
    """Seconds from the start of each node to the end of the longest path behind it."""
    behind = [0.0] * len(dag)
    for node in reversed(range(len(dag))):
        behind[node] += dag.seconds[node]
        for before in dag.predecessors[node]:
            behind[before] = max(behind[before], behind[node])
    return behind


def list_schedule(dag: Dag, slots: int) -> float:
    """Makespan in seconds when a free slot always takes the ready node with the longest path behind it."""
    rank = ranks(dag)
    return _makespan(dag, slots, lambda node, _: -rank[node])


def first_come_schedule(dag: Dag, slots: int) -> float:
    """The same when it always takes the node that became ready first."""
    return _makespan(dag, slots, lambda _, arrival: float(arrival))


def _makespan(dag: Dag, slots: int, urgency: Callable[[int, int], float]) -> float:
    """`urgency` of a node and of how many became ready before it: the smallest goes first."""
    waits_for = [len(before) for before in dag.predecessors]
    followers = _followers(dag)
    arrivals = itertools.count()
    ready = [(urgency(node, next(arrivals)), node) for node in range(len(dag)) if waits_for[node] == 0]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < slots:
            _, node = heapq.heappop(ready)
            heapq.heappush(running, (now + dag.seconds[node], node))
        now, ended = heapq.heappop(running)
        for follower in followers[ended]:
            waits_for[follower] -= 1
            if waits_for[follower] == 0:
                heapq.heappush(ready, (urgency(follower, next(arrivals)), follower))
    return now


def layer_schedule(dag: Dag, slots: int) -> float:
    """The same with a barrier after every layer, which is what a chord per layer makes of it at best."""
    return sum(_independent([dag.seconds[node] for node in layer], slots) for layer in dag.layers())


def _independent(seconds: Sequence[float], slots: int) -> float:
    free = [0.0] * slots
    for duration in sorted(seconds, reverse=True):
        heapq.heapreplace(free, free[0] + duration)
    return max(free)


def _followers(dag: Dag) -> list[list[int]]:
    followers: list[list[int]] = [[] for _ in range(len(dag))]
    for node, before in enumerate(dag.predecessors):
        for number in before:
            followers[number].append(node)
    return followers
