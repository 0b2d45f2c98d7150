"""Definition → plan: numbered nodes with successors, in-degrees, join rules, ranks and what may be sent ahead.

Pure and deterministic: the same definition always gives the same plan. The nodes of one body (the document's own steps,
or the steps below a composite step) are numbered contiguously and in topological order, so one instance of a body, a
frame, is a contiguous block too: the task of node `n` in a frame has the sequence number `offset + n`.

A body in which several steps must have finished before it is over gets one virtual `join` node that waits for all of
them; a body with a single such step needs none. So "the run is over" is a join like any other, without a hot counter.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from apps.executions.routes import route_of
from apps.executions.states import COMPENSATION_KIND, JOIN_KIND
from apps.melodies.definition.collector import paused_collector
from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.model import Definition, Edge, Step
from apps.melodies.definition.params import own_names
from workers.compiler.excluding import take_all_at_once

EDGE_CODES = {"success": 0, "failure": 1, "skipped": 2, "done": 3, "order": 4}
"""How the ledger numbers the kinds of edges."""

STRIPED = 8
"""Added to an edge's number when its target counts in stripes."""
STRIPES = 16
STRIPED_FROM = 64
"""A join of more edges than this counts them in 16 rows first: thousands of predecessors that end together would
otherwise wait for each other's commit on one row."""

LOOK_AHEAD = 6
"""Longest chain sent as one canvas. Each link adds about 0.3 KB to every message before it; six keep a message of the
chain under 3 KB on average."""


@dataclass(slots=True)
class PlannedBody:
    """Where a composite's body stands: node numbers `first` to `first + size - 1`. `field` is the field it is under."""

    field: str
    label: str
    first: int
    size: int
    isolated: bool = False


@dataclass(slots=True)
class PlanNode:
    """One step of the plan. `open` is its in-degree, `need` how many edges must be met, `wants` how many are `success`."""

    node: int
    name: str
    kind: str
    queue: str
    inline: bool
    parent: int | None
    depth: int
    params: Mapping[str, Any]
    condition: Any = None
    successors: list[int] = field(default_factory=list)
    edge_on: list[int] = field(default_factory=list)
    open: int = 0
    need: int = 0
    wants: int = 0
    tolerates: bool = False
    handled: bool = False
    ends: bool = False
    compensates: bool = False
    exclusive: str | None = None
    reads: list[tuple[str, int, int, str | None, bool]] = field(default_factory=list)
    """(name, depth of the body, node, the name under which the value is a part of that node's result, whether it is a
    field of the result itself and not one of its inner results)."""
    variables: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    bodies: list[PlannedBody] = field(default_factory=list)
    stripes: list[int] = field(default_factory=list)
    """How many edges each stripe counts; empty for a join that counts in its own row."""
    rank: float = 0.0
    run: list[int] = field(default_factory=list)
    meets: int | None = None
    requires: list[str] | None = None
    """Capabilities of its worker; none, but not None, when the step only says its queue."""


@dataclass(slots=True)
class Plan:
    """All nodes in number order; `size` counts those of the document's own body (nodes 0 to size - 1)."""

    nodes: list[PlanNode]
    size: int
    name: str = ""
    """Of the melody, as the document says it."""

    def entries(self) -> list[PlanNode]:
        """What is ready when a run starts."""
        return [node for node in self.nodes[: self.size] if node.open == 0]


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
                nodes[numbers[step.name]].bodies.append(slot)
                if body.steps:
                    waiting.append((body.steps, numbers[step.name], depth + 1, inner, slot))
    plan = Plan(nodes, root_size, definition.name)
    take_all_at_once(nodes)
    _stripe(plan)
    _rank(plan)
    _look_ahead(plan)
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
        reads=list(_reads(step, numbers, depth, visible)),
        variables=list(step.variables),
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
    if not wide:
        return
    for node in plan.nodes:
        for place, target in enumerate(node.successors):
            if target in wide:
                node.edge_on[place] += STRIPED
                join = plan.nodes[target]
                join.stripes = join.stripes or [0] * STRIPES
                join.stripes[node.node % STRIPES] += 1


def _weight(node: PlanNode) -> float:
    """Expected seconds of a step, as far as the document tells."""
    seconds = node.params.get("seconds")
    if isinstance(seconds, int | float) and node.kind in ("simulate", "wait"):
        return float(seconds)
    return 0.001 if node.inline else 0.05


def _rank(plan: Plan) -> None:
    """Upward rank: the longest expected path from a node's start to the end of its body (critical path first)."""
    longest: dict[int, float] = defaultdict(float)
    for node in reversed(plan.nodes):
        inner = longest[node.node]
        tail = max((plan.nodes[target].rank for target in node.successors), default=0.0)
        node.rank = round(_weight(node) + inner + tail, 6)
        if node.parent is not None:
            longest[node.parent] = max(longest[node.parent], node.rank)


def _look_ahead(plan: Plan) -> None:
    """Find what a canvas may carry besides the ready step: a linear run behind it, or the join its siblings share."""
    predecessors: dict[int, list[int]] = defaultdict(list)
    for node in plan.nodes:
        for target in node.successors:
            predecessors[target].append(node.node)
    follower = _linear_follower(plan)
    for node in plan.nodes:
        following = follower(node)
        while following is not None and len(node.run) < LOOK_AHEAD - 1:
            node.run.append(following)
            following = follower(plan.nodes[following])
    for join, sources in predecessors.items():
        if _is_fork_join(plan, plan.nodes[join], sources, predecessors):
            for source in sources:
                plan.nodes[source].meets = join


def _linear_follower(plan: Plan) -> Callable[[PlanNode], int | None]:
    expected = (EDGE_CODES["success"], EDGE_CODES["order"])

    def follower(node: PlanNode) -> int | None:
        if len(node.successors) != 1 or node.edge_on[0] % STRIPED not in expected:
            return None
        target = plan.nodes[node.successors[0]]
        return target.node if target.open == 1 and target.kind != JOIN_KIND else None

    return follower


def _is_fork_join(plan: Plan, join: PlanNode, sources: list[int], predecessors: Mapping[int, list[int]]) -> bool:
    """True when the join's predecessors become ready together and lead nowhere else: the shape of a chord."""
    if len(sources) < 2 or join.kind == JOIN_KIND or join.need != join.open:
        return False
    fork = predecessors.get(sources[0], [])
    return all(
        len(plan.nodes[source].successors) == 1
        and plan.nodes[source].edge_on[0] % STRIPED in (EDGE_CODES["success"], EDGE_CODES["done"])
        and predecessors.get(source, []) == fork
        for source in sources
    )


__all__ = ["EDGE_CODES", "JOIN_KIND", "LOOK_AHEAD", "STRIPED", "Plan", "PlanNode", "PlannedBody", "compile_plan"]
