"""What the runs of a melody say about it, and what an organization stores: kept up by the sweep."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from apps.accounts.models import Organization
from apps.executions.models.owned import Owned
from apps.melodies.models import Melody


class MelodyStatistics(Owned):
    """Counts are of all runs that are kept; the durations, in milliseconds, of the last thousand completed ones.

    `success_rate` is completed runs over those that came to an end by themselves (cancelled ones did not), NULL before the
    first. `stale` and `marked_at` say that runs have changed since it was counted; `cost_ms` is what counting took: a melody of a million runs is counted less often.
    """

    melody = models.OneToOneField(
        Melody, on_delete=models.CASCADE, primary_key=True, related_name="statistics", db_constraint=False
    )
    executions = models.BigIntegerField(default=0)
    completed = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    timed_out = models.BigIntegerField(default=0)
    cancelled = models.BigIntegerField(default=0)
    success_rate = models.FloatField(null=True)
    p50_ms = models.FloatField(null=True)
    p95_ms = models.FloatField(null=True)
    last_started_at = models.DateTimeField(null=True)
    last_completed_at = models.DateTimeField(null=True)
    cost_ms = models.FloatField(default=0)
    stale = models.BooleanField(db_default=True)
    marked_at = models.DateTimeField()
    refreshed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["refreshed_at"], name="melodystatistics_stale", condition=models.Q(stale=True)),
            models.Index(fields=["marked_at"], name="melodystatistics_marked"),
        ]

    def __str__(self) -> str:
        return f"{self.executions} runs of {self.melody_id}"


class StoreStatistics(Owned):
    """What an organization keeps in the artifact store, counted by the sweep.

    Named are all bytes that artifacts and large results name, each time they are named; unique are those of the blobs, each
    once; stored is what compression leaves of them. `changed_at` says when bytes were last stored or freed, `cost_ms` what
    counting took.
    """

    organization = models.OneToOneField(
        Organization,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="store_statistics",
        db_constraint=False,
    )
    artifacts = models.BigIntegerField(default=0)
    artifact_bytes = models.BigIntegerField(default=0)
    results = models.BigIntegerField(default=0)
    result_bytes = models.BigIntegerField(default=0)
    blobs = models.BigIntegerField(default=0)
    unique_bytes = models.BigIntegerField(default=0)
    stored_bytes = models.BigIntegerField(default=0)
    cost_ms = models.FloatField(default=0)
    changed_at = models.DateTimeField(db_default=Now())
    refreshed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["changed_at"], name="storestatistics_changed")]

    def __str__(self) -> str:
        return f"{self.blobs} blobs of {self.organization_id}"

    @property
    def named_bytes(self) -> int:
        return self.artifact_bytes + self.result_bytes

    @property
    def hit_rate(self) -> float | None:
        """How much of what was named was there already, 0 to 1; None before anything is named."""
        names = self.artifacts + self.results
        return max(0.0, 1 - self.blobs / names) if names else None
