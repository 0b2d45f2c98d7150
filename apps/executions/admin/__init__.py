"""Runs and what they left, to look at. History is not edited; the one thing staff may do is cancel a run."""

from apps.executions.admin.pools import PoolAdmin
from apps.executions.admin.rows import ArtifactAdmin, EventAdmin, PitOperationAdmin, TaskAdmin
from apps.executions.admin.runs import ExecutionAdmin
from apps.executions.admin.store import BlobAdmin, StoreStatisticsAdmin
from apps.executions.admin.workers import RouteAdmin, WorkerAdmin

__all__ = [
    "ArtifactAdmin",
    "BlobAdmin",
    "EventAdmin",
    "ExecutionAdmin",
    "PitOperationAdmin",
    "PoolAdmin",
    "RouteAdmin",
    "StoreStatisticsAdmin",
    "TaskAdmin",
    "WorkerAdmin",
]
