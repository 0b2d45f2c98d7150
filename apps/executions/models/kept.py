"""What is kept from one run to the next."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from apps.executions.models.owned import Owned


class CachedResult(Owned):
    """The result of a step with `cache`, under the hash of what it was made from; never shared between organizations."""

    key = models.CharField(max_length=64)
    output = models.JSONField(null=True)
    output_ref = models.CharField(max_length=64, null=True)  # noqa: DJ001 - none for a result in the row
    task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "key"], name="cached_result_key")]

    def __str__(self) -> str:
        return self.key


class Conversation(Owned):
    """What has been said in a model session. `scope` is the execution it belongs to, or the melody if it outlives runs."""

    scope = models.UUIDField()
    name = models.TextField()
    record = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "scope", "name"], name="conversation_name"),
        ]

    def __str__(self) -> str:
        return self.name
