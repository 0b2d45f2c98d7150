"""Whether rows that somebody sent hang together: what a document of them would hide or a database refuse.

Whether the document they make is a good melody is for validation to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from .kinds import StepKind
from .limits import DEFAULT
from .pointers import child
from .problems import Problem
from .rows import OUTCOMES, Graph, StepRow
from .rows_bodies import HANDLERS

MOST_STEPS: Final = 100_000
_FARTHEST: Final = 1e9
_IN_COLUMNS: Final = ("name", "type")


def check_rows(graph: Graph, kinds: Mapping[str, StepKind]) -> list[Problem]:
    """Everything that is wrong, with pointers into `{steps, connections}`; at most as many as a document reports."""
    problems: list[Problem] = []
    if len(graph.steps) > MOST_STEPS:
        return [Problem("too_large", f"A graph has {MOST_STEPS:,} steps at most.", "/steps")]
    if "steps" in graph.workflow:
        problems.append(Problem("unknown_field", "Steps are sent beside `workflow`, as rows.", "/workflow/steps"))
    for found in (_steps(graph, kinds), _nesting(graph), _connections(graph)):
        problems.extend(found)
    return problems[: DEFAULT.max_problems]


def _steps(graph: Graph, kinds: Mapping[str, StepKind]) -> Iterator[Problem]:
    rows: dict[str, StepRow] = {}
    for index, row in enumerate(graph.steps):
        where = child("/steps", index)
        if rows.setdefault(row.id, row) is not row:
            yield Problem("duplicate_id", "Another step has this id.", child(where, "id"))
    names: set[tuple[str | None, str, str, str]] = set()
    for index, row in enumerate(graph.steps):
        where = child("/steps", index)
        key = (row.parent, row.body, row.label, row.name)
        if key in names:
            message = f"The name `{row.name[:80]}` is taken already in the same list of steps."
            yield Problem("duplicate_name", message, child(where, "name"))
        names.add(key)
        for field in _IN_COLUMNS:
            if field in row.config:
                message = f"`{field}` is a column of its own and cannot stand in `config`."
                yield Problem("unknown_field", message, child(child(where, "config"), field))
        if not all(math.isfinite(n) and abs(n) < _FARTHEST for n in (row.position_x, row.position_y, row.width, row.height)):  # fmt: skip
            yield Problem("out_of_range", "Positions and sizes are finite numbers below a thousand million.", where)
        yield from _place(row, rows, kinds, where)


def _place(row: StepRow, rows: Mapping[str, StepRow], kinds: Mapping[str, StepKind], where: str) -> Iterator[Problem]:
    """Whether the list of steps a row says it is in can be there."""
    if row.parent is None:
        if row.body or row.label:
            yield Problem("invalid_value", "A step without a parent is in no `body` and has no `label`.", where)
        return
    parent = rows.get(row.parent)
    if parent is None:
        yield Problem("unknown_step", "There is no step with this id to be in.", child(where, "parent_step"))
        return
    kind = kinds.get(parent.type)
    shapes = {field.name: field.shape for field in (kind.bodies if kind is not None else ())}
    shapes.update(dict.fromkeys(HANDLERS, "list"))
    shape = shapes.get(row.body)
    if kind is not None and shape is None:
        message = f"Steps of type {parent.type} hold no steps in `{row.body[:80]}`; they do in {', '.join(shapes)}."
        yield Problem("invalid_value", message, child(where, "body"))
    elif row.label and shape != "map":
        yield Problem("invalid_value", f"`{row.body}` has no labels.", child(where, "label"))


def _nesting(graph: Graph) -> Iterator[Problem]:
    """Steps inside themselves, and steps too deep to be written."""
    parents = {row.id: row.parent for row in graph.steps}
    depths: dict[str, int] = {}
    for index, row in enumerate(graph.steps):
        trail: list[str] = []
        current: str | None = row.id
        while current is not None and current in parents and current not in depths and len(trail) <= DEFAULT.max_depth:
            trail.append(current)
            current = parents[current]
        depth = depths.get(current, 0) if current is not None else 0
        for step in reversed(trail):
            depth += 1
            depths[step] = depth
        if depths[row.id] * 2 > DEFAULT.max_depth or len(trail) > DEFAULT.max_depth:
            message = "This step is inside itself, or nested too deep."
            yield Problem("too_deep", message, child(child("/steps", index), "parent_step"))


def _connections(graph: Graph) -> Iterator[Problem]:
    rows = {row.id: row for row in graph.steps}
    known: set[tuple[str, str, str, str, str]] = set()
    dependencies: set[tuple[str, str]] = set()
    for index, edge in enumerate(graph.connections):
        where = child("/connections", index)
        source, target = rows.get(edge.from_step), rows.get(edge.to_step)
        if source is None or target is None:
            end = "from_step" if source is None else "to_step"
            yield Problem("unknown_step", "There is no step with this id to connect.", child(where, end))
            continue
        if (source.parent, source.body, source.label) != (target.parent, target.body, target.label):
            message = f"`{source.name[:80]}` and `{target.name[:80]}` are not in the same list of steps."
            yield Problem("invalid_connection", message, where)
        if source is target:
            yield Problem("self_reference", f"The step `{source.name[:80]}` is connected to itself.", where)
        ends = (edge.from_step, edge.to_step, edge.from_output, edge.to_input, edge.origin)
        again = ends in known or (edge.origin == "dependency" and ends[:2] in dependencies)
        if again:
            yield Problem("duplicate_connection", "These two are connected like this already.", where)
        known.add(ends)
        if edge.origin == "dependency":
            dependencies.add(ends[:2])
            if edge.from_output not in OUTCOMES:
                message = (
                    f"A dependency leads from success, failure, skipped or done, not from `{edge.from_output[:80]}`."
                )
                yield Problem("invalid_outcome", message, child(where, "from_output"))
            if target.config.get("depends_on"):
                message = f"`{target.name[:80]}` has a `depends_on` in its config as well; connect it by rows only."
                yield Problem("conflicting_fields", message, where)
