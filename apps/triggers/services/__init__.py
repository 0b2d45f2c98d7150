"""The writers of triggers: edited, fired, made up for, swept."""

from apps.triggers.services.backfills import MOST_PARALLEL, Range, backfill_range, cancel_backfill, create_backfill
from apps.triggers.services.editing import (
    create_trigger,
    delete_trigger,
    pause_trigger,
    resume_trigger,
    take_over_trigger,
    update_trigger,
)
from apps.triggers.services.hooks import receive, reseal_secrets, rotate_secret, verified_hook
from apps.triggers.services.occasions import fire_by_hand, send_event
from apps.triggers.services.room import keep_pace
from apps.triggers.services.sweeping import fire_due, forget_old

__all__ = [
    "MOST_PARALLEL",
    "Range",
    "backfill_range",
    "cancel_backfill",
    "create_backfill",
    "create_trigger",
    "delete_trigger",
    "fire_by_hand",
    "fire_due",
    "forget_old",
    "keep_pace",
    "pause_trigger",
    "receive",
    "reseal_secrets",
    "resume_trigger",
    "rotate_secret",
    "send_event",
    "take_over_trigger",
    "update_trigger",
    "verified_hook",
]
