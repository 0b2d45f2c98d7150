"""Comparing two documents by their rows."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.rows import ConnectionRow, Graph, StepRow, paths, to_rows

from .matching import Lists, Pairs, match
from .model import Diff, Edge, Ends, ListKey, StepDelta, StepPlace
from .values import changes, same


def diff(before: Mapping[str, Any], after: Mapping[str, Any], kinds: Mapping[str, StepKind]) -> Diff:
    """From one valid document (canonical: plain JSON) to another."""
    one, other = to_rows(before, kinds), to_rows(after, kinds)
    pairs = match(Lists(one), Lists(other))
    found = Diff(list(changes(one.workflow, other.workflow)), list(changes(one.beside, other.beside)))
    _compare_steps(found, one, other, pairs)
    _compare_edges(found, one, other, pairs)
    return found


def _compare_steps(found: Diff, one: Graph, other: Graph, pairs: Pairs) -> None:
    mine, theirs = _places(one), _places(other)
    found.removed = [(row.id, mine[row.id]) for row in one.steps if row.id not in pairs.there]
    unified = {row.id: _unified(row, pairs) for row in other.steps}
    found.added = [(unified[row.id], theirs[row.id]) for row in other.steps if row.id not in pairs.back]
    before = {key: [row.id for row in rows] for key, rows in pairs.one.all()}
    after: dict[ListKey, list[str]] = {}
    for row in sorted(unified.values(), key=lambda row: row.order_index):
        after.setdefault(_list_of(row), []).append(row.id)
    found.orders = {key: tuple(ids) for key, ids in after.items() if before.get(key) != ids}
    reordered = _reordered(before, found.orders)
    for row in other.steps:
        known = pairs.back.get(row.id)
        if known is None:
            continue
        first, now = pairs.one.rows[known], unified[row.id]
        delta = StepDelta(
            known, mine[known], theirs[row.id], now, _list_of(first) != _list_of(now), known in reordered,
            first.enabled, tuple(changes(first.config, now.config)),
        )  # fmt: skip
        if delta.differs:
            found.steps.append(delta)


def _places(graph: Graph) -> dict[str, StepPlace]:
    # A path is made of three parts for each step: field, label, name.
    return {
        row.id: StepPlace(path[2::3], row.type, row.pointer)
        for row, path in zip(graph.steps, paths(graph.steps).values(), strict=True)
    }


def _unified(row: StepRow, pairs: Pairs) -> StepRow:
    """With the ids of the first document."""
    parent = None if row.parent is None else pairs.back.get(row.parent, f"+{row.parent}")
    return replace(row, id=pairs.back.get(row.id, f"+{row.id}"), parent=parent)


def _list_of(row: StepRow) -> ListKey:
    return ListKey(row.parent, row.body, row.label)


def _reordered(before: Mapping[ListKey, list[str]], orders: Mapping[ListKey, Sequence[str]]) -> set[str]:
    """Those that have to move for a list to get its new order; as few as possible."""
    moved: set[str] = set()
    for key, ids in orders.items():
        was = {step: index for index, step in enumerate(before.get(key, ()))}
        staying = [step for step in ids if step in was]
        keep = _longest_rising([was[step] for step in staying])
        moved.update(step for index, step in enumerate(staying) if index not in keep)
    return moved


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """The indexes of a longest subsequence that only rises."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for index, number in enumerate(numbers):
        place = bisect_left(tails, number)
        previous.append(ends[place - 1] if place else -1)
        tails[place : place + 1] = [number]
        ends[place : place + 1] = [index]
    found: set[int] = set()
    index = ends[-1] if ends else -1
    while index >= 0:
        found.add(index)
        index = previous[index]
    return found


def _compare_edges(found: Diff, one: Graph, other: Graph, pairs: Pairs) -> None:
    names = {row.id: row.name for row in one.steps}
    names_after = {pairs.back.get(row.id, f"+{row.id}"): row.name for row in other.steps}
    mine = dict(by_ends(one.connections))
    theirs = dict(by_ends(_unified_edge(edge, pairs) for edge in other.connections))
    for ends, edge in mine.items():
        told = Edge(ends, edge, names[edge.from_step], names[edge.to_step])
        now = theirs.get(ends)
        if now is None:
            found.connections_removed.append(told)
        elif not same([now.order_index, now.extra], [edge.order_index, edge.extra]):
            found.connections_redrawn.append(
                (told, Edge(ends, now, names_after[now.from_step], names_after[now.to_step]))
            )
    found.connections_added = [
        Edge(ends, edge, names_after[edge.from_step], names_after[edge.to_step])
        for ends, edge in theirs.items()
        if ends not in mine
    ]


def _unified_edge(edge: ConnectionRow, pairs: Pairs) -> ConnectionRow:
    return replace(
        edge,
        from_step=pairs.back.get(edge.from_step, f"+{edge.from_step}"),
        to_step=pairs.back.get(edge.to_step, f"+{edge.to_step}"),
    )


def by_ends(edges: Iterable[ConnectionRow]) -> Iterator[tuple[Ends, ConnectionRow]]:
    """A step may name another twice: the second such edge is another one than the first."""
    seen: Counter[tuple[str, ...]] = Counter()
    for edge in edges:
        ends = (edge.from_step, edge.to_step, edge.from_output, edge.to_input, edge.origin)
        yield (*ends, seen[ends]), edge
        seen[ends] += 1
