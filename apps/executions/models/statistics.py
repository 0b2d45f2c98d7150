"""What the runs of a melody say about it, kept up by the sweep."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

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
