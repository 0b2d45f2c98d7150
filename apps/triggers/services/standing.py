"""How a trigger stands: it failed, it works again, it cannot go on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from apps.core.trail import leave_trace
from apps.triggers.kinds import TriggerKind, TriggerState
from apps.triggers.models import Trigger
from apps.triggers.queries import schedule_of
from apps.triggers.schedules import ScheduleError

FIRST_PAUSE: Final = 30.0
LONGEST_PAUSE: Final = 3600.0
_LONGEST_TEXT: Final = 2000


def next_due(trigger: Trigger, after: datetime) -> datetime | None:
    """When a cron trigger is due next; None for others, and when it never is again."""
    return schedule_of(trigger).next_after(after) if trigger.kind == TriggerKind.CRON else None


def failed(trigger: Trigger, code: str, reason: str, now: datetime) -> None:
    """Not so soon again: after each failure in a row the pause doubles, up to an hour."""
    failures = min(trigger.failures + 1, 1000)
    until = now + timedelta(seconds=min(FIRST_PAUSE * 2 ** min(failures - 1, 20), LONGEST_PAUSE))
    changes = {"failures": failures, "backoff_until": until, **_error(code, reason)}
    if trigger.next_due_at is not None and trigger.next_due_at < until:
        try:
            changes["next_due_at"] = next_due(trigger, until - timedelta(microseconds=1))
        except ScheduleError as error:
            stop(trigger, "schedule_invalid", error.message)
            return
    _write(trigger, **changes)


def noted(trigger: Trigger, code: str, reason: str) -> None:
    """One occasion could not be used, which says nothing about the next."""
    _write(trigger, **_error(code, reason))


def works(trigger: Trigger) -> None:
    if trigger.failures or trigger.backoff_until is not None:
        _write(trigger, failures=0, backoff_until=None, last_error_code="", last_error="")


def stop(trigger: Trigger, code: str, reason: str) -> None:
    """It fires no more until somebody resumes it."""
    if trigger.state == TriggerState.STOPPED:
        return
    before = trigger.state
    _write(trigger, state=TriggerState.STOPPED, state_reason=reason[:1000], next_due_at=None, **_error(code, reason))
    leave_trace(
        "trigger.stopped",
        organization=trigger.organization,
        target=trigger,
        before={"state": before},
        after={"state": TriggerState.STOPPED.value, "code": code, "reason": reason[:1000]},
    )


def _error(code: str, reason: str) -> dict[str, str]:
    return {"last_error_code": code[:60], "last_error": reason[:_LONGEST_TEXT]}


def _write(trigger: Trigger, **changes: object) -> None:
    """The columns that are ours; what somebody edits meanwhile stays theirs, and their ETag is none of ours."""
    Trigger.objects.filter(pk=trigger.pk).update(**changes)
    for name, value in changes.items():
        setattr(trigger, name, value)


__all__ = ["failed", "next_due", "noted", "stop", "works"]
