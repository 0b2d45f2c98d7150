"""How a plan comes down to its end: the rules of apps/executions/sql as pure code.

The ledger decides in the database; this is the same decision for those who only think a plan through: `melody show
--canvas` walks the frontiers with it, and the tests hold the database against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from workers.compiler.plan import EDGE_CODES, JOIN_KIND, STRIPED, PlanNode

Outcome = Literal["completed", "tolerated", "failed", "skipped", "cancelled"]
Verdict = Literal["ready", "wait", "skip", "cancel"]

OUTCOMES: tuple[Outcome, ...] = ("completed", "tolerated", "failed", "skipped", "cancelled")
_EFFECTS = {"success": "mmhnh", "failure": "smmsh", "skipped": "sssms", "done": "mmmmm", "order": "mmhmh"}
EFFECTS = "".join(_EFFECTS[edge] for edge in EDGE_CODES)
"""One letter for each edge kind and outcome: m(et), n(eutral), s(oft), h(ard), as in ledger_effect."""


@dataclass(slots=True)
class Counter:
    """What a task knows of its incoming edges."""

    open: int
    need: int
    wants: int
    total: int
    met: int = 0
    neutral: int = 0
    hard: int = 0

    def arrive(self, effect: str) -> None:
        """Count one edge off."""
        self.open -= 1
        self.met += effect == "m"
        self.neutral += effect == "n"
        self.hard += effect == "h"

    def verdict(self) -> Verdict:
        """As ledger_verdict."""
        if self.need < self.total and self.met >= self.need:
            return "ready"
        if self.open > 0:
            return "wait"
        if self.met + self.neutral >= self.need and not (self.wants > 0 and self.neutral == self.wants):
            return "ready"
        return "cancel" if self.hard else "skip"


def effect(edge: int, outcome: Outcome) -> str:
    """What an outcome means for an edge, by the number of its kind."""
    return EFFECTS[edge % STRIPED * len(OUTCOMES) + OUTCOMES.index(outcome)]


@dataclass(slots=True)
class Countdown:
    """One body of a plan on its way down. `decided` maps node numbers to outcomes; `over` is true at the body's end."""

    nodes: Sequence[PlanNode]
    counters: dict[int, Counter] = field(init=False)
    decided: dict[int, Outcome] = field(default_factory=dict)
    started: set[int] = field(default_factory=set)
    over: bool = False

    def __post_init__(self) -> None:
        self.counters = {node.node: Counter(node.open, node.need, node.wants, node.open) for node in self.nodes}

    def start(self) -> list[int]:
        """The entry nodes."""
        return self._release([node.node for node in self.nodes if node.open == 0])

    def finish(self, number: int, outcome: Outcome) -> list[int]:
        """A started node has ended: the nodes that may start now, after all that follows without a worker."""
        if number in self.decided:
            return []
        self.decided[number] = outcome
        released: list[int] = []
        ended = [number]
        while ended:
            node = self._node(ended.pop())
            self.over = self.over or node.ends
            for target, edge in zip(node.successors, node.edge_on, strict=True):
                counter = self.counters[target]
                if target in self.decided or target in self.started:
                    continue
                counter.arrive(effect(edge, self.decided[node.node]))
                verdict = counter.verdict()
                if verdict == "ready" and self._node(target).kind != JOIN_KIND:
                    released += self._release([target])
                elif verdict != "wait":
                    self.decided[target] = "completed" if self._node(target).kind == JOIN_KIND else _ENDS_AS[verdict]
                    ended.append(target)
        return released

    def _node(self, number: int) -> PlanNode:
        return self.nodes[number - self.nodes[0].node]

    def _release(self, numbers: list[int]) -> list[int]:
        self.started.update(numbers)
        return numbers


_ENDS_AS: dict[Verdict, Outcome] = {"ready": "completed", "skip": "skipped", "cancel": "cancelled"}
