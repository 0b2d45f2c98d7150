"""Taking results of a run over to another version of its melody: whether that can be, and where they go. Pure.

A step is the same in both versions when it stands in the same place (the names of the steps around it, the list it is in, its
own name), is of the same kind, and has the same parameters. Every step whose result is kept must be; of a composite step that
goes on where it was, also everything inside it.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from apps.executions.past import Past, TaskFacts
from apps.executions.redo import How, Redo
from apps.executions.states import COMPENSATION_KIND, JOIN_KIND

_SAME_OPTIONS = ("variables", "output_schema")


class PlacedNode(NamedTuple):
    """A node with all that must be the same. `bodies` are (first node, size)."""

    node: int
    name: str
    place: str
    kind: str
    digest: str
    parent: int | None
    edges: tuple[tuple[int, int], ...]
    bodies: tuple[tuple[int, int], ...]


class Difference(NamedTuple):
    """`what` is missing, kind, parameters or inside."""

    step: str
    what: str


@dataclass(frozen=True, slots=True)
class Carried:
    """`new` by the old node number, `before` by the new one (the document's own steps only), and what is done again now."""

    new: Sequence[int | None]
    before: Sequence[int | None]
    redo: Redo


def place_nodes(rows: Sequence[Mapping[str, Any]]) -> dict[int, PlacedNode]:
    """Rows of a plan (node, name, kind, parent, params, condition, options, bodies, successors, edge_on), in node order."""
    placed: dict[int, PlacedNode] = {}
    bodies = {row["node"]: row["bodies"] for row in rows}
    for row in rows:
        around = ""
        if row["parent"] is not None:
            body = next(
                one for one in bodies[row["parent"]] if one["first"] <= row["node"] < one["first"] + one["size"]
            )
            around = f"{placed[row['parent']].place}/{body['field']}:{body['label']}/"
        placed[row["node"]] = PlacedNode(
            row["node"],
            row["name"],
            around + row["name"],
            row["kind"],
            _digest(row),
            row["parent"],
            tuple(zip(row["successors"], row["edge_on"], strict=True)),
            tuple((one["first"], one["size"]) for one in row["bodies"]),
        )
    return placed


def _digest(row: Mapping[str, Any]) -> str:
    options = {name: row["options"].get(name) for name in _SAME_OPTIONS}
    said = json.dumps([row["params"], row["condition"], options], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def carry_over(
    past: Past, redo: Redo, old: Mapping[int, PlacedNode], new: Mapping[int, PlacedNode]
) -> Carried | list[Difference]:
    """Where everything goes, or what stands in the way."""
    there = {node.place: node for node in new.values()}
    matching = {node.node: there.get(node.place) for node in old.values()}
    own = [task for task in past.tasks.values() if task.frame is None]
    differences = [
        found for task in own if (found := _differs(task, redo.how[task.seq], old, matching, new)) is not None
    ]
    if differences:
        return differences
    how = dict(redo.how)
    _spread(how, old, new, past)
    reopened = {task.seq for task in own if how[task.seq] == How.REOPEN}
    root = _roots(past)
    numbers: list[int | None] = [None] * (max(old, default=-1) + 1)
    for node in old.values():
        match = matching[node.node]
        numbers[node.node] = match.node if match is not None and match.kind == node.kind else None
    before: list[int | None] = [None] * (max(new, default=-1) + 1)
    for place, number in enumerate(numbers):
        if number is not None and old[place].parent is None:
            before[number] = place
    frames_of = {frame.id: root[frame.parent] for frame in past.frames}
    return Carried(
        numbers,
        before,
        Redo(
            how,
            [frame for frame in redo.frames if frames_of[frame.id] in reopened],
            [move for move in redo.expansions if root[move.task] in reopened],
            [task for task in redo.again if root[task.seq] in reopened or task.frame is None]
            + [
                task
                for task in own
                if how[task.seq] == How.FRESH and redo.how[task.seq] != How.FRESH and _is_shown(task)
            ],
        ),
    )


def _is_shown(task: TaskFacts) -> bool:
    return task.kind not in (JOIN_KIND, COMPENSATION_KIND)


def _roots(past: Past) -> dict[int, int]:
    """For each task, the document's own step it is or is inside of."""
    roots: dict[int, int] = {}
    for seq, task in sorted(past.tasks.items()):
        roots[seq] = seq if task.parent is None else roots[task.parent]
    return roots


def _differs(
    task: TaskFacts,
    how: How,
    old: Mapping[int, PlacedNode],
    matching: Mapping[int, PlacedNode | None],
    new: Mapping[int, PlacedNode],
) -> Difference | None:
    if how == How.FRESH or not _is_shown(task):
        return None
    before, now = old[task.node], matching[task.node]
    if now is None:
        return Difference(task.name, "missing")
    if now.kind != before.kind:
        return Difference(task.name, "kind")
    if now.digest != before.digest:
        return Difference(task.name, "parameters")
    if how == How.REOPEN and not _same_inside(before, now, old, new):
        return Difference(task.name, "inside")
    return None


def _same_inside(
    before: PlacedNode, now: PlacedNode, old: Mapping[int, PlacedNode], new: Mapping[int, PlacedNode]
) -> bool:
    """Whether two composite steps hold the very same steps in the same order, however deep."""
    if [size for _, size in before.bodies] != [size for _, size in now.bodies]:
        return False
    for (first, size), (begins, _) in zip(before.bodies, now.bodies, strict=True):
        for place in range(size):
            one, other = old[first + place], new[begins + place]
            same = (one.name, one.kind, one.digest) == (other.name, other.kind, other.digest)
            edges = [(target - first, edge) for target, edge in one.edges]
            if not same or edges != [(target - begins, edge) for target, edge in other.edges]:
                return False
            if not _same_inside(one, other, old, new):
                return False
    return True


def _spread(
    how: dict[int, How],
    old: Mapping[int, PlacedNode],
    new: Mapping[int, PlacedNode],
    past: Past,
) -> None:
    """What is kept but now follows something that is done again, or is new, has to wait for it."""
    places = {node.place: node for node in old.values() if node.parent is None}

    def before(node: PlacedNode) -> PlacedNode | None:
        found = places.get(node.place)
        return found if found is not None and found.kind == node.kind else None

    waiting = deque(
        node
        for node in new.values()
        if node.parent is None and ((was := before(node)) is None or how[was.node] != How.KEEP)
    )
    while waiting:
        for target, _ in waiting.popleft().edges:
            was = before(new[target])
            if was is None or how[was.node] == How.FRESH:
                continue
            task = past.tasks[was.node]
            wanted = (
                How.LATER
                if how[was.node] != How.REOPEN and task.status == "completed" and _is_shown(task)
                else How.FRESH
            )
            if how[was.node] != wanted:
                how[was.node] = wanted
                waiting.append(new[target])
