"""Making up for due times of the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Concat
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.core.trail import leave_trace
from apps.executions.errors import ExecutionOver
from apps.executions.models import Execution
from apps.executions.services import cancel_execution
from apps.melodies.permissions import require_for
from apps.triggers.errors import BackfillOver, NotOfThisKind, TooManyTimes, TriggerInvalid
from apps.triggers.kinds import BackfillState, FiringState, Source, TriggerKind
from apps.triggers.models import Backfill, Firing, Trigger
from apps.triggers.queries import schedule_of
from apps.triggers.schedules import EARLIEST, LATEST, cron_key
from apps.triggers.services.room import FULL, require_room_for_backfill

MOST_TIMES: Final = 10_000
MOST_PARALLEL: Final = 100
_LET_GO: Final = Q(state=FiringState.SKIPPED, reason_code__in=("backfill_cancelled", "misfired", FULL[0]))
"""Written down, and let go without a start: such a due time can still be made up for."""


def _out_of_range(field: str, message: str) -> TriggerInvalid:
    return TriggerInvalid(message, errors=[{"code": "range", "message": message, "pointer": f"/{field}"}])


@dataclass(frozen=True, slots=True)
class Range:
    """`times`: what would be fired. `done`: due times of the range that were fired before."""

    times: tuple[datetime, ...]
    done: int


def backfill_range(*, actor: User, trigger: Trigger, since: datetime, until: datetime, again: bool = False) -> Range:
    """The dry run: which due times from `since` on, and before `until`, would be fired."""
    require_for(actor=actor, melody=trigger.melody, action=Action.READ)
    if trigger.kind != TriggerKind.CRON:
        raise NotOfThisKind("Only a cron trigger has due times to make up for.")
    if since >= until:
        raise _out_of_range("until", "`since` must be before `until`.")
    if since < EARLIEST:
        raise _out_of_range("since", f"`since` must not be before {EARLIEST:%Y-%m-%d}.")
    if until > LATEST:
        raise _out_of_range("until", f"`until` must not be after {LATEST:%Y-%m-%d}.")
    times = schedule_of(trigger).between(since, min(until, timezone.now()), MOST_TIMES + 1)
    if len(times) > MOST_TIMES:
        raise TooManyTimes(f"There are more than {MOST_TIMES:,} due times in this range; choose a shorter one.")
    if again or not times:
        return Range(tuple(times), 0)
    keys = [cron_key(due) for due in times]
    fired = set(Firing.objects.filter(trigger=trigger, key__in=keys).exclude(_LET_GO).values_list("key", flat=True))
    left = tuple(due for due in times if cron_key(due) not in fired)
    return Range(left, len(times) - len(left))


def create_backfill(
    *, actor: User, trigger: Trigger, since: datetime, until: datetime, parallel: int = 1, again: bool = False
) -> Backfill:
    """Fire the due times of a range, the oldest first; `again` those too that were fired before."""
    require_for(actor=actor, melody=trigger.melody, action=Action.WRITE)
    found = backfill_range(actor=actor, trigger=trigger, since=since, until=until, again=again)
    with transaction.atomic():
        require_room_for_backfill(trigger.organization_id)
        backfill = Backfill.objects.create(
            organization_id=trigger.organization_id,
            trigger=trigger,
            since=since,
            until=until,
            again=again,
            parallel=max(1, min(parallel, MOST_PARALLEL)),
            total=len(found.times),
            created_by=actor,
        )
        rows = [
            Firing(
                organization_id=trigger.organization_id,
                trigger=trigger,
                source=Source.BACKFILL,
                key=f"backfill:{backfill.pk}:{due:%Y-%m-%dT%H:%MZ}" if again else cron_key(due),
                due_at=due,
                ready_at=None,
                backfill=backfill,
                fired_by=actor,
            )
            for due in found.times
        ]
        if not again:
            _free(trigger, [row.key for row in rows], backfill)
        Firing.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
        leave_trace(
            "trigger.backfill_started",
            actor=actor,
            organization=trigger.melody.organization,
            target=trigger,
            after={"since": since.isoformat(), "until": until.isoformat(), "runs": len(rows)},
        )
    return backfill


def _free(trigger: Trigger, keys: list[str], backfill: Backfill) -> None:
    """Let the due times be fired under their keys; what became of them before stays in the history, under others."""
    Firing.objects.filter(_LET_GO, trigger=trigger, key__in=keys).update(
        key=Concat(Value(f"before:{backfill.pk}:"), F("key"))
    )


def cancel_backfill(*, actor: User, backfill: Backfill, cancel_runs: bool = False) -> Backfill:
    """Nothing more of it is started; with `cancel_runs` what runs is cancelled."""
    trigger = backfill.trigger
    require_for(actor=actor, melody=trigger.melody, action=Action.WRITE)
    with transaction.atomic():
        changed = Backfill.objects.filter(pk=backfill.pk, state=BackfillState.RUNNING).update(
            state=BackfillState.CANCELLED, ended_at=timezone.now()
        )
        if not changed:
            raise BackfillOver
        Firing.objects.filter(backfill=backfill, state=FiringState.PENDING).update(
            state=FiringState.SKIPPED,
            ready_at=None,
            waiting="",
            reason_code="backfill_cancelled",
            reason="The backfill was cancelled before this was started.",
        )
        leave_trace("trigger.backfill_cancelled", actor=actor, organization=trigger.melody.organization, target=trigger)
        if cancel_runs:
            _cancel_runs(actor, backfill)
    backfill.refresh_from_db()
    return backfill


def advance(backfill: Backfill, now: datetime) -> int:
    """Let as many of its due times go as it has room for; ends it after the last. The caller holds its row."""
    own = Firing.objects.filter(backfill=backfill)
    parked = own.filter(state=FiringState.PENDING, ready_at=None)
    busy = own.filter(Q(running=True) | Q(state=FiringState.PENDING, ready_at__isnull=False)).count()
    following = list(parked.order_by("due_at").values_list("pk", flat=True)[: max(0, backfill.parallel - busy)])
    if not following and busy == 0:
        Backfill.objects.filter(pk=backfill.pk).update(state=BackfillState.COMPLETED, ended_at=now)
        return 0
    return Firing.objects.filter(pk__in=following).update(ready_at=now)


def _cancel_runs(actor: User, backfill: Backfill) -> None:
    running = Firing.objects.filter(backfill=backfill, running=True).values("execution_id")
    for execution in Execution.objects.filter(pk__in=running, completed_at__isnull=True).order_by("pk"):
        try:
            cancel_execution(actor=actor, execution=execution, reason="The backfill it belongs to was cancelled.")
        except ExecutionOver:
            continue


__all__ = ["Range", "advance", "backfill_range", "cancel_backfill", "create_backfill"]
