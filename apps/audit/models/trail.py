"""The trail as rows. Nothing of it is ever changed or removed: grants and a trigger see to that, see sql/trail.sql."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.accounts.models import Organization
from apps.core.ids import uuid7


class ActorKind(models.TextChoices):
    PERSON = "person"
    TOKEN = "token"  # noqa: S105 - a kind of actor
    STAFF = "staff"
    WORKER = "worker"
    COMMAND = "command"


class AuditEntry(models.Model):
    """One thing that was done. Refers to what it tells of without keys: the entry outlives it.

    `chain` is the organization's id, else the person's the entry is about, else one of sixteen of the system's own. The
    database seals an entry when its transaction commits: `sequence` counts in the chain from 1, `hash` is the SHA-256 of
    the entry and of the hash before it. `before` and `after` hold only what changed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    chain = models.UUIDField()
    organization = models.ForeignKey(
        Organization, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    action = models.CharField(max_length=100)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    actor_kind = models.CharField(max_length=10, choices=ActorKind.choices)
    channel = models.CharField(max_length=10, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    correlation_id = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    target_type = models.CharField(max_length=100, blank=True)
    target_id = models.CharField(max_length=100, blank=True)
    target_name = models.CharField(max_length=200, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    transaction = models.BigIntegerField()
    sequence = models.BigIntegerField(null=True)
    previous_hash = models.CharField(max_length=64, default="", blank=True)
    # Null, not "", until it is sealed: whether it is stands in the constraint below.
    hash = models.CharField(max_length=64, null=True)  # noqa: DJ001

    class Meta:
        ordering: ClassVar = ["-occurred_at", "-id"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes: ClassVar = [
            models.Index(fields=["organization", "-occurred_at", "-id"], name="audit_by_organization"),
            models.Index(fields=["actor", "-occurred_at"], name="audit_by_actor"),
            models.Index(fields=["target_id", "-occurred_at"], name="audit_by_target"),
            models.Index(fields=["-occurred_at", "-id"], name="audit_by_time"),
            models.Index(fields=["transaction", "chain", "id"], name="audit_unsealed", condition=Q(hash=None)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chain", "sequence"], name="audit_chain_sequence"),
            models.CheckConstraint(
                condition=Q(sequence=None, hash=None, previous_hash="") | Q(sequence__gte=1, hash__isnull=False),
                name="audit_sealed_whole",
            ),
            models.CheckConstraint(condition=Q(actor_kind__in=ActorKind.values), name="audit_actor_kind"),
            models.CheckConstraint(
                condition=Q(organization=None) | Q(chain=models.F("organization")), name="audit_chain_of_organization"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} ({self.occurred_at:%Y-%m-%d %H:%M:%S})"


class AuditChain(models.Model):
    """Where a chain ends: how many entries it has had, and the hash of the last. Written by the seal only."""

    id = models.UUIDField(primary_key=True)
    length = models.BigIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = "audit chain"

    def __str__(self) -> str:
        return f"{self.id}: {self.length}"


class AuditSegment(models.Model):
    """A part of a chain that was moved to a file: the only reason for which entries may be removed, and the anchor of
    those that follow it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    chain = models.UUIDField()
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    previous_hash = models.CharField(max_length=64, blank=True)
    last_hash = models.CharField(max_length=64)
    last_occurred_at = models.DateTimeField()
    file = models.CharField(max_length=200)
    file_sha256 = models.CharField(max_length=64)
    archived_at = models.DateTimeField()
    discarded_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["chain", "first_sequence"]
        verbose_name = "audit segment"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chain", "first_sequence"], name="audit_segment_begins_once"),
            models.CheckConstraint(
                condition=Q(first_sequence__gte=1, last_sequence__gte=models.F("first_sequence")),
                name="audit_segment_range",
            ),
        ]

    def __str__(self) -> str:
        return self.file
