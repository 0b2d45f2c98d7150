"""How composite tasks go on below themselves, and how wide joins are counted."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.core.ids import uuid7
from apps.executions.models.owned import RunOwned, choices
from apps.executions.states import FrameStatus


class Frame(RunOwned):
    """One instance of a composite step's body: a loop iteration, a switch case, a nested melody.

    `home` is the isolated frame this one is, or is in: whose variables are global here, whose `inputs` are seen; NULL in
    the document itself. `stripe` is the row of `Stripe` that counts this frame, where many run at once. `version_id` is set when the body is a version of its own, `ancestors` are the melodies around
    and in it (NULL: only the run's own), `depth` counts the isolated frames.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    parent_task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    index = models.IntegerField()
    body = models.SmallIntegerField()
    label = models.TextField(blank=True)
    first = models.IntegerField()
    size = models.IntegerField()
    stripe = models.SmallIntegerField(null=True)
    lineage: models.Field[list[uuid.UUID], list[uuid.UUID]] = ArrayField(models.UUIDField())
    home: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    version_id: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    ancestors: models.Field[list[uuid.UUID] | None, list[uuid.UUID] | None] = ArrayField(models.UUIDField(), null=True)
    depth = models.SmallIntegerField(db_default=0)
    loop = models.JSONField(null=True)
    inputs = models.JSONField(null=True)
    status = models.TextField(choices=choices(FrameStatus), default=FrameStatus.PENDING)
    error = models.JSONField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["parent_task_id", "index"], name="frame_index")]

    def __str__(self) -> str:
        return f"{self.parent_task_id}[{self.index}]"


class Expansion(RunOwned):
    """How far a composite task's frames have come: `remaining` have not ended, `next` is the first not yet begun.

    Frames come in rounds; `round_first` is the first of the last one, `base` the first of the task's last attempt. With `watch` the task is woken by every frame that
    ends. `phase` is the phase it is woken to. `at_once` is how many frames of the last round may run side by side; `reopened`, that
    tasks in frames not yet begun were kept by a retry or from an earlier run.
    """

    task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField(primary_key=True)
    total = models.IntegerField()
    next = models.IntegerField()
    remaining = models.IntegerField()
    base = models.IntegerField(db_default=0)
    round_first = models.IntegerField(db_default=0)
    watch = models.BooleanField(db_default=False)
    phase = models.SmallIntegerField(db_default=1)
    stop_on_failure = models.BooleanField()
    at_once = models.IntegerField(null=True)
    reopened = models.BooleanField(db_default=False)

    def __str__(self) -> str:
        return f"{self.total - self.remaining}/{self.total}"


class Stripe(RunOwned):
    """A part of a wide join's countdown; when `open` comes to 0 the whole part arrives at the join's own row."""

    task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    stripe = models.SmallIntegerField()
    size = models.IntegerField()
    open = models.IntegerField()
    met = models.IntegerField(db_default=0)
    neutral = models.IntegerField(db_default=0)
    hard = models.IntegerField(db_default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["task_id", "stripe"], name="stripe_of_task")]

    def __str__(self) -> str:
        return f"{self.task_id}/{self.stripe}"
