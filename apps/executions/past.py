"""A run that has ended, as far as deciding what to do again takes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID


class NodeFacts(NamedTuple):
    """A node of a plan. `edges` are (successor, kind of edge)."""

    kind: str
    edges: tuple[tuple[int, int], ...]
    tolerates: bool
    handled: bool
    compensates: bool


class TaskFacts(NamedTuple):
    """`code` is the error's; `parent` the sequence number of the composite step around it; `begun`: it was ever claimed."""

    seq: int
    node: int
    version: UUID
    frame: UUID | None
    parent: int | None
    name: str
    kind: str
    status: str
    code: str | None
    begun: bool


class FrameFacts(NamedTuple):
    id: UUID
    parent: int
    number: int
    label: str
    first: int
    size: int
    status: str
    lineage: tuple[UUID, ...]


class ExpansionFacts(NamedTuple):
    task: int
    total: int
    remaining: int
    base: int
    round_first: int
    watch: bool
    phase: int
    at_once: int | None


@dataclass(frozen=True, slots=True)
class Past:
    """A run that has ended; `run` is its id."""

    run: UUID
    status: str
    tasks: Mapping[int, TaskFacts]
    frames: Sequence[FrameFacts]
    expansions: Mapping[int, ExpansionFacts]
    plans: Mapping[UUID, Mapping[int, NodeFacts]]

    def node(self, task: TaskFacts) -> NodeFacts:
        return self.plans[task.version][task.node]


def task_seq(identifier: UUID) -> int:
    """A task's sequence number is the end of its id."""
    return identifier.int & 0xFFFFFFFF
