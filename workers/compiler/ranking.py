"""What a plan says beyond its edges: how urgent a node is, and what a canvas may carry besides it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

from workers.compiler.nodes import EDGE_CODES, JOIN_KIND, LOOK_AHEAD, STRIPED, Plan, PlanNode


def _weight(node: PlanNode) -> float:
    """Expected seconds of a step, as far as the document tells."""
    seconds = node.params.get("seconds")
    if isinstance(seconds, int | float) and node.kind in ("simulate", "wait"):
        return float(seconds)
    return 0.001 if node.inline else 0.05


def rank(plan: Plan) -> None:
    """Upward rank: the longest expected path from a node's start to the end of its body (critical path first)."""
    longest: dict[int, float] = defaultdict(float)
    for node in reversed(plan.nodes):
        inner = longest[node.node]
        tail = max((plan.nodes[target].rank for target in node.successors), default=0.0)
        node.rank = round(_weight(node) + inner + tail, 6)
        if node.parent is not None:
            longest[node.parent] = max(longest[node.parent], node.rank)


def look_ahead(plan: Plan) -> None:
    """Find what a canvas may carry besides the ready step: a linear run behind it, or the join its siblings share."""
    predecessors: dict[int, list[int]] = defaultdict(list)
    for node in plan.nodes:
        for target in node.successors:
            predecessors[target].append(node.node)
    follower = _linear_follower(plan)
    for node in plan.nodes:
        run: list[int] = []
        following = follower(node)
        while following is not None and len(run) < LOOK_AHEAD - 1:
            run.append(following)
            following = follower(plan.nodes[following])
        node.run = run or ()
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
