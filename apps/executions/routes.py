"""Routes: the queues messages go to. A route is a queue, or a queue and what its workers must have besides (`steps+gpu`).

Pure. The same is said in SQL by ledger_route_base and ledger_route_needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

STEPS: Final = "steps"
CALLS: Final = "calls"
HEAVY: Final = "heavy"
BUILT_IN: Final = (STEPS, CALLS, HEAVY)
"""Processes that compute, threads that mostly wait, and few processes for what needs much memory or time."""

_AND: Final = "+"


def route_of(queue: str, requires: Sequence[str] = ()) -> str:
    """The route for steps of a queue that require these capabilities."""
    return _AND.join((queue, *sorted(set(requires))))


def base_of(route: str) -> str:
    """The queue of a route."""
    return route.partition(_AND)[0]


def capabilities_of(route: str) -> tuple[str, ...]:
    """What the workers of a route must have."""
    return tuple(route.split(_AND)[1:])
