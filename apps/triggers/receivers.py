"""What triggers answer to apps below them."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from apps.accounts.events import membership_ended, person_erasing, personal_data_requested
from apps.accounts.models import Organization, User
from apps.core.tenancy import staff
from apps.projects.events import secrets_rotating
from apps.triggers.kinds import TriggerState
from apps.triggers.models import Backfill, Firing, NamedEvent, Trigger
from apps.triggers.services import reseal_secrets
from apps.triggers.services.standing import stop

_LEFT = "Its owner is no member any more; somebody else may take it over."


@receiver(membership_ended, dispatch_uid="triggers")
def stop_triggers_of(*, organization: Organization, user: User, **_: Any) -> None:
    """At once: until they are due they would look as if all were well. Who removes somebody may not see all of them."""
    with staff():
        for trigger in Trigger.objects.filter(organization=organization, owner=user).exclude(
            state__in=(TriggerState.STOPPED, TriggerState.ENDED)
        ):
            stop(trigger, "owner_left", _LEFT)


@receiver(personal_data_requested, dispatch_uid="triggers")
def tell_triggers(*, user: User, **_: Any) -> tuple[str, Any]:
    own = Trigger.objects.filter(owner=user).order_by("id")
    fired = Firing.objects.filter(fired_by=user).order_by("id")
    told = NamedEvent.objects.filter(sent_by=user).order_by("id")
    filled = Backfill.objects.filter(created_by=user).order_by("id")
    return "triggers", {
        "owned": list(own.values("id", "melody_id", "kind", "name", "input", "mapping", "created_at")),
        "fired": list(fired.values("id", "trigger_id", "payload", "created_at")),
        "events": list(told.values("id", "organization_id", "name", "payload", "received_at")),
        "backfills": list(filled.values("id", "trigger_id", "since", "until", "created_at")),
    }


@receiver(person_erasing, dispatch_uid="triggers")
def let_triggers_stay(*, user: User, **_: Any) -> str | None:
    with staff():
        own = list(Trigger.objects.filter(owner=user).exclude(state=TriggerState.STOPPED))
        for trigger in own:
            stop(trigger, "owner_left", _LEFT)
    if not own:
        return None
    return "Triggers you made stay with their organizations, stopped, until somebody takes them over."


@receiver(secrets_rotating, dispatch_uid="triggers")
def seal_hook_secrets_anew(**_: Any) -> tuple[int, list[str]]:
    return reseal_secrets()
