"""Webhooks: their secrets, and the deliveries that are signed with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.core.errors import Invalid
from apps.core.ids import uuid7
from apps.core.storable import problems_of as unstorable
from apps.core.tenancy import staff
from apps.core.trail import leave_trace
from apps.melodies.permissions import require_for
from apps.projects.errors import SecretUnreadable
from apps.projects.keyring import Place, keyring
from apps.triggers import signing
from apps.triggers.errors import HookNotFound, NotOfThisKind, TriggerNotActive
from apps.triggers.kinds import Source, TriggerKind, TriggerState
from apps.triggers.models import Firing, HookSecret, Trigger
from apps.triggers.services.room import require_room_to_wait

MOST_SECRETS: Final = 5
_BATCH: Final = 200
_NOBODY: Final = UUID(int=0)


@sensitive_variables("secret")
def rotate_secret(*, actor: User, trigger: Trigger, overlap: timedelta = timedelta(days=1)) -> tuple[HookSecret, str]:
    """A new secret, shown this once. Those before it are good for `overlap` longer, so that senders can be changed."""
    require_for(actor=actor, melody=trigger.melody, action=Action.WRITE)
    if trigger.kind != TriggerKind.WEBHOOK:
        raise NotOfThisKind("Only a webhook has a secret.")
    secret, identifier, keys, now = signing.new_secret(), uuid7(), keyring(), timezone.now()
    with transaction.atomic():
        Trigger.objects.select_for_update(no_key=True).get(pk=trigger.pk)
        before = HookSecret.objects.filter(trigger=trigger)
        before.filter(Q(expires_at=None) | Q(expires_at__gt=now + overlap)).update(expires_at=now + overlap)
        kept = before.filter(expires_at__gt=now).order_by("-id").values_list("pk", flat=True)[: MOST_SECRETS - 1]
        before.exclude(pk__in=list(kept)).delete()
        row = HookSecret.objects.create(
            id=identifier,
            organization_id=trigger.organization_id,
            trigger=trigger,
            ciphertext=keys.seal(_place(trigger.organization_id, identifier), secret),
            key_id=keys.newest_id,
            created_by=actor,
        )
        leave_trace(
            "trigger.secret_rotated",
            actor=actor,
            organization=trigger.melody.organization,
            target=trigger,
            after={"overlap_seconds": overlap.total_seconds()},
        )
    return row, secret


@sensitive_variables("secrets", "signature")
def verified_hook(
    *, public_id: str, delivery_id: str, timestamp: str, signature: str, body: bytes, now: datetime
) -> Trigger:
    """The webhook that this delivery is signed for.

    Whoever asks for one that is not there takes the same way to the same answer: a signature that is wrong, too old or
    missing tells nobody whether there is such a hook.
    """
    with staff():
        trigger = (
            Trigger.objects.select_related("organization")
            .filter(public_id=public_id, kind=TriggerKind.WEBHOOK, organization__is_active=True)
            .first()
        )
        identifier = trigger.pk if trigger is not None else _NOBODY
        rows = HookSecret.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), trigger_id=identifier)
        secrets = [secret for row in rows[:MOST_SECRETS] if (secret := _opened(row)) is not None]
    sent_at = signing.timestamp_of(timestamp)
    in_time = sent_at is not None and abs(now.timestamp() - sent_at) <= settings.SYMPHONY_HOOK_TOLERANCE_SECONDS
    is_named = signing.is_delivery_id(delivery_id)
    is_good = signing.is_signed(
        signature,
        secrets or [_decoy],
        delivery_id if is_named else "-",
        sent_at or 0,
        body,
    )
    if trigger is None or not (secrets and in_time and is_named and is_good):
        raise HookNotFound
    return trigger


def receive(
    *,
    trigger: Trigger,
    delivery_id: str,
    payload: Any,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    now: datetime,
) -> tuple[Firing, bool]:
    """Keep a verified delivery; the sweep fires it. The same delivery comes back, and True, when it is there already.

    Raises `TooManyWaiting`: the sender is to send it again.
    """
    if trigger.state != TriggerState.ACTIVE:
        raise TriggerNotActive(f"This trigger is {trigger.state}; nothing was started.")
    if problems := unstorable(payload, "") or unstorable(query, "") or unstorable(headers, ""):
        raise Invalid("A delivery holds what cannot be stored.", errors=problems)
    told = {"payload": payload, "headers": dict(headers), "query": dict(query)}
    key = f"webhook:{delivery_id}"
    with staff():
        known = Firing.objects.filter(trigger=trigger, key=key).first()
        if known is not None:
            return known, True
        require_room_to_wait(trigger.organization_id)
        firing, is_new = Firing.objects.get_or_create(
            trigger=trigger,
            key=key,
            defaults={
                "organization_id": trigger.organization_id,
                "source": Source.WEBHOOK,
                "due_at": now,
                "ready_at": now,
                "payload": told,
            },
        )
    return firing, not is_new


def reseal_secrets() -> tuple[int, list[str]]:
    """Seal with the newest key what is sealed with another: how many were, and the ids of those that do not open."""
    keys = keyring()
    with staff():
        stale = list(HookSecret.objects.exclude(key_id=keys.newest_id).order_by("pk").values_list("pk", flat=True))
    unreadable: list[str] = []
    for start in range(0, len(stale), _BATCH):
        with staff():
            rows = HookSecret.objects.select_for_update().filter(pk__in=stale[start : start + _BATCH]).order_by("pk")
            for row in rows:
                secret = _opened(row)
                if secret is None:
                    unreadable.append(f"webhook secret {row.pk}")
                    continue
                sealed = keys.seal(_place(row.organization_id, row.pk), secret)
                HookSecret.objects.filter(pk=row.pk).update(ciphertext=sealed, key_id=keys.newest_id)
    return len(stale) - len(unreadable), unreadable


_decoy: Final = signing.new_secret()


def _opened(row: HookSecret) -> str | None:
    try:
        return keyring().open(_place(row.organization_id, row.pk), row.ciphertext)
    except SecretUnreadable:
        return None


def _place(organization_id: UUID, identifier: UUID) -> Place:
    return Place(organization_id, None, f"webhook:{identifier}")
