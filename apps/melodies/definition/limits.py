"""How much of a document we are willing to look at. Documents come from strangers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one document; every one of them is reported as a problem, never as a crash.

    `max_nodes` and `max_bytes` hold for the document with its aliases expanded too, so a few lines of YAML cannot stand
    for gigabytes of values.
    """

    max_bytes: int = 20_000_000
    max_depth: int = 100
    max_nodes: int = 3_000_000
    max_problems: int = 1_000


DEFAULT = Limits()
