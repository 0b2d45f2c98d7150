"""Melodies and their versions. A version is immutable: a trigger refuses every UPDATE of it."""

from __future__ import annotations

from typing import ClassVar, Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Q
from django.utils import timezone

from apps.accounts.models import Organization
from apps.agents.models import Agent
from apps.core.ids import uuid7
from apps.core.names import name_of
from apps.melodies import states
from apps.melodies.paths import LONGEST_PATH
from apps.melodies.tags import LONGEST_TAG, MOST_TAGS
from apps.projects.models import Project

LONGEST_SUMMARY: Final = 2_000
LONGEST_EXTENSION: Final = 200
MOST_EXTENSIONS: Final = 50


class MelodyStatus(models.TextChoices):
    DRAFT = states.DRAFT
    ACTIVE = states.ACTIVE
    ARCHIVED = states.ARCHIVED


class CreationSource(models.TextChoices):
    """How a melody came to be."""

    USER_CREATED = "user_created"
    CONDUCTOR_GENERATED = "conductor_generated"
    IMPORTED = "imported"
    FORKED = "forked"
    TEMPLATE = "template"


class PricingTier(models.TextChoices):
    """Whom a melody is offered to, once it is offered."""

    FREE = "free"
    PREMIUM = "premium"
    ENTERPRISE = "enterprise"


_SEARCHED: Final = Func(
    F("name"), F("description"), F("tags"), F("step_names"),
    function="melody_search_vector", output_field=SearchVectorField(),
)  # fmt: skip


class Melody(models.Model):
    """The editable workflow; what it says stands in its versions.

    `published_at` is when it was first active. `parent` is what it is a fork of, perhaps of another organization; the
    database forgets it when that is deleted. `step_names` are those of the latest version, to be found by.
    """

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
    agent = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, blank=True, related_name="workflows")
    tags: models.Field[list[str], list[str]] = ArrayField(
        models.CharField(max_length=LONGEST_TAG), default=list, blank=True
    )
    creation_source = models.CharField(
        max_length=20, choices=CreationSource, default=CreationSource.USER_CREATED, editable=False
    )
    # Their constraints are the database's own (ON DELETE SET NULL): those who delete may not see the fork.
    parent = models.ForeignKey(
        "self", on_delete=models.DO_NOTHING, null=True, blank=True, editable=False, related_name="forks"
    )
    forked_from_version = models.ForeignKey(
        "MelodyVersion", on_delete=models.DO_NOTHING, null=True, blank=True, editable=False, related_name="+"
    )
    compatible_extensions: models.Field[list[str], list[str]] = ArrayField(
        models.CharField(max_length=LONGEST_EXTENSION), default=list, blank=True
    )
    pricing_tier = models.CharField(max_length=10, choices=PricingTier, default=PricingTier.FREE)
    step_names = models.TextField(blank=True, editable=False)
    search_vector = models.GeneratedField(expression=_SEARCHED, output_field=SearchVectorField(), db_persist=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    published_at = models.DateTimeField(null=True, blank=True, default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "melodies"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["organization", "-id"], name="melody_by_organization"),
            models.Index(fields=["organization", "name", "-id"], name="melody_by_name"),
            models.Index(fields=["organization", "-updated_at", "-id"], name="melody_by_change"),
            GinIndex(fields=["search_vector"], name="melody_search"),
            GinIndex(fields=["tags"], name="melody_tags"),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="melody_name_trigrams"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "path"], name="melody_path"),
            models.CheckConstraint(condition=~Q(path=""), name="melody_path_not_empty"),
            models.CheckConstraint(condition=Q(status__in=MelodyStatus.values), name="melody_status"),
            models.CheckConstraint(
                condition=Q(status=MelodyStatus.ARCHIVED)
                | Q(status=MelodyStatus.ACTIVE, published_at__isnull=False)
                | Q(status=MelodyStatus.DRAFT, published_at__isnull=True),
                name="melody_published_when_active",
            ),
            models.CheckConstraint(condition=Q(tags__len__lte=MOST_TAGS), name="melody_most_tags"),
            models.CheckConstraint(
                condition=Q(compatible_extensions__len__lte=MOST_EXTENSIONS), name="melody_most_extensions"
            ),
            models.CheckConstraint(
                condition=Q(creation_source__in=CreationSource.values), name="melody_creation_source"
            ),
            models.CheckConstraint(condition=Q(pricing_tier__in=PricingTier.values), name="melody_pricing_tier"),
        ]

    def __str__(self) -> str:
        return self.name


class MelodyVersion(models.Model):
    """One published state of a melody: its source as sent, the canonical document, and the SHA-256 of that.

    `number` counts 1, 2, 3; `semver` says how much has changed, and grows with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    melody = models.ForeignKey(Melody, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    semver = models.CharField(max_length=32)
    change_summary = models.TextField(blank=True, max_length=LONGEST_SUMMARY)
    sha256 = models.CharField(max_length=64)
    source = models.TextField()
    media_type = models.CharField(max_length=40)
    document = models.JSONField()
    step_count = models.PositiveIntegerField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["melody", "number"], name="melody_version_number"),
            models.UniqueConstraint(fields=["melody", "semver"], name="melody_version_semver"),
            models.CheckConstraint(
                condition=Q(semver__regex=r"^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}$"),
                name="melody_version_semver_form",
            ),
        ]

    def __str__(self) -> str:
        return f"{name_of(self, 'melody')} v{self.number}"
