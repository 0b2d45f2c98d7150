"""A run on a terminal: one line for each event that tells something, and a table of its tasks at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from apps.executions.models import Task
from apps.executions.streaming import FollowedEvent

_QUIET: Final = frozenset({"task_received", "resource_allocated"})


def line_of(event: FollowedEvent) -> str | None:
    """None for events that only a measurement would miss."""
    if event.type in _QUIET:
        return None
    parts = [f"{event.occurred_at:%H:%M:%S}.{event.occurred_at.microsecond // 1000:03d}", event.type.ljust(19)]
    if event.task_name:
        parts.append(event.task_name)
    if said := _said(event.payload):
        parts.append(f"({said})")
    return "  ".join(parts)


def _said(payload: Mapping[str, Any]) -> str:
    for name in ("message", "reason", "until"):
        if payload.get(name):
            return str(payload[name])
    return ""


def table(tasks: Iterable[Task]) -> list[str]:
    """Step, kind, status, attempt and seconds of each task."""
    rows = [("step", "kind", "status", "attempt", "seconds"), *map(_row, tasks)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(task: Task) -> tuple[str, str, str, str, str]:
    name = task.name if task.frame is None else f"{task.name}[{task.frame.index}]"
    ended = task.started_at is not None and task.completed_at is not None
    seconds = f"{(task.completed_at - task.started_at).total_seconds():.3f}" if ended else ""  # type: ignore[operator]
    return name, task.kind, task.status, str(task.attempt), seconds


def printable(text: str) -> str:
    """Names and messages come from melodies: they may not move the cursor."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)
