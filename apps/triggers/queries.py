"""What may be read of triggers, and by whom.

Each query names its user beside row-level security, so that it also holds for a database role that bypasses that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from apps.accounts import queries as accounts
from apps.accounts.models import User
from apps.projects.queries import visible
from apps.triggers.errors import BackfillNotFound, EventNotFound, FiringNotFound, TriggerNotFound
from apps.triggers.kinds import FiringState
from apps.triggers.models import Backfill, Firing, NamedEvent, Trigger
from apps.triggers.schedules import Schedule, schedule


def triggers(*, actor: User) -> QuerySet[Trigger]:
    return Trigger.objects.filter(
        visible(actor, through="melody__project"), organization__in=accounts.organizations(actor=actor)
    ).select_related("melody", "owner")


def trigger_for(*, actor: User, trigger_id: UUID) -> Trigger:
    found = triggers(actor=actor).select_related("organization", "melody__organization", "melody__project")
    trigger = found.filter(pk=trigger_id).first()
    if trigger is None:
        raise TriggerNotFound
    return trigger


def triggers_named(*, actor: User, name: str, most: int = 20) -> list[Trigger]:
    """A name is that of one trigger of a melody; several melodies may have one of it."""
    found = triggers(actor=actor).select_related("organization", "melody__organization", "melody__project")
    return list(found.filter(name=name).order_by("id")[:most])


def firings(*, actor: User) -> QuerySet[Firing]:
    return Firing.objects.filter(
        visible(actor, through="trigger__melody__project"), organization__in=accounts.organizations(actor=actor)
    ).select_related("fired_by")


def firing_for(*, actor: User, firing_id: UUID) -> Firing:
    firing = firings(actor=actor).filter(pk=firing_id).first()
    if firing is None:
        raise FiringNotFound
    return firing


def backfills(*, actor: User) -> QuerySet[Backfill]:
    return Backfill.objects.filter(
        visible(actor, through="trigger__melody__project"), organization__in=accounts.organizations(actor=actor)
    )


def backfill_for(*, actor: User, backfill_id: UUID) -> Backfill:
    found = backfills(actor=actor).select_related("trigger__melody__organization", "trigger__melody__project")
    backfill = found.filter(pk=backfill_id).first()
    if backfill is None:
        raise BackfillNotFound
    return backfill


def events(*, actor: User) -> QuerySet[NamedEvent]:
    return NamedEvent.objects.filter(organization__in=accounts.organizations(actor=actor)).select_related("sent_by")


def event_for(*, actor: User, event_id: UUID) -> NamedEvent:
    event = events(actor=actor).filter(pk=event_id).first()
    if event is None:
        raise EventNotFound
    return event


def schedule_of(trigger: Trigger) -> Schedule:
    """Raises ScheduleError: what was a time zone yesterday need not be one today."""
    return schedule(trigger.cron, trigger.timezone, trigger.starts_at, trigger.ends_at)


def next_fires(plan: Schedule, after: datetime, count: int) -> list[datetime]:
    """The first `count` due times later than `after`, in UTC."""
    return plan.between(after + timedelta(microseconds=1), datetime.max.replace(tzinfo=after.tzinfo), count)


@dataclass(frozen=True, slots=True)
class Progress:
    """Of a backfill's due times: how many wait, run, and are over, by how they ended."""

    waiting: int
    running: int
    started: int
    skipped: int
    failed: int


def progress_of(rows: Iterable[Backfill]) -> dict[UUID, Progress]:
    """One query for all of them."""
    wanted = [row.pk for row in rows]
    counted = (
        Firing.objects.filter(backfill__in=wanted)
        .order_by()
        .values("backfill_id")
        .annotate(
            waiting=Count("pk", filter=Q(state=FiringState.PENDING)),
            running=Count("pk", filter=Q(running=True)),
            started=Count("pk", filter=Q(state=FiringState.STARTED)),
            skipped=Count("pk", filter=Q(state=FiringState.SKIPPED)),
            failed=Count("pk", filter=Q(state=FiringState.FAILED)),
        )
    )
    found = {
        row["backfill_id"]: Progress(row["waiting"], row["running"], row["started"], row["skipped"], row["failed"])
        for row in counted
    }
    return {identifier: found.get(identifier, Progress(0, 0, 0, 0, 0)) for identifier in wanted}
