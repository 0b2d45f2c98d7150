"""Triggers, what they fired, and what made them fire."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.accounts.models import Organization
from apps.core.ids import uuid7
from apps.melodies.models import Melody
from apps.triggers.kinds import (
    ENDS,
    BackfillState,
    FiringState,
    Misfire,
    Overlap,
    Source,
    TriggerKind,
    TriggerState,
    Waiting,
)


def _choices(values: type[StrEnum]) -> list[tuple[str, str]]:
    return [(value.value, value.value) for value in values]


class Trigger(models.Model):
    """What starts runs of a melody, as its owner.

    `input` is given to every run; `mapping` (names to templates) is laid over it, filled with what the occasion tells.
    `filter` is a condition, `concurrency_key` a template of what must not run twice at a time. `next_due_at` is the next
    time a cron trigger is due, NULL when it is not active. `failures` counts failed firings in a row; until
    `backoff_until` nothing is tried again.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="triggers", db_index=False)
    melody = models.ForeignKey(Melody, on_delete=models.CASCADE, related_name="triggers", db_index=False)
    version = models.IntegerField(null=True, blank=True, help_text="The latest one if not given.")
    kind = models.CharField(max_length=10, choices=_choices(TriggerKind))
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=2000, blank=True, default="")
    state = models.CharField(max_length=10, choices=_choices(TriggerState), default=TriggerState.ACTIVE)
    state_reason = models.CharField(max_length=1000, blank=True, default="")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    input = models.JSONField(default=dict, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    filter = models.TextField(blank=True, default="")
    priority = models.SmallIntegerField(default=0)

    cron = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    timezone = models.CharField(max_length=60, default="UTC")
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    jitter_seconds = models.PositiveIntegerField(default=0)
    misfire_policy = models.CharField(max_length=10, choices=_choices(Misfire), default=Misfire.FIRE_ONCE)
    misfire_grace_seconds = models.PositiveIntegerField(default=60)
    misfire_limit = models.PositiveIntegerField(default=100)
    next_due_at = models.DateTimeField(null=True, blank=True)

    overlap = models.CharField(max_length=20, choices=_choices(Overlap), default=Overlap.ALLOW)
    concurrency_key = models.TextField(blank=True, default="")
    debounce_seconds = models.FloatField(null=True, blank=True)
    queue_limit = models.PositiveIntegerField(default=100)

    public_id = models.CharField(max_length=40, null=True, blank=True, unique=True)
    event_name = models.CharField(max_length=200, blank=True, default="")
    source_melody = models.ForeignKey(
        Melody, on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    source_statuses = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    max_depth = models.PositiveSmallIntegerField(default=10)

    failures = models.PositiveIntegerField(default=0)
    backoff_until = models.DateTimeField(null=True, blank=True)
    last_error_code = models.CharField(max_length=60, blank=True, default="")
    last_error = models.CharField(max_length=2000, blank=True, default="")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["organization", "-id"], name="trigger_by_organization"),
            models.Index(fields=["next_due_at"], name="trigger_due", condition=Q(next_due_at__isnull=False)),
            models.Index(fields=["source_melody"], name="trigger_after", condition=Q(kind="chain", state="active")),
            models.Index(
                fields=["organization", "event_name"],
                name="trigger_on_event",
                condition=Q(kind="event", state="active"),
            ),
            models.Index(fields=["owner"], name="trigger_by_owner"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["melody", "name"], name="trigger_name"),
            models.CheckConstraint(condition=Q(kind__in=list(TriggerKind)), name="trigger_kind"),
            models.CheckConstraint(condition=Q(state__in=list(TriggerState)), name="trigger_state"),
            models.CheckConstraint(condition=Q(overlap__in=list(Overlap)), name="trigger_overlap"),
            models.CheckConstraint(condition=Q(misfire_policy__in=list(Misfire)), name="trigger_misfire"),
            models.CheckConstraint(condition=Q(priority__range=(-10, 10)), name="trigger_priority"),
            models.CheckConstraint(condition=Q(kind="cron") | Q(cron=[]), name="trigger_cron"),
            models.CheckConstraint(condition=~Q(kind="cron") | ~Q(cron=[]), name="trigger_cron_needed"),
            models.CheckConstraint(
                condition=Q(next_due_at=None) | Q(kind="cron", state="active"), name="trigger_next_due"
            ),
            models.CheckConstraint(
                condition=Q(kind="webhook", public_id__isnull=False) | ~Q(kind="webhook") & Q(public_id=None),
                name="trigger_hook",
            ),
            models.CheckConstraint(
                condition=Q(kind="event") & ~Q(event_name="") | ~Q(kind="event") & Q(event_name=""),
                name="trigger_event",
            ),
            models.CheckConstraint(
                condition=Q(kind="chain", source_melody__isnull=False) & ~Q(source_statuses=[])
                | ~Q(kind="chain") & Q(source_melody=None, source_statuses=[]),
                name="trigger_chain",
            ),
            models.CheckConstraint(condition=Q(source_statuses__contained_by=list(ENDS)), name="trigger_statuses"),
            models.CheckConstraint(
                condition=Q(debounce_seconds=None) | Q(debounce_seconds__gt=0, debounce_seconds__lte=86_400),
                name="trigger_debounce",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Backfill(models.Model):
    """The due times of a range in the past, made up for: at most `parallel` of its runs at a time."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    trigger = models.ForeignKey(Trigger, on_delete=models.CASCADE, related_name="backfills", db_index=False)
    since = models.DateTimeField()
    until = models.DateTimeField()
    again = models.BooleanField(default=False)
    parallel = models.PositiveSmallIntegerField(default=1)
    total = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=_choices(BackfillState), default=BackfillState.RUNNING)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["trigger", "-id"], name="backfill_of_trigger"),
            models.Index(fields=["id"], name="backfill_running", condition=Q(state="running")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=list(BackfillState)), name="backfill_state"),
            models.CheckConstraint(condition=Q(since__lt=models.F("until")), name="backfill_range"),
            models.CheckConstraint(condition=Q(parallel__range=(1, 100)), name="backfill_parallel"),
        ]

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M}"


class Firing(models.Model):
    """One occasion to fire, and what became of it. Of one `key` a trigger fires once: of one due time, one delivery.

    Pending ones are looked at when `ready_at` has come (NULL: a backfill has not let it go yet). `running` is true while
    the run it started has not ended; the database keeps it. `lane` is what shares a concurrency key. `depth` counts how
    many chained runs stand before it. `missed`: due times before this one that were let go.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    trigger = models.ForeignKey(Trigger, on_delete=models.CASCADE, related_name="firings", db_index=False)
    source = models.CharField(max_length=10, choices=_choices(Source))
    key = models.CharField(max_length=250)
    due_at = models.DateTimeField()
    ready_at: models.Field[datetime | None, datetime | None] = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=_choices(FiringState), default=FiringState.PENDING)
    waiting = models.CharField(max_length=10, blank=True, default="", choices=[("", ""), *_choices(Waiting)])
    held_since = models.DateTimeField(null=True, blank=True)
    reason_code = models.CharField(max_length=60, blank=True, default="")
    reason = models.CharField(max_length=2000, blank=True, default="")
    payload = models.JSONField(default=dict, blank=True)
    lane = models.CharField(max_length=64, blank=True, default="")
    depth = models.PositiveSmallIntegerField(default=0)
    missed = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    fired_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    backfill = models.ForeignKey(Backfill, on_delete=models.CASCADE, null=True, related_name="firings", db_index=False)
    fired_at = models.DateTimeField(null=True, blank=True)
    execution_id: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True, blank=True)
    running = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["trigger", "-id"], name="firing_of_trigger"),
            models.Index(fields=["organization", "-id"], name="firing_by_organization"),
            models.Index(
                fields=["organization", "ready_at", "id"],
                name="firing_ready",
                condition=Q(state="pending", ready_at__isnull=False),
            ),
            models.Index(fields=["lane", "id"], name="firing_in_lane", condition=~Q(lane="") & Q(state="pending")),
            models.Index(fields=["lane"], name="firing_running", condition=~Q(lane="") & Q(running=True)),
            models.Index(fields=["execution_id"], name="firing_of_run", condition=Q(execution_id__isnull=False)),
            models.Index(fields=["backfill", "due_at"], name="firing_of_backfill", condition=Q(backfill__isnull=False)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["trigger", "key"], name="firing_once"),
            models.CheckConstraint(condition=Q(state__in=list(FiringState)), name="firing_state"),
            models.CheckConstraint(condition=Q(source__in=list(Source)), name="firing_source"),
            models.CheckConstraint(
                condition=Q(state="started", execution_id__isnull=False, fired_at__isnull=False)
                | ~Q(state="started") & Q(execution_id=None, running=False),
                name="firing_started",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("pending", "started")) | ~Q(reason_code=""), name="firing_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.due_at:%Y-%m-%d %H:%M:%S}"


class NamedEvent(models.Model):
    """Something an organization was told by name. `matched` is how many triggers heard of it, NULL until they were told."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=200)
    payload = models.JSONField(null=True, blank=True)
    key = models.CharField(max_length=200)
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField(db_default=Now())
    matched = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["organization", "-id"], name="namedevent_by_organization"),
            models.Index(fields=["organization", "id"], name="namedevent_new", condition=Q(matched=None)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "key"], name="namedevent_once"),
        ]

    def __str__(self) -> str:
        return self.name


class HookSecret(models.Model):
    """What deliveries to a webhook are signed with, sealed. After `expires_at` it is good for nothing."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    trigger = models.ForeignKey(Trigger, on_delete=models.CASCADE, related_name="secrets")
    ciphertext = models.TextField()
    key_id = models.CharField(max_length=12)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"secret of {self.created_at:%Y-%m-%d}"
