"""How much one organization may have of triggers and of what waits for them, and how fast more of it may come."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from apps.billing.rates import Bucket, limiter
from apps.billing.services.locks import lock
from apps.core.tenancy import staff
from apps.triggers.errors import HookTooFast, OccasionsTooFast, TooManyBackfills, TooManyTriggers, TooManyWaiting
from apps.triggers.kinds import BackfillState, FiringState, TriggerKind
from apps.triggers.models import Backfill, Firing, NamedEvent, Trigger

MOST_TRIGGERS: Final = 200
"""Of one melody; of an organization: `SYMPHONY_TRIGGERS_MAX`."""
MOST_LISTENERS: Final = 100
"""Triggers that one event, or the end of one run, fires."""
MOST_BACKFILLS: Final = 20
"""Backfills of an organization that run at the same time."""
SOON: Final = 30
"""Seconds after which it is worth asking whether there is room."""
FULL: Final = ("too_many_waiting", "Too many firings of this organization waited to be started when this was due.")
"""Code and reason of a due time that found no room."""


class _Heard(NamedTuple):
    column: str
    pointer: str
    told: str


_HEARS: Final[Mapping[str, _Heard]] = {
    TriggerKind.EVENT: _Heard("event_name", "/event", "wait for the same event"),
    TriggerKind.CHAIN: _Heard("source_melody_id", "/source_melody", "follow the same melody"),
}


def require_room_for_trigger(trigger: Trigger, *, is_new: bool) -> None:
    """Raise `TooManyTriggers` unless it, as it is now, may stand beside the others; in the transaction that writes it."""
    lock("triggers.count", trigger.organization_id)
    # What the actor may not see counts all the same.
    with staff():
        others = Trigger.objects.filter(organization_id=trigger.organization_id).exclude(pk=trigger.pk)
        if is_new and others.count() >= settings.SYMPHONY_TRIGGERS_MAX:
            raise TooManyTriggers(f"An organization has at most {settings.SYMPHONY_TRIGGERS_MAX:,} triggers.")
        if is_new and others.filter(melody_id=trigger.melody_id).count() >= MOST_TRIGGERS:
            raise TooManyTriggers(f"A melody has at most {MOST_TRIGGERS} triggers.")
        hears = _HEARS.get(trigger.kind)
        if hears is None:
            return
        same = {"kind": trigger.kind, hears.column: getattr(trigger, hears.column)}
        if others.filter(**same).count() >= MOST_LISTENERS:
            message = f"At most {MOST_LISTENERS} triggers of an organization {hears.told}."
            raise TooManyTriggers(message, errors=[{"code": "too_many", "message": message, "pointer": hears.pointer}])


def require_room_for_backfill(organization_id: UUID) -> None:
    lock("triggers.backfills", organization_id)
    with staff():
        running = Backfill.objects.filter(organization_id=organization_id, state=BackfillState.RUNNING).count()
    if running >= MOST_BACKFILLS:
        raise TooManyBackfills(
            f"{MOST_BACKFILLS} backfills of this organization are running; wait for one of them, or cancel one."
        )


def require_room_to_wait(organization_id: UUID) -> None:
    """Raise `TooManyWaiting` when as many firings or events of the organization wait as may."""
    with staff():
        is_full = bool(full_organizations([organization_id])) or _is_longer(
            NamedEvent, Q(organization_id=organization_id, matched=None)
        )
    if is_full:
        raise TooManyWaiting(retry_after=SOON)


def full_organizations(organizations: Iterable[UUID]) -> set[UUID]:
    """Those of them that have no room for another firing that waits. One short look at an index for each."""
    return {
        identifier
        for identifier in organizations
        if _is_longer(Firing, Q(organization_id=identifier, state=FiringState.PENDING, ready_at__isnull=False))
    }


def keep_pace(organization_id: UUID, hook: str = "") -> None:
    """Count a delivery to `hook`, or an event, of the organization. Raises `HookTooFast` or `OccasionsTooFast`.

    Where requests are not counted (no cache server, limits off) nothing is.
    """
    factor = settings.SYMPHONY_RATE_LIMITS
    server = limiter() if factor > 0 else None
    if server is None:
        return
    buckets = [
        Bucket("occasions", str(organization_id), max(1, round(settings.SYMPHONY_OCCASIONS_PER_MINUTE * factor)))
    ]
    if hook:
        buckets.insert(0, Bucket("hook", hook, max(1, round(settings.SYMPHONY_HOOK_PER_MINUTE * factor))))
    taken = server.take(buckets)
    if taken is None or taken.allowed:
        return
    refused = HookTooFast if hook and taken.levels[0].wait > 0 else OccasionsTooFast
    raise refused(retry_after=math.ceil(taken.wait))


def _is_longer(model: type[Firing | NamedEvent], waiting: Q) -> bool:
    """Whether the queue has its whole length. It counts no further than that."""
    most = settings.SYMPHONY_FIRINGS_WAITING_MAX
    return model.objects.filter(waiting).order_by()[most - 1 : most].exists()
