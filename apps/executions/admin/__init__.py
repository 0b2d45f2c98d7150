"""Runs and what they left, to look at. History is not edited; the one thing staff may do is cancel a run."""

from apps.executions.admin.rows import ArtifactAdmin, EventAdmin, PitOperationAdmin, TaskAdmin
from apps.executions.admin.runs import ExecutionAdmin

__all__ = ["ArtifactAdmin", "EventAdmin", "ExecutionAdmin", "PitOperationAdmin", "TaskAdmin"]
