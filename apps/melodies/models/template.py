"""Templates: melodies to begin with."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.accounts.models import Organization
from apps.core.ids import uuid7

LONGEST_TEMPLATE_NAME: Final = 200
LONGEST_CATEGORY: Final = 60
LONGEST_ICON: Final = 100


class MelodyTemplate(models.Model):
    """Of an organization; without one it came with the product (`manage.py templates load`) and is everybody's to read.

    `document` is a valid melody in its canonical form; `default_values` says what is filled in, see
    `apps.melodies.template_values`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, blank=True, related_name="templates"
    )
    name = models.CharField(max_length=LONGEST_TEMPLATE_NAME)
    description = models.TextField(blank=True)
    category = models.CharField(max_length=LONGEST_CATEGORY, blank=True)
    icon = models.CharField(max_length=LONGEST_ICON, blank=True)
    document = models.JSONField()
    default_values = models.JSONField(default=dict, blank=True)
    usage_count = models.PositiveBigIntegerField(default=0, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=("organization", "name"), name="template_name", nulls_distinct=False),
            models.CheckConstraint(
                condition=Q(organization__isnull=True) | Q(created_by__isnull=False), name="template_has_an_author"
            ),
        )
        indexes = (models.Index(fields=("organization", "category"), name="template_by_category"),)

    def __str__(self) -> str:
        return self.name

    @property
    def is_builtin(self) -> bool:
        return self.organization_id is None
