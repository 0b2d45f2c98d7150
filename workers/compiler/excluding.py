"""Steps that exclude each other by several names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

NAMES = "\x1f"
"""Stands between the names a step excludes others by; the ledger's gates know it too."""


class Excluding(Protocol):
    node: int
    parent: int | None
    exclusive: str | None


def take_all_at_once(nodes: Sequence[Excluding]) -> None:
    """A composite step that excludes others takes, before it begins, the names inside it as well: two such steps could
    else each hold what the other waits for. What is inside passes then. Nodes come after the one they are inside of."""
    inside: dict[int, set[str]] = defaultdict(set)
    for node in reversed(nodes):
        own = node.exclusive
        names = inside[node.node] | ({own} if own else set())
        if own and len(names) > 1:
            node.exclusive = NAMES.join([own, *sorted(names - {own})])
        if node.parent is not None:
            inside[node.parent] |= names
