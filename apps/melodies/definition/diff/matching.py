"""Which step of one document is which of the other: by name, else moved under its name, else renamed.

The same pairs come out whichever of the two documents is the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, Final

from apps.melodies.definition.rows import Graph, StepRow

from .model import ListKey

ALIKE: Final = 0.5
"""Two steps of one type are the same one under another name when this much of their fields is equal."""
_MOST_COMPARED: Final = 50_000
"""Pairs of steps that are compared, in all lists together; when they are used up, no step is taken for renamed."""
_MOST_LEAVES: Final = 500


_Parents = tuple[str | None, str | None]


class Lists:
    """The steps of a graph by the list they stand in, in order."""

    def __init__(self, graph: Graph) -> None:
        self.rows = {row.id: row for row in graph.steps}
        self._inside: dict[str | None, dict[tuple[str, str], list[StepRow]]] = {}
        for row in sorted(graph.steps, key=lambda row: row.order_index):
            self._inside.setdefault(row.parent, {}).setdefault((row.body, row.label), []).append(row)

    def inside(self, parent: str | None) -> dict[tuple[str, str], list[StepRow]]:
        return self._inside.get(parent, {})

    def all(self) -> Iterator[tuple[ListKey, list[StepRow]]]:
        for parent, lists in self._inside.items():
            for (body, label), rows in lists.items():
                yield ListKey(parent, body, label), rows


class Pairs:
    """The pairs found so far, from the ids of one graph to those of the other."""

    def __init__(self, one: Lists, other: Lists) -> None:
        self.one, self.other = one, other
        self.there: dict[str, str] = {}
        self.back: dict[str, str] = {}
        self._comparisons = _MOST_COMPARED

    def find(self) -> None:
        self._by_name([(None, None)])
        self._by_name(list(self._moved()))
        parents: list[_Parents] = [(None, None), *self.there.items()]
        while parents:
            parents = self._by_name([pair for one, other in parents for pair in self._renamed(one, other)])

    def _add(self, one: StepRow, other: StepRow) -> tuple[str, str]:
        self.there[one.id], self.back[other.id] = other.id, one.id
        return one.id, other.id

    def _by_name(self, parents: Sequence[_Parents]) -> list[_Parents]:
        """Pair steps of the same name in the same list of steps that are a pair; gives the parents and the new pairs."""
        pending = list(parents)
        seen: list[_Parents] = []
        while pending:
            mine, theirs = pending.pop()
            seen.append((mine, theirs))
            lists = self.other.inside(theirs)
            for key, rows in self.one.inside(mine).items():
                names = {row.name: row for row in lists.get(key, ())}
                for row in rows:
                    known = names.get(row.name)
                    if known is not None and row.id not in self.there and known.id not in self.back:
                        pending.append(self._add(row, known))
        return seen

    def _moved(self) -> Iterator[tuple[str, str]]:
        """Steps that have left their list and are, with name and type, in another one; where that is no guess."""
        mine = _unique(row for row in self.one.rows.values() if row.id not in self.there)
        theirs = _unique(row for row in self.other.rows.values() if row.id not in self.back)
        for key in sorted(mine.keys() & theirs.keys()):
            yield self._add(mine[key], theirs[key])

    def _renamed(self, mine: str | None, theirs: str | None) -> Iterator[tuple[str, str]]:
        lists = self.other.inside(theirs)
        for key, rows in self.one.inside(mine).items():
            gone = [row for row in rows if row.id not in self.there]
            new = [row for row in lists.get(key, ()) if row.id not in self.back]
            if gone and new and len(gone) * len(new) <= self._comparisons:
                self._comparisons -= len(gone) * len(new)
                for row, successor in _alike(gone, new, self):
                    if row.id not in self.there and successor.id not in self.back:
                        yield self._add(row, successor)


def match(one: Lists, other: Lists) -> Pairs:
    pairs = Pairs(one, other)
    pairs.find()
    return pairs


def _unique(rows: Iterable[StepRow]) -> dict[tuple[str, str], StepRow]:
    found: dict[tuple[str, str], StepRow] = {}
    often: Counter[tuple[str, str]] = Counter()
    for row in rows:
        key = (row.name, row.type)
        often[key] += 1
        found[key] = row
    return {key: row for key, row in found.items() if often[key] == 1}


def _alike(gone: list[StepRow], new: list[StepRow], pairs: Pairs) -> list[tuple[StepRow, StepRow]]:
    """The most alike first. Ties are broken by what is the same from both sides."""
    leaves = {id(row): _leaves(row, pairs.one) for row in gone} | {id(row): _leaves(row, pairs.other) for row in new}
    found: list[tuple[float, int, str, str, StepRow, StepRow]] = []
    for row, successor in product(gone, new):
        if row.type != successor.type:
            continue
        likeness = _likeness(leaves[id(row)], leaves[id(successor)])
        if likeness >= ALIKE:
            first, second = sorted((row.name, successor.name))
            distance = abs(row.order_index - successor.order_index)
            found.append((-likeness, distance, first, second, row, successor))
    found.sort(key=lambda entry: entry[:4])
    return [(row, successor) for *_, row, successor in found]


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    if not one and not other:
        return 1.0
    return len(one & other) / len(one | other)


def _leaves(row: StepRow, lists: Lists) -> frozenset[str]:
    """A step's fields as texts of path and value, and the names of the steps in it."""
    found: set[str] = set()
    pending: list[tuple[str, Any]] = [("", row.config)]
    while pending and len(found) < _MOST_LEAVES:
        path, value = pending.pop()
        if isinstance(value, dict) and value:
            pending.extend((f"{path}/{key}", value[key]) for key in sorted(value, reverse=True))
        elif isinstance(value, list) and value:
            pending.extend((f"{path}/{index}", value[index]) for index in reversed(range(len(value))))
        else:
            found.add(f"{path}={value!r}")
    for (body, label), rows in lists.inside(row.id).items():
        found.update(f"{body}/{label}:{inner.name}" for inner in rows[:_MOST_LEAVES])
    return frozenset(found)
