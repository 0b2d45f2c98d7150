"""Melodies and their versions. A version is immutable: a trigger refuses every UPDATE of it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from apps.accounts.models import Organization
from apps.core.ids import uuid7
from apps.melodies.paths import LONGEST_PATH
from apps.projects.models import Project


class MelodyStatus(models.TextChoices):
    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class Melody(models.Model):
    """The editable workflow; what it says stands in its versions."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="melodies")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=MelodyStatus, default=MelodyStatus.ACTIVE)
    # Null, not "", where there is none: many melodies of an organization have none, each other path is unique.
    path = models.CharField(  # noqa: DJ001
        max_length=LONGEST_PATH,
        null=True,
        blank=True,
        help_text="The name by which a `pipeline_file` of another melody finds this one, such as pipelines/review.yaml.",
    )
    project = models.ForeignKey(Project, on_delete=models.SET_NULL, null=True, blank=True, related_name="melodies")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "melodies"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["organization", "-id"], name="melody_by_organization"),
            models.Index(fields=["organization", "name", "-id"], name="melody_by_name"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "path"], name="melody_path"),
            models.CheckConstraint(condition=~models.Q(path=""), name="melody_path_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name


class MelodyVersion(models.Model):
    """One published state of a melody: its source as sent, the canonical document, and the SHA-256 of that."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    melody = models.ForeignKey(Melody, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    source = models.TextField()
    media_type = models.CharField(max_length=40)
    document = models.JSONField()
    step_count = models.PositiveIntegerField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["melody", "number"], name="melody_version_number")]

    def __str__(self) -> str:
        return f"{self.melody_id} v{self.number}"
