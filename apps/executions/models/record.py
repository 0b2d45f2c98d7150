"""What a run leaves behind: events, artifacts and their bytes, what the Pit did."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from apps.core.ids import uuid7
from apps.executions.models.owned import Owned, RunOwned


class Event(RunOwned):
    """Append-only. (`position`, `id`) is the order in which events become visible: `position` is the writing
    transaction's id, so a reader that stays below the oldest running transaction never misses one."""

    id = models.BigAutoField(primary_key=True)
    position = models.BigIntegerField()
    task_id: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    event_type = models.TextField()
    payload = models.JSONField(default=dict)
    occurred_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["position", "id"]
        indexes: ClassVar = [models.Index(fields=["execution", "position", "id"], name="event_order")]

    def __str__(self) -> str:
        return self.event_type


class Blob(Owned):
    """Bytes an organization keeps, once, under the SHA-256 of their content. The row is there before the bytes are, and goes
    in the transaction that deletes them.

    `size` counts the bytes, `stored_size` what is left of them by compression (None: not known). `touched_at` is when they
    were last stored, or lost a name. A `suspect` may have nobody who names it: it is looked at a while after `touched_at`.
    """

    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    stored_size = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    touched_at = models.DateTimeField(db_default=Now())
    suspect = models.BooleanField(db_default=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "sha256"], name="blob_address"),
            models.CheckConstraint(condition=models.Q(sha256__regex="^[0-9a-f]{64}$"), name="blob_sha256"),
            models.CheckConstraint(
                condition=models.Q(size__gte=0) & (models.Q(stored_size__isnull=True) | models.Q(stored_size__gte=0)),
                name="blob_sizes",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization"], include=["size", "stored_size"], name="blob_room"),
            models.Index(fields=["touched_at"], name="blob_suspect", condition=models.Q(suspect=True)),
        ]

    def __str__(self) -> str:
        return self.sha256


class Artifact(RunOwned):
    """A named thing a task produced. Its bytes are the blob under `content_hash`; `attempt` is that of the task (None: from
    before it was recorded)."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    attempt = models.SmallIntegerField(null=True)
    melody_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    name = models.TextField()
    artifact_type = models.TextField()
    content_type = models.TextField()
    content_hash = models.CharField(max_length=64)
    size = models.BigIntegerField()
    metadata = models.JSONField(default=dict)
    quality_metrics = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["execution", "id"], name="artifact_by_execution"),
            models.Index(fields=["organization", "content_hash"], include=["size"], name="artifact_address"),
        ]

    def __str__(self) -> str:
        return self.name


class PitOperation(RunOwned):
    """What one of the Pit's modules did, written in batches."""

    class Kind(models.TextChoices):
        POOL_ALLOCATION = "pool_allocation"
        DAG_TRACKING = "dag_tracking"
        ARTIFACT_STORAGE = "artifact_storage"
        ARBITRATION = "arbitration"
        STALE_MANAGEMENT = "stale_management"

    id = models.BigAutoField(primary_key=True)
    task_id: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    operation_type = models.TextField(choices=Kind)
    operation_context: models.Field[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    resource_allocations: models.Field[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    performed_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["execution", "id"], name="pit_by_execution")]

    def __str__(self) -> str:
        return self.operation_type
