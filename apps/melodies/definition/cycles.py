"""Circles in a graph of dependencies, linear in steps and edges. Nodes are numbers, `before[n]` lists who must end first."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

Graph = Sequence[Sequence[int]]


def entangled(before: Graph) -> list[int]:
    """The nodes that can never start, because a circle stands before them or they are in one. Empty: there is no circle."""
    missing = [len(places) for places in before]
    after = _turned(before)
    ready = [node for node, count in enumerate(missing) if not count]
    while ready:
        for node in after[ready.pop()]:
            missing[node] -= 1
            if not missing[node]:
                ready.append(node)
    return [node for node, count in enumerate(missing) if count]


def find_cycles(before: Graph) -> list[list[int]]:
    """One shortest circle for each knot of nodes that wait for each other, in the order they would run, first node once."""
    stuck = entangled(before)
    if not stuck:
        return []
    return [_circle(knot, before) for knot in knots(before, stuck)]


def knots(before: Graph, nodes: Sequence[int]) -> list[list[int]]:
    """The strongly connected components that hold a circle (Tarjan), by their first node; each sorted."""
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    on_path: set[int] = set()
    path: list[int] = []
    found: list[list[int]] = []
    for start in nodes:
        if start in number:
            continue
        work = [(start, iter(before[start]))]
        number[start] = low[start] = len(number)
        path.append(start)
        on_path.add(start)
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in number:
                    number[other] = low[other] = len(number)
                    path.append(other)
                    on_path.add(other)
                    work.append((other, iter(before[other])))
                    break
                if other in on_path:
                    low[node] = min(low[node], number[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    knot = _cut(path, node)
                    on_path.difference_update(knot)
                    if len(knot) > 1 or node in before[node]:
                        found.append(sorted(knot))
    return sorted(found)


def _cut(path: list[int], node: int) -> list[int]:
    at = len(path) - 1
    while path[at] != node:
        at -= 1
    knot = path[at:]
    del path[at:]
    return knot


def _circle(knot: list[int], before: Graph) -> list[int]:
    """A shortest way from the knot's first node back to itself."""
    start, inside = knot[0], set(knot)
    came_from: dict[int, int] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for other in before[node]:
            if other == start:
                # Walking `before` goes against time, so the way back from here runs with it.
                circle = [node]
                while circle[-1] != start:
                    circle.append(came_from[circle[-1]])
                return [start, *circle[:-1]] if len(circle) > 1 else [start]
            if other in inside and other not in came_from:
                came_from[other] = node
                queue.append(other)
    raise ValueError("the nodes are not connected in a circle")


def _turned(before: Graph) -> list[list[int]]:
    after: list[list[int]] = [[] for _ in before]
    for node, places in enumerate(before):
        for place in places:
            after[place].append(node)
    return after


def reachable(start: int, before: Graph, inside: set[int]) -> set[int]:
    """All nodes in `inside` that must end before `start`, itself not counted unless it is in a circle."""
    seen: set[int] = set()
    pending = [start]
    while pending:
        for node in before[pending.pop()]:
            if node in inside and node not in seen:
                seen.add(node)
                pending.append(node)
    return seen
