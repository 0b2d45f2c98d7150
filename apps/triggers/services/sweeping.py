"""What the sweep does for triggers: it writes down what is due, and starts it. Any number of sweeps may do so at once.

Writing down and starting are two steps, each a transaction. The first moves the trigger on to its next due time and
leaves one row for the time that was due, which there can be once only; it goes through hundreds of triggers at a time.
The second starts the run in the transaction that marks the row. What is lost between the two is found by the next sweep.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone

from apps.core.ids import uuid7
from apps.core.tenancy import sweeping, working_for
from apps.triggers.kinds import BackfillState, FiringState, Misfire, Source, Waiting
from apps.triggers.models import Backfill, Firing, NamedEvent, Trigger
from apps.triggers.queries import schedule_of
from apps.triggers.schedules import ScheduleError, cron_key, due_now, jittered
from apps.triggers.services.backfills import advance
from apps.triggers.services.firing import look_at
from apps.triggers.services.occasions import tell_triggers
from apps.triggers.services.outcomes import fail, hold
from apps.triggers.services.room import FULL, full_organizations
from apps.triggers.services.standing import stop
from apps.triggers.services.turns import new_events, ready_firings

logger = logging.getLogger(__name__)

BATCH: Final = 500
EVENTS: Final = 100
EACH: Final = 50
"""So many of one organization in a round: in the next round it is asked anew whose turn it is."""
EACH_EVENTS: Final = 10
BACKFILLS: Final = 100
FORGOTTEN: Final = 5_000
MOST_TRIES: Final = 10
_MOVE_ON: Final = """
UPDATE triggers_trigger t
SET next_due_at = v.due, state = CASE WHEN v.due IS NULL THEN 'ended' ELSE t.state END
FROM unnest(%s::uuid[], %s::timestamptz[]) AS v(id, due) WHERE t.id = v.id
"""


def fire_due(*, now: datetime | None = None, seconds: float | None = None) -> int:
    """One pass: everything that is due is written down, and for so many seconds started. How many were looked at.

    Writing down has at most half of the time, so that a flood of it keeps nothing from being started.
    """
    seconds = settings.SYMPHONY_TRIGGER_SECONDS if seconds is None else seconds
    begin = monotonic()
    _while_full(lambda: write_down_due(now=now), BATCH, begin + seconds / 4)
    _while_full(tell_events, EVENTS, begin + seconds / 2)
    advance_backfills(now=now)
    return start_ready(now=now, until=begin + seconds)


def write_down_due(*, now: datetime | None = None) -> int:
    """A firing for each due time of cron triggers; how many triggers were due."""
    moment = now or timezone.now()
    with transaction.atomic(), sweeping():
        due = list(
            Trigger.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
            .filter(next_due_at__lte=moment)
            .order_by("next_due_at")[:BATCH]
        )
        full = full_organizations({trigger.organization_id for trigger in due})
        firings: list[Firing] = []
        moved: list[tuple[UUID, datetime | None]] = []
        for trigger in due:
            try:
                firings += _firings_of(trigger, moment, is_full=trigger.organization_id in full)
                moved.append((trigger.pk, schedule_of(trigger).next_after(moment)))
            except ScheduleError as error:
                stop(trigger, "schedule_invalid", error.message)
        Firing.objects.bulk_create(firings, batch_size=BATCH, ignore_conflicts=True)
        if moved:
            with connection.cursor() as cursor:
                cursor.execute(_MOVE_ON, [[str(one) for one, _ in moved], [next_due for _, next_due in moved]])
    return len(due)


def tell_events() -> int:
    """Firings for events that were told; how many events there were."""
    with transaction.atomic(), sweeping():
        events = list(
            NamedEvent.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(matched=None, pk__in=new_events(each=EACH_EVENTS, most=EVENTS))
            .order_by("id")
        )
        for event in events:
            NamedEvent.objects.filter(pk=event.pk).update(matched=tell_triggers(event))
    return len(events)


def advance_backfills(*, now: datetime | None = None) -> int:
    """Let more of running backfills go; how many due times."""
    moment = now or timezone.now()
    done, after = 0, UUID(int=0)
    while True:
        with transaction.atomic(), sweeping():
            running = Backfill.objects.select_for_update(skip_locked=True, no_key=True, of=("self",)).filter(
                state=BackfillState.RUNNING, pk__gt=after
            )
            backfills = list(running.order_by("id")[:BACKFILLS])
            done += sum(advance(backfill, moment) for backfill in backfills)
        if len(backfills) < BACKFILLS:
            return done
        after = backfills[-1].pk


def start_ready(*, now: datetime | None = None, until: float | None = None) -> int:
    """Look at what waits, one of each organization after the other, until there is no more or the time (of `monotonic`)
    is over; how many."""
    done = 0
    while until is None or monotonic() < until:
        moment = now or timezone.now()
        with sweeping():
            ready = ready_firings(now=moment, each=EACH, most=BATCH)
        looked_at = 0
        for firing_id, organization_id in ready:
            if until is not None and monotonic() >= until:
                return done + looked_at
            looked_at += _start(firing_id, organization_id, now)
        done += looked_at
        # Nothing of a whole round was left to us: another sweep is at it.
        if len(ready) < EACH or not looked_at:
            return done
    return done


def forget_old() -> int:
    """Delete firings and events whose time is over; how many."""
    before = timezone.now() - timedelta(days=settings.SYMPHONY_FIRING_DAYS)
    newest = UUID(int=int(before.timestamp() * 1000) << 80)
    with transaction.atomic(), sweeping():
        old = Firing.objects.filter(pk__lt=newest, running=False).exclude(state=FiringState.PENDING).order_by("pk")
        gone = Firing.objects.filter(pk__in=old.values("pk")[:FORGOTTEN])._raw_delete("default")  # noqa: SLF001 - no row of ours depends on it
        told = NamedEvent.objects.filter(pk__lt=newest, matched__isnull=False).order_by("pk")
        events = NamedEvent.objects.filter(pk__in=told.values("pk")[:FORGOTTEN])._raw_delete("default")  # noqa: SLF001 - no row of ours depends on it
    return int(gone) + int(events)


def _firings_of(trigger: Trigger, now: datetime, *, is_full: bool) -> list[Firing]:
    since = trigger.next_due_at
    assert since is not None
    grace = timedelta(seconds=trigger.misfire_grace_seconds)
    due = due_now(
        schedule_of(trigger),
        since=since,
        now=now,
        grace=grace,
        policy=Misfire(trigger.misfire_policy),
        most=trigger.misfire_limit,
    )
    firings = [_firing(trigger, moment) for moment in due.fire]
    if due.missed and firings:
        firings[0].missed = due.missed
    elif due.missed:
        missed = _firing(trigger, since)
        missed.state, missed.ready_at, missed.missed = FiringState.SKIPPED, None, due.missed
        missed.reason_code = "misfired"
        missed.reason = f"Nobody was there to fire it within {trigger.misfire_grace_seconds} s of its time."
        firings.append(missed)
    for firing in firings:
        if is_full and firing.state == FiringState.PENDING:
            firing.state, firing.ready_at, firing.reason_code, firing.reason = FiringState.SKIPPED, None, *FULL
    return firings


def _firing(trigger: Trigger, due: datetime) -> Firing:
    return Firing(
        id=uuid7(),
        organization_id=trigger.organization_id,
        trigger_id=trigger.pk,
        source=Source.CRON,
        key=cron_key(due),
        due_at=due,
        ready_at=jittered(due, trigger.jitter_seconds, trigger.pk.bytes),
    )


def _start(firing_id: UUID, organization_id: UUID, now: datetime | None) -> int:
    """1 if it was ours to look at. What goes wrong unforeseen keeps no other from its turn."""
    try:
        with transaction.atomic(), working_for(organization_id):
            return _look(firing_id, now or timezone.now())
    except Error as error:
        logger.warning("firing %s could not be started, it is tried again: %s", firing_id, str(error).strip())
        reason = f"The database refused: {type(error).__name__}."
    except Exception as error:
        logger.exception("firing %s could not be started", firing_id)
        reason = f"It could not be started: {type(error).__name__}."
    connection.close_if_unusable_or_obsolete()
    _try_later(firing_id, organization_id, reason, now or timezone.now())
    return 1


def _look(firing_id: UUID, now: datetime) -> int:
    with connection.cursor() as cursor:
        # The row that says it is due is on disk already. If a crash takes back this transaction, it takes back all of it.
        cursor.execute("SET LOCAL synchronous_commit = off")
    firing = (
        Firing.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("trigger__melody__organization", "trigger__melody__project", "trigger__owner")
        .filter(pk=firing_id, state=FiringState.PENDING, ready_at__lte=now)
        .first()
    )
    if firing is None:
        return 0
    look_at(firing, firing.trigger, now)
    return 1


def _try_later(firing_id: UUID, organization_id: UUID, reason: str, now: datetime) -> None:
    with transaction.atomic(), working_for(organization_id):
        firing = (
            Firing.objects.select_for_update(skip_locked=True).filter(pk=firing_id, state=FiringState.PENDING).first()
        )
        if firing is None:
            return
        firing.tries += 1
        if firing.tries >= MOST_TRIES:
            fail(firing, "internal_error", reason)
        else:
            hold(firing, Waiting.TROUBLE, now + timedelta(seconds=2.0**firing.tries), "internal_error", reason)


def _while_full(work: Callable[[], int], size: int, until: float) -> None:
    while work() >= size and monotonic() < until:
        pass


__all__ = ["advance_backfills", "fire_due", "forget_old", "start_ready", "tell_events", "write_down_due"]
