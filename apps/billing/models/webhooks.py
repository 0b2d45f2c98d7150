from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.core.ids import uuid7


class WebhookState(models.TextChoices):
    """`waiting`: stored, not acted upon yet. `ignored`: nothing here that concerns us. `failed`: somebody should look."""

    WAITING = "waiting"
    DONE = "done"
    IGNORED = "ignored"
    FAILED = "failed"


class WebhookEvent(models.Model):
    """What a payment provider sent, stored before anything is done about it. Of no organization; only staff sees it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(max_length=20)
    provider_event_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=100)
    happened_at = models.DateTimeField()
    payload = models.JSONField()
    state = models.CharField(max_length=8, choices=WebhookState, default=WebhookState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    deliveries = models.PositiveIntegerField(default=1)
    note = models.TextField(max_length=2000, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("provider", "provider_event_id"), name="webhook_event_once"),
            models.CheckConstraint(condition=Q(state__in=WebhookState.values), name="webhook_event_state"),
        )
        indexes = (
            models.Index(
                fields=("received_at",), condition=Q(state__in=("waiting", "failed")), name="webhook_event_open"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} ({self.provider_event_id})"
