"""The two tables of moves: what an execution and a task may become. Written once, used by services and by the database.

Executions follow seed 002: queued → pending → running → completed | failed | timeout; running ⇄ paused; whatever is not
terminal may be cancelled; failed | timeout → queued is a retry. A task is released to the broker (dispatched) and claimed
by a worker (executing; at once when the worker that ended its predecessor takes it along), may go on as a row only (waiting: a timer, or child tasks), and is given back when its worker
is lost (executing → dispatched). A person may skip a task or give it a result before a worker has it, and a retry of the run
begins anew what did not complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum, StrEnum
from typing import TypeVar

S = TypeVar("S", bound=StrEnum)


class ExecutionStatus(StrEnum):
    """Seed 002's words for one run."""

    QUEUED = "queued"
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"


class TaskStatus(StrEnum):
    """Seed 000's words for one step of a run, with what branches and waiting need besides."""

    PENDING = "pending"
    DISPATCHED = "dispatched"
    EXECUTING = "executing"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class FrameStatus(StrEnum):
    """One instance of a loop body or switch case."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RerunMode(StrEnum):
    """What of an earlier run is run again; the rest is kept. See redo.py."""

    FAILED = "failed"
    DOWNSTREAM = "downstream"
    FROM_HERE = "from_here"


class Phase(IntEnum):
    """What the next claim of a task does; the ledger writes these numbers. TIMED_OUT: it has failed outside a worker."""

    RUN = 0
    RESUME = 1
    HANDLED = 2
    TIMED_OUT = 3


_E, _T = ExecutionStatus, TaskStatus

EXECUTION_MOVES: Mapping[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _E.QUEUED: frozenset({_E.PENDING, _E.CANCELLED}),
    _E.PENDING: frozenset({_E.RUNNING, _E.CANCELLED}),
    _E.RUNNING: frozenset({_E.PAUSED, _E.COMPLETED, _E.FAILED, _E.TIMEOUT, _E.CANCELLED}),
    _E.PAUSED: frozenset({_E.RUNNING, _E.CANCELLED}),
    _E.FAILED: frozenset({_E.QUEUED}),
    _E.TIMEOUT: frozenset({_E.QUEUED}),
    _E.COMPLETED: frozenset(),
    _E.CANCELLED: frozenset(),
}

TASK_MOVES: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    _T.PENDING: frozenset({_T.DISPATCHED, _T.EXECUTING, _T.COMPLETED, _T.SKIPPED, _T.CANCELLED}),
    _T.DISPATCHED: frozenset({_T.EXECUTING, _T.COMPLETED, _T.FAILED, _T.SKIPPED, _T.CANCELLED}),
    _T.EXECUTING: frozenset({_T.COMPLETED, _T.FAILED, _T.SKIPPED, _T.WAITING, _T.DISPATCHED, _T.CANCELLED}),
    _T.WAITING: frozenset({_T.COMPLETED, _T.DISPATCHED, _T.FAILED, _T.SKIPPED, _T.CANCELLED}),
    _T.COMPLETED: frozenset(),
    _T.FAILED: frozenset(),
    _T.SKIPPED: frozenset(),
    _T.CANCELLED: frozenset(),
}

TASK_AGAIN: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    ended: frozenset({_T.PENDING, _T.WAITING}) for ended in (_T.COMPLETED, _T.FAILED, _T.SKIPPED, _T.CANCELLED)
}
"""Moves of tasks that have ended, when their run is retried: legal only together with a higher `resets`, so that no other
statement brings a task back."""

JOIN_KIND = "join"
"""Kind of the virtual tasks in which the branches of a list of steps meet at its end; nobody runs or sees them."""

COMPENSATION_KIND = "compensation"
"""Kind of the task that undoes what a failed run has done. Until it has begun there is nothing to see of it."""

EXECUTION_TERMINAL = frozenset({_E.COMPLETED, _E.FAILED, _E.CANCELLED, _E.TIMEOUT})
"""A failed run may be queued again, but nothing moves it by itself."""

TASK_TERMINAL = frozenset(status for status, targets in TASK_MOVES.items() if not targets)


def moves(table: Mapping[S, frozenset[S]]) -> Iterator[str]:
    """The legal moves as the database knows them: `from>to`, sorted."""
    for source in sorted(table):
        for target in sorted(table[source]):
            yield f"{source}>{target}"
