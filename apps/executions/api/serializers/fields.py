"""What serializers of runs say alike."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from apps.executions.states import ExecutionStatus, TaskStatus

EXECUTION_STATUSES: Final = [(status.value, status.value) for status in ExecutionStatus]


TASK_STATUSES: Final = [(status.value, status.value) for status in TaskStatus]
"""Named in the settings, so that the schema calls them ExecutionStatus and TaskStatus."""


MAX_VERSION: Final = 2**31 - 1


URI = {"type": "string", "format": "uri"}


NULLABLE_SECONDS = {"type": ["number", "null"], "description": "From start to end; null before the end."}


ANY = {"description": "Any JSON value."}


ERROR = {
    "type": ["object", "null"],
    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}


def seconds_between(started: datetime | None, completed: datetime | None) -> float | None:
    return None if started is None or completed is None else (completed - started).total_seconds()
