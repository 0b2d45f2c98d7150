"""The graph of a workflow: what is a loop, what follows what, and what runs in a circle. Pure; names of nodes only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from apps.melodies.definition.n8n.model import Edge


def successors(edges: Iterable[Edge]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        found[edge.source].append(edge.target)
    return found


def reached(starts: Iterable[str], following: dict[str, list[str]], *, but: str) -> set[str]:
    """Everything that can be reached from `starts`, itself included, without passing `but`."""
    seen: set[str] = set()
    waiting = [start for start in starts if start != but]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(after for after in following.get(name, ()) if after != but)
    return seen


def body_of(loop: str, output: int, edges: Sequence[Edge]) -> set[str]:
    """The nodes that run once for each item: reached from the loop's output, and leading back to the loop, or leading
    nowhere that is reached in another way."""
    following = successors(edges)
    backward = successors(Edge(edge.target, 0, edge.source, 0) for edge in edges)
    inside = reached(
        (edge.target for edge in edges if edge.source == loop and edge.output == output), following, but=loop
    )
    leading_back = reached((edge.source for edge in edges if edge.target == loop), backward, but=loop)
    others = (edge.target for edge in edges if edge.source == loop and edge.output != output)
    body = inside - (reached(others, following, but=loop) - leading_back)
    while True:
        joined = {
            one
            for one in body - leading_back
            if any(before not in body and before != loop for before in backward.get(one, ()))
        }
        if not joined:
            return body
        body -= joined


def in_order(names: Collection[str], edges: Sequence[Edge]) -> tuple[list[str], list[Edge]]:
    """The nodes with each after those before it, and the edges that had to be left out because they close a circle."""
    kept, dropped = list(edges), list[Edge]()
    while True:
        order = _sorted(names, kept)
        if len(order) == len(names):
            return order, dropped
        stuck = set(names) - set(order)
        # The first edge that leads back into what cannot be sorted, in the order they are written.
        place = {name: number for number, name in enumerate(names)}
        circle = [edge for edge in kept if edge.source in stuck and edge.target in stuck]
        back = next((edge for edge in circle if place[edge.source] >= place[edge.target]), circle[0])
        kept.remove(back)
        dropped.append(back)


def _sorted(names: Collection[str], edges: Sequence[Edge]) -> list[str]:
    waiting = dict.fromkeys(names, 0)
    following = successors(edges)
    for edge in edges:
        waiting[edge.target] += 1
    ready = [name for name, count in waiting.items() if count == 0]
    order = []
    for name in ready:
        order.append(name)
        for after in following.get(name, ()):
            waiting[after] -= 1
            if waiting[after] == 0:
                ready.append(after)
    return order


__all__ = ["body_of", "in_order", "reached", "successors"]
