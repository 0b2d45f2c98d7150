"""The words of triggers: their kinds, states and policies. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class TriggerKind(StrEnum):
    """What makes a trigger fire. Every one of them can be fired by hand as well."""

    MANUAL = "manual"
    CRON = "cron"
    WEBHOOK = "webhook"
    EVENT = "event"
    CHAIN = "chain"


class TriggerState(StrEnum):
    """Paused by a person, stopped by us because it cannot work any more, ended because its time is over."""

    ACTIVE = "active"
    PAUSED = "paused"
    STOPPED = "stopped"
    ENDED = "ended"


class FiringState(StrEnum):
    """What became of one occasion to fire."""

    PENDING = "pending"
    STARTED = "started"
    SKIPPED = "skipped"
    FAILED = "failed"


class Source(StrEnum):
    """What a firing came from."""

    CRON = "cron"
    MANUAL = "manual"
    WEBHOOK = "webhook"
    EVENT = "event"
    CHAIN = "chain"
    BACKFILL = "backfill"


class Overlap(StrEnum):
    """What becomes of a firing while a run of the same key is under way."""

    ALLOW = "allow"
    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_PREVIOUS = "cancel_previous"


class Misfire(StrEnum):
    """What becomes of due times that nobody was there to see."""

    SKIP = "skip"
    FIRE_ONCE = "fire_once"
    FIRE_ALL = "fire_all"


class Waiting(StrEnum):
    """Why a pending firing is not started yet."""

    DEBOUNCE = "debounce"
    OVERLAP = "overlap"
    QUOTA = "quota"
    BACKOFF = "backoff"
    TROUBLE = "trouble"


class BackfillState(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


ENDS: Final = ("completed", "failed", "timeout", "cancelled")
"""How a run can end, as a chain names it."""
