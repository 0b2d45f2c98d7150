"""Runs and what they leave behind.

The tables written once per step (`Task`, `Event`, `PitOperation`, `Frame`, `Variable`, `PlanNode`) carry their foreign
keys without a database constraint: the ledger is their only writer, and a checked key costs a row lock on the same
parent row in every transaction (docs/decisions/0003). The id of a task is made of its execution's id and its sequence
number, so the tasks of one execution are one range of the primary key and need no further index.
"""

from __future__ import annotations

from apps.executions.models.frames import Expansion, Frame, Stripe
from apps.executions.models.kept import CachedResult, Conversation
from apps.executions.models.plan import PlanNode
from apps.executions.models.pools import (
    Backlog,
    Pool,
    PoolHealth,
    PoolKind,
    PoolLease,
    PoolState,
    PoolTokens,
    Share,
    Window,
)
from apps.executions.models.record import Artifact, Blob, Event, PitOperation
from apps.executions.models.run import Execution, Task, Variable
from apps.executions.models.statistics import MelodyStatistics, StoreStatistics
from apps.executions.models.waiting import Decision, Signal
from apps.executions.models.workers import Route, Worker, WorkerState

__all__ = [
    "Artifact",
    "Backlog",
    "Blob",
    "CachedResult",
    "Conversation",
    "Decision",
    "Event",
    "Execution",
    "Expansion",
    "Frame",
    "MelodyStatistics",
    "PitOperation",
    "PlanNode",
    "Pool",
    "PoolHealth",
    "PoolKind",
    "PoolLease",
    "PoolState",
    "PoolTokens",
    "Route",
    "Share",
    "Signal",
    "StoreStatistics",
    "Stripe",
    "Task",
    "Variable",
    "Window",
    "Worker",
    "WorkerState",
]
