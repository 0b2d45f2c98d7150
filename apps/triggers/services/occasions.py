"""Occasions that come from people and programs: a trigger fired by hand, an event told by name."""

from __future__ import annotations

import json
from typing import Any, Final
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, require
from apps.core.errors import Invalid, TooLarge
from apps.core.origin import current_origin
from apps.core.storable import problems_of as unstorable
from apps.core.trail import leave_trace
from apps.melodies.permissions import require_for
from apps.triggers.kinds import FiringState, Source, TriggerKind, TriggerState
from apps.triggers.models import Firing, NamedEvent, Trigger
from apps.triggers.services.firing import look_at
from apps.triggers.services.room import keep_pace, require_room_to_wait

LARGEST_PAYLOAD: Final = 500_000
"""Bytes of JSON."""
LONGEST_KEY: Final = 200


def fire_by_hand(
    *, actor: User, trigger: Trigger, given: dict[str, Any] | None = None, payload: Any = None, key: str | None = None
) -> tuple[Firing, bool]:
    """Fire now, whatever its kind and state, as its owner. `given` lies over the input, `payload` is what a delivery or an
    event would bring. A second call with the same `key` starts nothing: the first firing comes back, and True.

    What keeps it from starting is not raised but stands in the firing.
    """
    require_for(actor=actor, melody=trigger.melody, action=Action.WRITE)
    _check_key(key)
    _check_told({"input": given, "payload": payload}, "")
    told = {"payload": payload, "input": given or {}, "by": current_origin().channel or "program"}
    now = timezone.now()
    stored = f"manual:{key or uuid4()}"
    with transaction.atomic():
        if not Firing.objects.filter(trigger=trigger, key=stored).exists():
            require_room_to_wait(trigger.organization_id)
        firing, is_new = Firing.objects.get_or_create(
            trigger=trigger,
            key=stored,
            defaults={
                "organization_id": trigger.organization_id,
                "source": Source.MANUAL,
                "due_at": now,
                "ready_at": now,
                "payload": told,
                "fired_by": actor,
            },
        )
        if is_new:
            locked = Firing.objects.select_for_update(of=("self",)).get(pk=firing.pk)
            look_at(locked, trigger, now)
            firing = locked
            after = {"firing": str(firing.pk), "state": firing.state}
            leave_trace(
                "trigger.fired", actor=actor, organization=trigger.melody.organization, target=trigger, after=after
            )
    return firing, not is_new


def send_event(
    *, actor: User, organization: Organization, name: str, payload: Any = None, key: str | None = None
) -> tuple[NamedEvent, bool]:
    """Tell all triggers that wait for it. A second call with the same `key` tells nobody: the first event comes back, and
    True. Raises `OccasionsTooFast` or `TooManyWaiting`: it is to be sent again later."""
    require(actor=actor, organization=organization, action=Action.WRITE)
    if not 0 < len(name) <= 200 or not name.isprintable():
        message = "An event's name has 1 to 200 printable characters."
        raise Invalid(message, errors=[{"code": "invalid", "message": message, "pointer": "/name"}])
    _check_key(key)
    _check_told(payload, "/payload")
    keep_pace(organization.pk)
    stored = key or str(uuid4())
    known = NamedEvent.objects.filter(organization=organization, key=stored).first()
    if known is not None:
        return known, True
    require_room_to_wait(organization.pk)
    event, is_new = NamedEvent.objects.get_or_create(
        organization=organization,
        key=stored,
        defaults={"name": name, "payload": payload, "sent_by": actor},
    )
    return event, not is_new


def tell_triggers(event: NamedEvent) -> int:
    """A firing for each trigger that waits for the event; how many there are."""
    triggers = Trigger.objects.filter(
        organization_id=event.organization_id,
        kind=TriggerKind.EVENT,
        state=TriggerState.ACTIVE,
        event_name=event.name,
        created_at__lte=event.received_at,
    ).order_by("pk")
    told = {
        "payload": event.payload,
        "event": {"id": str(event.pk), "name": event.name, "received_at": event.received_at.isoformat()},
    }
    rows = [
        Firing(
            organization_id=event.organization_id,
            trigger_id=identifier,
            source=Source.EVENT,
            key=f"event:{event.pk}",
            due_at=event.received_at,
            ready_at=event.received_at,
            state=FiringState.PENDING,
            payload=told,
        )
        for identifier in triggers.values_list("pk", flat=True)
    ]
    Firing.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    return len(rows)


def _check_key(key: str | None) -> None:
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        message = f"A key has 1 to {LONGEST_KEY} printable characters."
        raise Invalid(message, errors=[{"code": "invalid", "message": message, "pointer": "/key"}])


def _check_told(told: Any, pointer: str) -> None:
    said = json.dumps(told)
    if len(said) > LARGEST_PAYLOAD:
        raise TooLarge(f"What is told is larger than {LARGEST_PAYLOAD:,} bytes; keep large data in files.")
    if problems := unstorable(told, pointer, said):
        raise Invalid("What is told cannot be stored.", errors=problems)
