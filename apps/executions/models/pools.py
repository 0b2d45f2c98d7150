"""Who may run how much at once, and who goes next: pools with their leases, the backlog and the shares in it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.accounts.models import Organization
from apps.core.ids import uuid7
from apps.executions.models.owned import RunOwned


class PoolKind(models.TextChoices):
    MODEL = "model", "Calls of a model"
    QUEUE = "queue", "Steps of a queue"
    ORGANIZATION = "organization", "All steps of an organization"
    KEY = "key", "Steps that name it as their limit"


class PoolState(models.TextChoices):
    """Of what a pool keeps warm. `active`: slots are taken; `ready`: none is; `cooling`, `unloaded`: none has been for long."""

    UNLOADED = "unloaded", "Unloaded"
    LOADING = "loading", "Loading"
    WARMING = "warming", "Warming"
    READY = "ready", "Ready"
    ACTIVE = "active", "Active"
    COOLING = "cooling", "Cooling"


class PoolHealth(models.TextChoices):
    HEALTHY = "healthy", "Healthy"
    DEGRADED = "degraded", "Degraded"
    UNHEALTHY = "unhealthy", "Unhealthy"
    UNKNOWN = "unknown", "Unknown"


class Pool(models.Model):
    """So many slots, so many tokens a minute. Without an organization it holds for the whole installation, all of it
    together; `name` is the model, the queue, or what steps say under `limit`.

    `slots`, `tokens_per_minute` None: no limit. A pool that is not `open` gives nothing out. `by_plan`: kept by the sweep, from
    what the organization pays for.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, blank=True, related_name="pools", db_index=False
    )
    kind = models.CharField(max_length=12, choices=PoolKind)
    name = models.CharField(max_length=120, blank=True)
    slots = models.IntegerField(null=True, blank=True)
    tokens_per_minute = models.BigIntegerField(null=True, blank=True)
    open = models.BooleanField(default=True, db_default=True)
    by_plan = models.BooleanField(default=False, db_default=False, editable=False)
    state = models.CharField(max_length=8, choices=PoolState, default=PoolState.UNLOADED, editable=False)
    state_since = models.DateTimeField(db_default=Now(), editable=False)
    health = models.CharField(max_length=9, choices=PoolHealth, default=PoolHealth.UNKNOWN, editable=False)
    failures = models.IntegerField(default=0, db_default=0, editable=False)
    recovers_at = models.DateTimeField(null=True, blank=True, editable=False)
    used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "kind", "name", "by_plan"], name="pool_name", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(kind__in=PoolKind.values), name="pool_kind"),
            models.CheckConstraint(condition=Q(state__in=PoolState.values), name="pool_state"),
            models.CheckConstraint(condition=Q(health__in=PoolHealth.values), name="pool_health"),
            models.CheckConstraint(condition=Q(slots__isnull=True) | Q(slots__gte=1), name="pool_slots"),
            models.CheckConstraint(
                condition=Q(tokens_per_minute__isnull=True) | Q(tokens_per_minute__gte=1, kind="model"),
                name="pool_tokens",
            ),
            models.CheckConstraint(condition=~Q(kind="organization") | Q(name=""), name="pool_of_organization"),
            models.CheckConstraint(condition=Q(kind="organization") | ~Q(name=""), name="pool_has_name"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()


class PoolLease(RunOwned):
    """Slots of a pool that a task has: kept as history when they are returned, gone with the run.

    `granted_at` is when they were set aside, `taken_at` when the task began to execute with them (NULL: it is on its way).
    They are free again at `returned_at`, or at `until`, whichever comes first.
    """

    id = models.BigAutoField(primary_key=True)
    pool = models.ForeignKey(
        Pool, on_delete=models.DO_NOTHING, related_name="leases", db_constraint=False, db_index=False
    )
    task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    attempt = models.SmallIntegerField()
    slots = models.IntegerField()
    granted_at = models.DateTimeField(db_default=Now())
    taken_at = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    returned_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(slots__gte=1), name="poollease_slots"),
            models.CheckConstraint(
                condition=Q(returned_at__isnull=True) | Q(returned_at__gte=models.F("granted_at")),
                name="poollease_order",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["pool"], name="poollease_open", condition=Q(returned_at__isnull=True)),
            models.Index(fields=["task_id"], name="poollease_of_task"),
            models.Index(fields=["pool", "-id"], name="poollease_history"),
        ]

    def __str__(self) -> str:
        return f"{self.slots} of {self.pool_id} for {self.task_id}"


class PoolTokens(models.Model):
    """Tokens of a pool that calls have asked for, second by second, for a minute. Of the platform: no tenant reads it."""

    id = models.BigAutoField(primary_key=True)
    pool_id = models.UUIDField()
    second = models.DateTimeField()
    tokens = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["pool_id", "second"], name="pooltokens_second")]

    def __str__(self) -> str:
        return f"{self.tokens} of {self.pool_id}"


class Backlog(RunOwned):
    """A released task no message was sent for: it is its queue's turn to come to it.

    `turn` orders the runs of an organization (see `workers.pit.arbiter`), `rank` the tasks of a run. `pool_id`: the pool that
    has no slot for it. A row whose task is not `dispatched` any more means nothing.
    """

    task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField(primary_key=True)
    queue = models.TextField()
    inline = models.BooleanField()
    turn = models.FloatField()
    rank = models.FloatField()
    pool_id: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    entered_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["queue", "organization", "turn"], name="backlog_turn", condition=Q(pool_id__isnull=True)
            ),
            models.Index(fields=["execution", "queue", "-rank", "turn"], name="backlog_of_run"),
            models.Index(fields=["pool_id", "turn"], name="backlog_blocked", condition=Q(pool_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.task_id)


class Share(models.Model):
    """An organization with tasks in the backlog of a queue, and how much it has had: the least has the next turn.

    State of the platform: row-level security has no tenant here, and only workers and the ledger's own functions read it.
    """

    id = models.BigAutoField(primary_key=True)
    queue = models.TextField()
    owner = models.UUIDField()
    vtime = models.FloatField()
    weight = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queue", "owner"], name="share_of_organization"),
            models.CheckConstraint(condition=Q(weight__gt=0, weight__lte=8), name="share_weight"),
        ]

    def __str__(self) -> str:
        return f"{self.owner} in {self.queue}"


class Window(models.Model):
    """How many messages may be out for a queue at once; the sweep keeps it at twice the slots that are there."""

    queue = models.TextField(primary_key=True)
    size = models.IntegerField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(size__gte=1), name="window_size")]

    def __str__(self) -> str:
        return f"{self.size} for {self.queue}"
