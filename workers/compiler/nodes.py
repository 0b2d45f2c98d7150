"""What a plan consists of: numbered nodes, as they are stored once for each version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.executions.states import JOIN_KIND

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
    """One step of the plan. `open` is its in-degree, `need` how many edges must be met, `wants` how many are `success`.

    What most steps have none of is shared until there is some: a plan may have 100,000 nodes.
    """

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
    reads: Sequence[tuple[str, int, int, str | None, bool]] = ()
    """(name, depth of the body, node, the name under which the value is a part of that node's result, whether it is a
    field of the result itself and not one of its inner results)."""
    variables: Sequence[str] = ()
    options: dict[str, Any] = field(default_factory=dict)
    bodies: Sequence[PlannedBody] = ()
    stripes: Sequence[int] = ()
    """How many edges each stripe counts; empty for a join that counts in its own row."""
    rank: float = 0.0
    run: Sequence[int] = ()
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


__all__ = [
    "EDGE_CODES",
    "JOIN_KIND",
    "LOOK_AHEAD",
    "STRIPED",
    "STRIPED_FROM",
    "STRIPES",
    "Plan",
    "PlanNode",
    "PlannedBody",
]
