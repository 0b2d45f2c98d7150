"""Where steps stand on an editor's canvas that nobody has placed: in columns, each after those it waits for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from .model import Definition, Step
from .rows import HEIGHT, WIDTH, Graph, StepRow

GAP_X: Final = 80.0
GAP_Y: Final = 40.0
_List = tuple[str | None, str, str]


def lay_out(graph: Graph, definition: Definition | None, *, placed: Collection[str] = ()) -> None:
    """Give each step its place, but for those whose ids are in `placed`. The steps inside a step have a canvas of their
    own, with one list of steps below the other."""
    columns = _columns(definition) if definition is not None else {}
    lists: dict[_List, list[StepRow]] = {}
    for row in graph.steps:
        lists.setdefault((row.parent, row.body, row.label), []).append(row)
    height: dict[str | None, float] = {}
    for (parent, _, _), rows in lists.items():
        top = height.get(parent, 0.0)
        filled: dict[int, int] = {}
        for index, row in enumerate(rows):
            column = columns.get(row.pointer, index)
            place = filled.get(column, 0)
            filled[column] = place + 1
            if row.id not in placed:
                row.position_x = column * (WIDTH + GAP_X)
                row.position_y = top + place * (HEIGHT + GAP_Y)
        height[parent] = top + max(filled.values()) * (HEIGHT + GAP_Y)


def _columns(definition: Definition) -> Mapping[str, int]:
    """By pointer, how many steps are one after another before each step of its list."""
    found: dict[str, int] = {}
    pending = [definition.steps]
    while pending:
        steps = pending.pop()
        for step, column in zip(steps, _depths(steps), strict=True):
            found[step.pointer] = column
            pending.extend(body.steps for body in step.bodies)
    return found


def _depths(steps: tuple[Step, ...]) -> list[int]:
    place = {step.name: index for index, step in enumerate(steps)}
    after: list[list[int]] = [[] for _ in steps]
    waiting = [0] * len(steps)
    for index, step in enumerate(steps):
        for edge in step.edges:
            after[place[edge.step]].append(index)
            waiting[index] += 1
    depths = [0] * len(steps)
    ready = [index for index, count in enumerate(waiting) if not count]
    for index in ready:
        for follower in after[index]:
            depths[follower] = max(depths[follower], depths[index] + 1)
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    return depths
