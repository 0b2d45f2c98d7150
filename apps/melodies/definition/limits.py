"""How much of a document we are willing to look at. Documents come from strangers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one document; every one of them is reported as a problem, never as a crash.

    `max_nodes` and `max_bytes` hold for the document with its aliases expanded too, so a few lines of YAML cannot stand
    for gigabytes of values. Each step and each expression is counted as often as it is used.
    """

    max_bytes: int = 20_000_000
    max_depth: int = 100
    max_nodes: int = 3_000_000
    max_problems: int = 1_000
    max_steps: int = 200_000
    max_expressions: int = 200_000
    max_complaints: int = 2_000
    """How many fields of one step may be wrong before they are no longer told one by one."""
    max_spellings: int = 5_000
    """How often a word nobody knows is compared with those somebody knows."""
    max_schema: int = 200_000
    """How much of all output schemas is checked before a run; the rest when it is needed."""


DEFAULT = Limits()


@dataclass(slots=True)
class Allowance:
    """How much work one document has cost already. Without it a small document could keep us busy for hours."""

    limits: Limits = DEFAULT
    used: Counter[str] = field(default_factory=Counter)

    def affords(self, what: str, cost: int = 1) -> bool:
        """Take `cost` from the limit called `what`; false when it would be exceeded."""
        self.used[what] += cost
        return self.used[what] <= int(getattr(self.limits, what))
