"""What is known of a number of runs when they are judged: rows of the database, and what their clients remember."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RunRow:
    id: UUID
    organization: UUID
    version: UUID
    sha256: str
    status: str
    max_parallel: int | None
    failures: int
    compensation: int | None


@dataclass(frozen=True, slots=True)
class TaskRow:
    """`total`, `need` and `wants` are of its join: incoming edges, how many must hold, how many are success edges."""

    id: UUID
    execution: UUID
    organization: UUID
    version: UUID
    seq: int
    node: int
    name: str
    kind: str
    status: str
    phase: int
    attempt: int
    retries: int
    lease: UUID | None
    due_at: datetime | None
    wait: str | None
    gate: str | None
    parked: bool
    """Held back by the dispatch window, a gate or a limit: whoever frees a place takes it."""
    frame: UUID | None
    parent: UUID | None
    total: int
    need: int
    wants: int
    output_ref: str | None = None
    kept: bool = False
    """Its result is that of a task of an earlier run."""


@dataclass(frozen=True, slots=True)
class FrameRow:
    id: UUID
    execution: UUID
    organization: UUID
    parent: UUID
    status: str
    version: UUID | None
    label: str = ""
    """Of what is undone: the name of the step."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node of a version's plan. `edge_on` are the numbers of the edge kinds, as in `workers.compiler.plan`."""

    version: UUID
    node: int
    kind: str
    successors: tuple[int, ...]
    edge_on: tuple[int, ...]
    tolerates: bool
    side_by_side: int | None = None
    """How many frames may run at once, when it is a loop, or undoes."""
    limited: bool = False
    """It says `limit`."""


@dataclass(frozen=True, slots=True)
class Move:
    """A row of the witness: a trigger saw a task, run or frame become something else. `place` is their order."""

    place: int
    at: datetime
    what: str
    execution: UUID
    subject: UUID
    before: str | None
    after: str
    attempt: int = 0
    phase: int = 0
    lease_before: UUID | None = None
    lease: UUID | None = None
    due_before: datetime | None = None
    gate: str | None = None
    parent: UUID | None = None
    resets: int = 0
    """How often a retry of its run had begun it anew."""


@dataclass(frozen=True, slots=True)
class EventRow:
    id: int
    execution: UUID
    organization: UUID
    task: UUID | None
    type: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """A lease of a pool: `cost` of its `slots`, from when they were set aside (`taken`) until they were free again. `claimed`:
    the attempt has begun with them."""

    pool: str
    slots: int
    cost: int
    task: UUID
    taken: datetime
    returned: datetime | None
    attempt: int = 0
    claimed: bool = True


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes at an address; `actual` is what they hash to, None when they are not there."""

    organization: UUID
    address: str
    actual: str | None


Outcome = tuple[str, Any]
"""Of a step of the document itself: its status and result."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What a client knows: it asked with `key`, was told `execution`, of a version with that hash. `judge` compares the
    run's status and the outcomes of its own steps by name with the pure reference and returns what differs; None when
    the run was cancelled from outside, so that nothing is known of its results."""

    key: str
    execution: UUID
    organization: UUID
    sha256: str
    judge: Callable[[str, Mapping[str, Outcome]], list[str]] | None


@dataclass(slots=True)
class Record:
    """`moves` and `events` in the order of their numbers. `strangers` are rows that somebody saw, or changed, who must not."""

    runs: dict[UUID, RunRow] = field(default_factory=dict)
    tasks: dict[UUID, TaskRow] = field(default_factory=dict)
    frames: dict[UUID, FrameRow] = field(default_factory=dict)
    nodes: dict[tuple[UUID, int], NodeRow] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    outputs: dict[UUID, Any] = field(default_factory=dict)
    submitted: list[Submitted] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def by_seq(self) -> dict[tuple[UUID, int], TaskRow]:
        return {(task.execution, task.seq): task for task in self.tasks.values()}

    def task_moves(self) -> list[Move]:
        return [move for move in self.moves if move.what == "task"]

    def moves_by_task(self) -> dict[UUID, list[Move]]:
        found: dict[UUID, list[Move]] = {}
        for move in self.task_moves():
            found.setdefault(move.subject, []).append(move)
        return found

    def events_by_task(self) -> dict[UUID, list[EventRow]]:
        found: dict[UUID, list[EventRow]] = {}
        for event in self.events:
            if event.task is not None:
                found.setdefault(event.task, []).append(event)
        return found
