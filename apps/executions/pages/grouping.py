"""What to draw of a plan: every step while they fit, groups of steps when they do not.

Pure and deterministic. Steps are only put together where no path leads from one to another outside the group, so what
is drawn stays a DAG: siblings (same kind, same predecessors, same successors), links of a chain, the steps of one layer,
and at last bands of neighbouring layers.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

MOST_BOXES = 150
MOST_SIBLINGS = 12
"""More siblings than this become one box even when everything would fit."""

_FEW_SIBLINGS = 3
_BANDS = 40
_PLAIN = frozenset({"success", "order"})

Shape = Literal["step", "siblings", "chain", "layer", "band"]


@dataclass(frozen=True, slots=True)
class Step:
    """A node of the plan, as far as drawing it goes. `composite` steps have steps inside."""

    node: int
    name: str
    kind: str
    composite: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """An edge of the plan between two nodes; `on` as in the document (success, failure, skipped, done, order)."""

    source: int
    target: int
    on: str = "success"


@dataclass(frozen=True, slots=True)
class Box:
    """One thing to draw: a step, or a group of `members` (node numbers, ascending). `kind` is "" when they differ."""

    key: int
    name: str
    kind: str
    members: tuple[int, ...]
    shape: Shape = "step"
    composite: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """One line to draw, between the keys of two boxes; `on` holds the kinds of all edges it stands for, sorted."""

    source: int
    target: int
    on: tuple[str, ...]

    @property
    def plain(self) -> bool:
        return not _PLAIN.isdisjoint(self.on)


def group_steps(
    steps: Sequence[Step], links: Sequence[Link], *, most: int = MOST_BOXES
) -> tuple[list[Box], list[Arrow]]:
    """Boxes in the order of their first members, and the arrows between them; at most `most` boxes."""
    graph = _Quotient(steps, links)
    graph.merge(_siblings(graph, more_than=MOST_SIBLINGS), "siblings")
    while len(graph) > most:
        before = len(graph)
        graph.merge(_chains(graph, most), "chain")
        graph.merge(_siblings(graph, more_than=_FEW_SIBLINGS - 1), "siblings")
        if len(graph) == before:
            break
    if len(graph) > most:
        levels = graph.levels()
        graph.merge(_classes(graph, {key: (level, graph.kind(key)) for key, level in levels.items()}), "layer")
    if len(graph) > most:
        levels = graph.levels()
        height = max(levels.values()) + 1
        bands = min(height, _BANDS, most)
        graph.merge(_classes(graph, {key: level * bands // height for key, level in levels.items()}), "band")
    return graph.boxes(), graph.arrows()


class _Quotient:
    """The graph of groups. A group's key is its lowest node."""

    def __init__(self, steps: Sequence[Step], links: Iterable[Link]) -> None:
        self.steps = {step.node: step for step in steps}
        self.members: dict[int, list[int]] = {step.node: [step.node] for step in steps}
        self.shapes: dict[int, Shape] = {step.node: "step" for step in steps}
        self.after: dict[int, dict[int, frozenset[str]]] = {step.node: {} for step in steps}
        self.before: dict[int, dict[int, frozenset[str]]] = {step.node: {} for step in steps}
        for link in links:
            if link.source in self.steps and link.target in self.steps:
                self._connect(link.source, link.target, frozenset({link.on}))

    def __len__(self) -> int:
        return len(self.members)

    def _connect(self, source: int, target: int, on: frozenset[str]) -> None:
        known = self.after[source].get(target, frozenset())
        self.after[source][target] = self.before[target][source] = known | on

    def kind(self, key: int) -> str:
        kinds = {self.steps[node].kind for node in self.members[key]}
        return kinds.pop() if len(kinds) == 1 else ""

    def merge(self, groups: Iterable[Sequence[int]], shape: Shape) -> None:
        """Put the boxes of each group together. Groups are disjoint; lines inside one are dropped."""
        into: dict[int, int] = {}
        for keys in groups:
            first = min(keys)
            into.update(dict.fromkeys(keys, first))
            self.members[first] = sorted(node for key in keys for node in self.members[key])
            self.shapes[first] = shape
        if not into:
            return
        links = [(into.get(a, a), into.get(b, b), on) for a, found in self.after.items() for b, on in found.items()]
        self.members = {key: nodes for key, nodes in self.members.items() if into.get(key, key) == key}
        self.after = {key: {} for key in self.members}
        self.before = {key: {} for key in self.members}
        for source, target, on in links:
            if source != target:
                self._connect(source, target, on)

    def levels(self) -> dict[int, int]:
        """Longest path from a beginning to each box."""
        return longest_paths(self.members, self.after)

    def boxes(self) -> list[Box]:
        return [self._box(key) for key in sorted(self.members)]

    def _box(self, key: int) -> Box:
        nodes = self.members[key]
        name = self.steps[key].name if len(nodes) == 1 else self._group_name(key)
        composite = any(self.steps[node].composite for node in nodes)
        return Box(key, name, self.kind(key), tuple(nodes), self.shapes[key], composite)

    def _group_name(self, key: int) -> str:
        """Siblings go by what their names share, stretches of the graph by their first and last step."""
        nodes = self.members[key]
        if self.shapes[key] == "siblings":
            return pattern(self.steps[node].name for node in nodes)
        return f"{self.steps[nodes[0]].name} … {self.steps[nodes[-1]].name}"

    def arrows(self) -> list[Arrow]:
        return [
            Arrow(source, target, tuple(sorted(self.after[source][target])))
            for source in sorted(self.after)
            for target in sorted(self.after[source])
        ]


def longest_paths(keys: Iterable[int], after: Mapping[int, Iterable[int]]) -> dict[int, int]:
    """The number of edges on the longest path to each key. `ValueError` when there is a cycle."""
    degree = dict.fromkeys(keys, 0)
    for key in degree:
        for target in after.get(key, ()):
            degree[target] += 1
    levels = dict.fromkeys(degree, 0)
    free = deque(key for key, count in degree.items() if count == 0)
    seen = 0
    while free:
        key = free.popleft()
        seen += 1
        for target in after.get(key, ()):
            levels[target] = max(levels[target], levels[key] + 1)
            degree[target] -= 1
            if degree[target] == 0:
                free.append(target)
    if seen != len(levels):
        raise ValueError("what is to be drawn has a cycle")
    return levels


def _classes(graph: _Quotient, classes: Mapping[int, Hashable]) -> list[list[int]]:
    found: dict[Hashable, list[int]] = defaultdict(list)
    for key in graph.members:
        found[classes[key]].append(key)
    return [keys for keys in found.values() if len(keys) > 1]


def _siblings(graph: _Quotient, *, more_than: int) -> list[list[int]]:
    """Boxes of one kind between the very same neighbours. Boxes without any neighbour are siblings too."""
    signatures: dict[int, Hashable] = {
        key: (graph.kind(key), frozenset(graph.before[key].items()), frozenset(graph.after[key].items()))
        for key in graph.members
    }
    return [keys for keys in _classes(graph, signatures) if len(keys) > more_than]


def _chains(graph: _Quotient, most: int) -> list[list[int]]:
    """Stretches of boxes that follow each other alone. A few long ones are cut, so that progress along them shows."""
    runs = [run for key in sorted(graph.members) if not _continues(graph, key) for run in [_run_from(graph, key)]]
    runs = [run for run in runs if len(run) > 1]
    if not runs:
        return []
    pieces = max(1, most // (2 * len(runs)))
    stretches: list[list[int]] = []
    for run in runs:
        length = -(-len(run) // pieces)
        stretches += [run[start : start + length] for start in range(0, len(run), length)]
    return [stretch for stretch in stretches if len(stretch) > 1]


def _run_from(graph: _Quotient, key: int) -> list[int]:
    run = [key]
    while len(graph.after[run[-1]]) == 1:
        (target,) = graph.after[run[-1]]
        if not _continues(graph, target):
            break
        run.append(target)
    return run


def _continues(graph: _Quotient, key: int) -> bool:
    """Whether the box is the only follower of its only predecessor, and follows it when all goes well."""
    if len(graph.before[key]) != 1:
        return False
    ((source, on),) = graph.before[key].items()
    return len(graph.after[source]) == 1 and on <= _PLAIN


def pattern(names: Iterable[str]) -> str:
    """What names have in common, the rest as an ellipsis: part_001, part_002 → `part_…`; "" when it is too little."""
    texts = sorted(set(names))
    if len(texts) == 1:
        return texts[0]
    prefix = _common_start(texts).rstrip("0123456789")
    suffix = _common_start(sorted(text[len(prefix) :][::-1] for text in texts))[::-1].lstrip("0123456789")
    return f"{prefix}…{suffix}" if len(prefix) + len(suffix) > 1 else ""


def _common_start(ordered: Sequence[str]) -> str:
    first, last = ordered[0], ordered[-1]
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:length]


__all__ = ["MOST_BOXES", "MOST_SIBLINGS", "Arrow", "Box", "Link", "Step", "group_steps", "longest_paths", "pattern"]
