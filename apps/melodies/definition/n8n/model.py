"""What an import of a workflow of n8n speaks of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Severity = Literal["error", "warning"]

MOST_NODES: Final = 2_000
MOST_CONNECTIONS: Final = 20_000
MOST_ISSUES: Final = 2_000
LONGEST_NAME: Final = 500


@dataclass(frozen=True, slots=True)
class Issue:
    """What of a node did not come over, or came over changed. An error leaves the node behind as a note; a warning asks
    somebody to look. `node` is "" where it is about the whole workflow."""

    node: str
    type: str
    code: str
    message: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Node:
    """One node as written. `kind` is its type without the package: `httpRequest`."""

    name: str
    type: str
    version: float
    parameters: Mapping[str, Any]
    position: tuple[float, float]
    disabled: bool
    settings: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return self.type.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Edge:
    """From one output of a node to one input of another. `port` is `main`, or what a sub-node is to its node."""

    source: str
    output: int
    target: str
    input: int
    port: str = "main"


@dataclass(frozen=True, slots=True)
class Workflow:
    name: str
    nodes: Mapping[str, Node]
    edges: Sequence[Edge]
    issues: Sequence[Issue] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """`document` is a valid melody, or None when none could be made of the workflow (or, in strict mode, not of all of it).

    `positions` are those of n8n's canvas by the names of the steps; `names` are the steps by the names of their nodes.
    """

    document: Mapping[str, Any] | None
    issues: Sequence[Issue]
    positions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


class UntranslatableError(ValueError):
    """Has no counterpart here; the message says what."""


__all__ = [
    "LONGEST_NAME",
    "MOST_CONNECTIONS",
    "MOST_ISSUES",
    "MOST_NODES",
    "Edge",
    "Imported",
    "Issue",
    "Node",
    "UntranslatableError",
    "Workflow",
]
