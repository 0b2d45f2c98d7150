"""Time that passes for single rows, so that nobody has to wait for it; and the sweep as it looks at them then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from apps.core.tenancy import sweeping
from apps.executions import ledger
from apps.executions.models import Execution, Task
from workers import undecided

MOMENTS = ("dispatched_at", "begun_at", "started_at", "due_at", "total_at", "beat_at")


def pass_time(task: UUID | str, seconds: float) -> None:
    """For this task it is so much later. Its limits are reckoned anew (`total_at` and `beat_at` are among them)."""
    earlier: dict[str, Any] = {moment: F(moment) - timedelta(seconds=seconds) for moment in MOMENTS}
    row(task).update(**earlier)


def lose_worker(task: UUID | str) -> None:
    """The lease of this task has ended."""
    row(task).update(due_at="2020-01-01T00:00:00Z")


def row(task: UUID | str) -> QuerySet[Task]:
    return Task.objects.filter(pk=task)


def sweep() -> list[ledger.Release]:
    with sweeping():
        return ledger.sweep(100)


def decided(released: list[ledger.Release]) -> list[ledger.Release]:
    """The sweep decides what becomes of the only task that has failed; what that released."""
    (failed,) = released
    return undecided.decide(failed)


def deadline_passes(execution: Execution) -> None:
    Execution.objects.filter(pk=execution.pk).update(deadline_at="2020-01-01T00:00:00Z")
