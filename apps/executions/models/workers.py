"""Who works, and which ways lead to them. Of no organization: workers serve all."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.core.ids import uuid7


class WorkerState(models.TextChoices):
    ONLINE = "online"
    DRAINING = "draining"
    GONE = "gone"


def _names() -> models.Field[list[str], list[str]]:
    field: models.Field[list[Any], list[Any]] = ArrayField(models.TextField(), default=list)
    return field


class Worker(models.Model):
    """One worker process with its slots, as it last told of itself.

    `name` is Celery's (`steps@host`), `queues` what it was started for, `routes` what it takes messages from just now: its
    queues, and those of them with capabilities it has. `stuck` slots hold a step that does not come back. After `until`
    without a further sign of life it is gone, whatever `state` says.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.TextField(unique=True)
    host = models.TextField()
    pid = models.IntegerField()
    pool = models.TextField()
    slots = models.IntegerField()
    stuck = models.IntegerField(default=0)
    queues = _names()
    routes = _names()
    capabilities = _names()
    version = models.TextField()
    state = models.TextField(choices=WorkerState, default=WorkerState.ONLINE)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    until = models.DateTimeField()
    draining_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=["online", "draining", "gone"]), name="worker_state"),
            models.CheckConstraint(condition=Q(slots__gt=0, stuck__gte=0), name="worker_slots"),
        ]

    def __str__(self) -> str:
        return self.name


class Route(models.Model):
    """A queue for steps that require capabilities: `steps+gpu` is taken by workers of `steps` that have `gpu`.

    There is one as soon as a run needs it; workers look for new ones with every sign of life.
    """

    name = models.TextField(primary_key=True)
    base = models.TextField()
    requires = _names()
    used_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
