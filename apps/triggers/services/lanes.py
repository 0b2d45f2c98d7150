"""Firings of the same concurrency key: of many in a short time the last one, and so many at a time as is wanted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from apps.billing.services.locks import lock
from apps.executions.errors import ExecutionOver
from apps.executions.models import Execution
from apps.executions.services import cancel_execution
from apps.triggers import mapping
from apps.triggers.kinds import FiringState, Overlap, Waiting
from apps.triggers.models import Firing, Trigger
from apps.triggers.services.outcomes import hold, skip

LOOK_AGAIN: Final = timedelta(seconds=15)
"""The end of a run wakes who queued behind it; this is for the case that nobody was listening just then."""
_LONGEST_DEBOUNCE: Final = 10
"""A stream that never pauses fires after so many times the debounce."""


def lane_for(trigger: Trigger, values: dict[str, object]) -> str:
    """Empty for a trigger whose firings have nothing to do with each other. Raises ExpressionError.

    A key belongs to the melody, so that its triggers share it; without one the trigger is alone with itself.
    """
    if trigger.overlap == Overlap.ALLOW and trigger.debounce_seconds is None:
        return ""
    if not trigger.concurrency_key:
        return mapping.lane_of(trigger.pk, "")
    return mapping.lane_of(trigger.melody_id, mapping.key_of(trigger.concurrency_key, values))


def may_go(firing: Firing, trigger: Trigger, now: datetime, *, first: bool) -> bool:
    """Whether it starts now; otherwise it is held or skipped. Holds the lane until the transaction ends."""
    if not firing.lane:
        return True
    lock(f"triggers.lane:{firing.lane}", firing.organization_id)
    if first and trigger.debounce_seconds is not None and not _is_settled(firing, trigger.debounce_seconds, now):
        return False
    return _is_alone(firing, trigger, now)


def _is_settled(firing: Firing, seconds: float, now: datetime) -> bool:
    """Wait whether another one comes; the last one stands for all of them. Never true: it is asked the first time only."""
    others = list(
        Firing.objects.filter(lane=firing.lane, state=FiringState.PENDING, waiting=Waiting.DEBOUNCE).exclude(
            pk=firing.pk
        )
    )
    if any(other.pk > firing.pk for other in others):
        skip(firing, "debounced", "A later one came before this one was started.")
        return False
    since = min((other.held_since for other in others if other.held_since is not None), default=now)
    for other in others:
        skip(other, "debounced", "Another one came within the debounce; that one stands for both.")
    firing.held_since = since
    until = min(now + timedelta(seconds=seconds), since + timedelta(seconds=_LONGEST_DEBOUNCE * seconds))
    hold(firing, Waiting.DEBOUNCE, until)
    return False


def _is_alone(firing: Firing, trigger: Trigger, now: datetime) -> bool:
    if trigger.overlap == Overlap.ALLOW:
        return True
    running = list(Firing.objects.filter(lane=firing.lane, running=True).order_by("id"))
    if trigger.overlap == Overlap.CANCEL_PREVIOUS:
        _cancel(running, trigger)
        return True
    if trigger.overlap == Overlap.SKIP:
        if running:
            skip(firing, "overlap", f"The run {running[0].execution_id} has not ended yet.")
        return not running
    queued = Firing.objects.filter(lane=firing.lane, state=FiringState.PENDING, waiting=Waiting.OVERLAP)
    ahead = queued.filter(pk__lt=firing.pk)
    if not running and not ahead.exists():
        return True
    if firing.waiting != Waiting.OVERLAP and queued.count() >= trigger.queue_limit:
        skip(firing, "queue_full", f"{trigger.queue_limit} firings of this key wait already.")
        return False
    hold(firing, Waiting.OVERLAP, now + LOOK_AGAIN)
    return False


def _cancel(running: list[Firing], trigger: Trigger) -> None:
    for execution in Execution.objects.filter(
        pk__in=[firing.execution_id for firing in running], completed_at__isnull=True
    ).order_by("pk"):
        try:
            cancel_execution(
                actor=trigger.owner, execution=execution, reason=f"The trigger {trigger.name} started a newer run."
            )
        except ExecutionOver:
            # It ended by itself in between.
            continue
