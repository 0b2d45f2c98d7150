"""Which moves an agent and a deployment can make. Pure; triggers in the database hold the same tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, TypeVar


class AgentStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    INACTIVE = "inactive"
    ERROR = "error"


AGENT_MOVES: Final[Mapping[AgentStatus, frozenset[AgentStatus]]] = {
    AgentStatus.DRAFT: frozenset({AgentStatus.ACTIVE}),
    AgentStatus.ACTIVE: frozenset({AgentStatus.INACTIVE, AgentStatus.ERROR}),
    AgentStatus.INACTIVE: frozenset({AgentStatus.ACTIVE}),
    AgentStatus.ERROR: frozenset({AgentStatus.ACTIVE, AgentStatus.INACTIVE}),
}
"""A draft was never in use; nothing becomes a draft again."""


class DeploymentStatus(StrEnum):
    PENDING = "pending"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    CRASHED = "crashed"


DEPLOYMENT_MOVES: Final[Mapping[DeploymentStatus, frozenset[DeploymentStatus]]] = {
    DeploymentStatus.PENDING: frozenset({DeploymentStatus.STARTING, DeploymentStatus.STOPPED, DeploymentStatus.FAILED}),
    DeploymentStatus.STARTING: frozenset(
        {DeploymentStatus.RUNNING, DeploymentStatus.STOPPING, DeploymentStatus.CRASHED, DeploymentStatus.FAILED}
    ),
    DeploymentStatus.RUNNING: frozenset({DeploymentStatus.STOPPING, DeploymentStatus.CRASHED}),
    DeploymentStatus.STOPPING: frozenset({DeploymentStatus.STOPPED}),
    DeploymentStatus.STOPPED: frozenset({DeploymentStatus.PENDING}),
    DeploymentStatus.FAILED: frozenset({DeploymentStatus.PENDING}),
    DeploymentStatus.CRASHED: frozenset({DeploymentStatus.STARTING, DeploymentStatus.STOPPED, DeploymentStatus.FAILED}),
}
"""`crashed` waits for its next start, `failed` is given up; both `failed` and `stopped` come back by `pending` only."""

DEPLOYMENT_HELD: Final = frozenset({DeploymentStatus.STARTING, DeploymentStatus.RUNNING, DeploymentStatus.STOPPING})
"""There is, or was a moment ago, a process."""

Status = TypeVar("Status", bound=StrEnum)


def may_move(table: Mapping[Status, frozenset[Status]], before: Status, after: Status) -> bool:
    """Staying is no move, and allowed."""
    return before == after or after in table[before]


def moves(table: Mapping[Status, Iterable[Status]]) -> list[str]:
    """Each legal move as "before>after", in a fixed order: what a trigger compares with."""
    return sorted(f"{before}>{after}" for before, allowed in table.items() for after in allowed)


__all__ = [
    "AGENT_MOVES",
    "DEPLOYMENT_HELD",
    "DEPLOYMENT_MOVES",
    "AgentStatus",
    "DeploymentStatus",
    "may_move",
    "moves",
]
