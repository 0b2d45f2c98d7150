"""The edges of a body: explicit ones, those of variables, the order of the document; and whether they make sense."""

from __future__ import annotations

from .cycles import entangled, find_cycles, knots, reachable
from .drafts import Draft, DraftBody
from .model import Edge
from .pointers import child
from .problems import ProblemList
from .workflow import Connection

_MOST_VISITS = 5_000_000
_SHOWN = 12


def add_explicit(body: DraftBody, problems: ProblemList) -> None:
    """Turn every `depends_on` and connection, here and in the bodies inside, into edges."""
    for step in body.steps:
        for index, edge in enumerate(step.common.depends_on or ()):
            if edge is not None and _may_be_added(edge, step, body, index, problems):
                step.edges[edge.step] = edge
        for below in step.bodies:
            add_explicit(below, problems)
    if body.workflow is not None:
        for connection in body.workflow.connections:
            _connect(connection, body, problems)


def _connect(connection: Connection, body: DraftBody, problems: ProblemList) -> None:
    ends = (("from", connection.source), ("to", connection.target))
    missing = [(key, name) for key, name in ends if name not in body.positions]
    for key, name in missing:
        message = f"There is no step `{name}` to connect."
        problems.add("unknown_step", message, child(connection.pointer, key), meant=(name, body.positions))
    if missing:
        return
    if connection.source == connection.target:
        problems.add("self_reference", f"The step `{connection.source}` is connected to itself.", connection.pointer)
    else:
        target = body.steps[body.positions[connection.target]]
        target.edges.setdefault(connection.source, Edge(connection.source))


def _may_be_added(edge: Edge, step: Draft, body: DraftBody, index: int, problems: ProblemList) -> bool:
    name = edge.step
    if name in body.positions and name not in step.edges and name != step.name:
        return True
    pointer = child(step.pointer, "depends_on")
    pointer = child(pointer, index) if step.common.listed else pointer
    if name == step.name:
        problems.add("self_reference", f"The step `{name}` depends on itself.", pointer)
    elif name in step.edges:
        message = f"`{name}` stands twice in `depends_on`; for any outcome write on: done."
        problems.add("duplicate_dependency", message, pointer)
    else:
        message = f"There is no step `{name}` in the same list of steps to depend on."
        problems.add("unknown_step", message, pointer, meant=(name, body.positions))
    return False


def complete(body: DraftBody, problems: ProblemList) -> None:
    """Add what is implied (variables, order), then look for circles and for joins that can never hold."""
    if body.dag:
        before = [[body.positions[name] for name in step.edges] for step in body.steps]
        cycles = find_cycles(before)
        for cycle in cycles:
            _report(cycle, body, problems)
        if body.wishes and not cycles:
            _add_wishes(body, before)
    else:
        previous: Draft | None = None
        for step in body.steps:
            if previous is not None:
                step.edges = {previous.name: Edge(previous.name, "order")}
            previous = step
    for step in body.steps:
        _check_join(step, problems)
        for below in step.bodies:
            complete(below, problems)


def _add_wishes(body: DraftBody, before: list[list[int]]) -> None:
    """Let setters of variables run before their readers, as far as the other edges leave room for it.

    Almost always all of them fit together. Otherwise those that contradict the other edges are left out; if the rest
    still makes circles, the wishes in these circles are left out as well.
    """
    steps = body.steps
    wishes = [
        (setter, reader)
        for setter, reader in dict.fromkeys(body.wishes)
        if steps[setter].name not in steps[reader].edges
    ]
    stuck = entangled(_with(before, wishes))
    if stuck:
        wishes = _without_contradictions(wishes, before, knots(_with(before, wishes), stuck))
        together = _with(before, wishes)
        knot_of = {node: number for number, knot in enumerate(knots(together, entangled(together))) for node in knot}
        wishes = [(a, b) for a, b in wishes if knot_of.get(a, -1) != knot_of.get(b, -2)]
    for setter, reader in wishes:
        name = steps[setter].name
        steps[reader].edges[name] = Edge(name)


def _with(before: list[list[int]], wishes: list[tuple[int, int]]) -> list[list[int]]:
    graph = list(before)
    for setter, reader in wishes:
        graph[reader] = [*graph[reader], setter]
    return graph


def _without_contradictions(
    wishes: list[tuple[int, int]], before: list[list[int]], tangles: list[list[int]]
) -> list[tuple[int, int]]:
    """Drop the wishes whose reader must, by the other edges, end before their setter. In a document made to be slow to
    check, the wishes left when patience ends are dropped too."""
    inside = {node: set(knot) for knot in tangles for node in knot}
    ancestors: dict[int, set[int]] = {}
    visits = 0
    kept = []
    for setter, reader in wishes:
        knot = inside.get(setter)
        if knot is None or reader not in knot:
            kept.append((setter, reader))
        elif setter in ancestors or visits < _MOST_VISITS:
            if setter not in ancestors:
                ancestors[setter] = reachable(setter, before, knot)
                visits += len(ancestors[setter])
            if reader not in ancestors[setter]:
                kept.append((setter, reader))
    return kept


def _report(cycle: list[int], body: DraftBody, problems: ProblemList) -> None:
    names = [body.steps[place].name for place in (*cycle, cycle[0])]
    if len(names) > _SHOWN:
        names = [*names[: _SHOWN - 2], f"... {len(names) - _SHOWN} more ...", *names[-2:]]
    step = body.steps[cycle[0]]
    pointer = child(step.pointer, "depends_on") if step.common.depends_on else step.pointer
    problems.add("cycle", f"These steps wait for each other in a circle: {' -> '.join(names)}.", pointer)


def _check_join(step: Draft, problems: ProblemList) -> None:
    join = step.common.join
    if isinstance(join, int) and join > len(step.edges):
        message = f"`join: {join}` can never hold: the step has {len(step.edges)} incoming edge{'s' * (len(step.edges) != 1)}."
        problems.add("invalid_join", message, child(step.pointer, "join"))
