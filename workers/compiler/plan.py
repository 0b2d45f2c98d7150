"""Definition → plan: numbered nodes with successors, in-degrees, join rules, ranks and what may be sent ahead.

Pure and deterministic: the same definition always gives the same plan. The nodes of one body (the document's own steps,
or the steps below a composite step) are numbered contiguously and in topological order, so one instance of a body, a
frame, is a contiguous block too: the task of node `n` in a frame has the sequence number `offset + n`.

A body in which several steps must have finished before it is over gets one virtual `join` node that waits for all of
them; a body with a single such step needs none. So "the run is over" is a join like any other, without a hot counter.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from apps.executions.routes import route_of
from apps.executions.states import COMPENSATION_KIND
from apps.melodies.definition.collector import paused_collector
from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.model import Definition, Edge, Step
from apps.melodies.definition.params import own_names
from workers.compiler.excluding import take_all_at_once
from workers.compiler.nodes import (
    EDGE_CODES,
    JOIN_KIND,
    LOOK_AHEAD,
    STRIPED,
    STRIPED_FROM,
    STRIPES,
    Plan,
    PlannedBody,
    PlanNode,
)
from workers.compiler.ranking import look_ahead, rank


def compile_plan(definition: Definition, kinds: Mapping[str, StepKind]) -> Plan:
    """Compile a valid definition. Linear in steps and edges; 100,000 steps take a few seconds."""
    with paused_collector():
        return _compile(definition, kinds)


def _compile(definition: Definition, kinds: Mapping[str, StepKind]) -> Plan:
    nodes: list[PlanNode] = []
    waiting: deque[tuple[Sequence[Step], int | None, int, dict[str, tuple[int, int]], PlannedBody | None]] = deque()
    waiting.append((definition.steps, None, 0, {}, None))
    root_size = 0
    while waiting:
        steps, parent, depth, visible, planned = waiting.popleft()
        first = len(nodes)
        numbers = _add_body(nodes, steps, parent, depth, visible, kinds)
        if planned is not None:
            planned.first, planned.size = first, len(nodes) - first
        elif parent is None:
            _add_compensation(nodes, definition)
            root_size = len(nodes)
        inner = visible | {name: (depth, number) for name, number in numbers.items()} if _has_bodies(steps) else {}
        for step in steps:
            for body in step.bodies:
                slot = PlannedBody(body.field, body.label, 0, 0, body.isolated)
                holder = nodes[numbers[step.name]]
                holder.bodies = [*holder.bodies, slot]
                if body.steps:
                    waiting.append((body.steps, numbers[step.name], depth + 1, inner, slot))
    plan = Plan(nodes, root_size, definition.name)
    take_all_at_once(nodes)
    _stripe(plan)
    rank(plan)
    look_ahead(plan)
    if definition.output_dir:
        for node in nodes:
            if "output_to_file" in node.options:
                node.options["output_dir"] = definition.output_dir
    return plan


def _add_compensation(nodes: list[PlanNode], definition: Definition) -> None:
    """The task that begins when the run has failed. Melodies that are only found when they run may have something to
    undo as well."""
    if any(step.kind == "pipeline" or _has_handler(step, "compensate") for step in definition.walk()):
        number = len(nodes)
        node = PlanNode(number, COMPENSATION_KIND, COMPENSATION_KIND, "steps", True, None, 0, {}, open=1, need=1)
        node.ends = True
        nodes.append(node)


def _has_handler(step: Step, which: str) -> bool:
    return any(body.field == which and body.steps for body in step.bodies)


def _has_bodies(steps: Sequence[Step]) -> bool:
    return any(step.bodies for step in steps)


def _add_body(
    nodes: list[PlanNode],
    steps: Sequence[Step],
    parent: int | None,
    depth: int,
    visible: Mapping[str, tuple[int, int]],
    kinds: Mapping[str, StepKind],
) -> dict[str, int]:
    """Append one body's nodes in topological order and wire them; returns the node number of each step name."""
    first = len(nodes)
    ordered = _topological(steps)
    numbers = {step.name: first + index for index, step in enumerate(ordered)}
    nodes.extend(_node(step, numbers, parent, depth, visible, kinds[step.kind]) for step in ordered)
    for step in ordered:
        for edge in step.edges:
            source = nodes[numbers[edge.step]]
            source.successors.append(numbers[step.name])
            source.edge_on.append(EDGE_CODES[edge.on])
            source.handled = source.handled or edge.on == "failure"
        if step.cancel_rest:
            nodes[numbers[step.name]].options["withdraw"] = [numbers[edge.step] for edge in step.edges]
    _close_body(nodes, first, parent, depth)
    return numbers


def _topological(steps: Sequence[Step]) -> list[Step]:
    """Kahn's order, stable: among steps that are free the one written first comes first."""
    if all(_follows(step.edges, previous) for previous, step in zip((None, *steps), steps, strict=False)):
        return list(steps)
    index = {step.name: position for position, step in enumerate(steps)}
    degree = [len(step.edges) for step in steps]
    successors: dict[int, list[int]] = defaultdict(list)
    for position, step in enumerate(steps):
        for edge in step.edges:
            successors[index[edge.step]].append(position)
    free = deque(position for position, count in enumerate(degree) if count == 0)
    ordered: list[Step] = []
    while free:
        position = free.popleft()
        ordered.append(steps[position])
        for successor in successors[position]:
            degree[successor] -= 1
            if degree[successor] == 0:
                free.append(successor)
    if len(ordered) != len(steps):
        raise ValueError("the definition has a cycle; validation must run before compilation")
    return ordered


def _follows(edges: tuple[Edge, ...], previous: Step | None) -> bool:
    return not edges if previous is None else len(edges) == 1 and edges[0].step == previous.name


def _node(
    step: Step,
    numbers: Mapping[str, int],
    parent: int | None,
    depth: int,
    visible: Mapping[str, tuple[int, int]],
    kind: StepKind,
) -> PlanNode:
    degree = len(step.edges)
    need = degree if step.join == "all" else 1 if step.join == "any" else int(step.join)
    particular = bool(step.queue or step.requires or step.limit)
    return PlanNode(
        node=numbers[step.name],
        name=step.name,
        kind=step.kind,
        queue=route_of(step.queue or kind.queue, step.requires),
        inline=kind.inline and not particular,
        parent=parent,
        depth=depth,
        params=_own_params(step, kind),
        condition=step.condition,
        open=degree,
        need=min(need, degree),
        wants=sum(edge.on == "success" for edge in step.edges),
        tolerates=step.continue_on_error,
        compensates=_has_handler(step, "compensate"),
        exclusive=step.exclusive,
        reads=tuple(_reads(step, numbers, depth, visible)),
        variables=step.variables,
        options=_options(step, numbers, kind),
        requires=list(step.requires) if particular else None,
    )


def _own_params(step: Step, kind: StepKind) -> Mapping[str, Any]:
    """The step's own fields without its bodies, which are nodes of their own. Of a nested workflow the fields beside its
    steps stay."""
    if not kind.bodies:
        return step.params
    bodies = {body.name for body in kind.bodies if body.shape != "workflow"}
    return {name: value for name, value in step.params.items() if name not in bodies}


def _options(step: Step, numbers: Mapping[str, int], kind: StepKind) -> dict[str, Any]:
    """What the engine does around the step, only what is said."""
    options: dict[str, Any] = {
        name: value
        for name, value in (
            ("output_to_file", step.output_to_file),
            ("timeout_seconds", step.timeout_seconds),
            ("limits", _limits(step) or None),
            ("limit", asdict(step.limit) if step.limit else None),
            ("output_schema", None if "output_schema" in own_names(kind.params) else step.output_schema),
            ("error_output", step.error_output),
            ("retry", asdict(step.retry) if step.retry else None),
            ("cache", asdict(step.cache) if step.cache else None),
            ("variables", dict(step.local_variables) or None),
            ("streaming", step.streaming or None),
            ("retries_itself", kind.retries_itself or None),
            ("previous", [read.name for read in step.reads if read.previous_pass] or None),
            ("named", {name: numbers[name] for name in _named(step, kind) if name in numbers} or None),
        )
        if value is not None
    }
    return options


def _limits(step: Step) -> dict[str, float]:
    """What the ledger watches over (sql/timeouts.sql), in seconds."""
    limits = {
        "queue": step.timeouts.queue,
        "run": step.timeout_seconds,
        "beat": step.timeouts.heartbeat,
        "total": step.timeouts.total,
    }
    return {name: seconds for name, seconds in limits.items() if seconds is not None}


def _named(step: Step, kind: StepKind) -> Iterator[str]:
    """The steps of the same list a step names to do something with them."""
    for field_name in kind.steps:
        written = step.params.get(field_name)
        names = written if isinstance(written, list) else [written]
        yield from (name for name in names if isinstance(name, str))


def _reads(
    step: Step, numbers: Mapping[str, int], depth: int, visible: Mapping[str, tuple[int, int]]
) -> Iterator[tuple[str, int, int, str | None, bool]]:
    for read in step.reads:
        if read.previous_pass:
            continue
        target = read.via or read.name
        if read.depth == depth:
            level, node = depth, numbers[target]
        else:
            level, node = visible[target]
        yield read.name, level, node, read.name if read.via else None, read.field


def _close_body(nodes: list[PlanNode], first: int, parent: int | None, depth: int) -> None:
    """Mark how the body ends: its only last step, or a virtual node behind all that must have finished.

    Predecessors of a join that starts before all of them have finished count as well: a body is over only when nothing
    in it runs any more.
    """
    own = nodes[first:]
    early = {node.node for node in own if node.need < node.open}
    last = [node for node in own if not node.successors or any(target in early for target in node.successors)]
    if len(last) == 1:
        last[0].ends = True
        return
    end = PlanNode(
        first + len(own), JOIN_KIND, JOIN_KIND, "steps", True, parent, depth, {}, open=len(last), need=len(last)
    )
    end.ends = True
    nodes.append(end)
    for node in last:
        node.successors.append(end.node)
        node.edge_on.append(EDGE_CODES["done"])


def _stripe(plan: Plan) -> None:
    """Spread the edges of wide joins over stripes; a join that may start early must see each arrival at once."""
    wide = {node.node for node in plan.nodes if node.open > STRIPED_FROM and node.need == node.open}
    counts = {join: [0] * STRIPES for join in wide}
    for node in plan.nodes if wide else ():
        for place, target in enumerate(node.successors):
            if target in wide:
                node.edge_on[place] += STRIPED
                counts[target][node.node % STRIPES] += 1
    for number, stripes in counts.items():
        plan.nodes[number].stripes = stripes


__all__ = ["EDGE_CODES", "JOIN_KIND", "LOOK_AHEAD", "STRIPED", "Plan", "PlanNode", "PlannedBody", "compile_plan"]
