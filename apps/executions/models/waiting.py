"""What people and other systems said to tasks that wait."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from apps.core.ids import uuid7
from apps.executions.models.owned import RunOwned


class Decision(RunOwned):
    """What one person said to a task that waits for approval: their e-mail address and role as they were then. `attempt`
    tells rounds of asking apart."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    attempt = models.SmallIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    person = models.TextField()
    role = models.TextField()
    decision = models.TextField(choices=[("approve", "approve"), ("reject", "reject")])
    comment = models.TextField(blank=True)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["task_id", "attempt", "user"], name="decision_once"),
            models.CheckConstraint(condition=models.Q(decision__in=["approve", "reject"]), name="decision_known"),
        ]

    def __str__(self) -> str:
        return self.decision


class Signal(RunOwned):
    """Something a run was told by name. `consumed_by` is the task it woke; NULL while nobody has waited for it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.TextField()
    payload = models.JSONField(null=True)
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField(db_default=Now())
    consumed_by: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["execution", "name", "id"], name="signal_by_name")]

    def __str__(self) -> str:
        return self.name
