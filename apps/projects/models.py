"""Projects, which group the melodies of an organization, and the secrets their steps use."""

from __future__ import annotations

from typing import Any, Final, Self

from django.conf import settings
from django.db import models

from apps.accounts.models import Organization
from apps.core.ids import uuid7

SECRET_NAME: Final = r"^[A-Z][A-Z0-9_]*$"  # noqa: S105 - what a name looks like


class Project(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=120)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=("organization", "slug"), name="project_slug"),)

    def __str__(self) -> str:
        return self.name


class SecretQuerySet(models.QuerySet["Secret"]):
    def only(self, *fields: Any) -> Self:
        # Django asks for nothing but the key when it collects rows to delete, in a way that means everything.
        return super().only(*(fields or ("pk",)))


class SecretManager(models.Manager["Secret"]):
    """Never loads the ciphertext unasked: the web's database role may not read it, and nobody else needs it."""

    def get_queryset(self) -> SecretQuerySet:
        return SecretQuerySet(self.model, using=self._db).defer("ciphertext")


class Secret(models.Model):
    """A named value of a project, or (without one) of the whole organization; sealed, see `apps.projects.keyring`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="secrets")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="secrets")
    name = models.CharField(max_length=100)
    ciphertext = models.TextField(editable=False)
    key_id = models.CharField(max_length=16, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = SecretManager()

    class Meta:
        ordering = ("name", "id")
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "project", "name"), name="secret_name", nulls_distinct=False
            ),
            models.CheckConstraint(condition=models.Q(name__regex=SECRET_NAME), name="secret_name_form"),
        )

    def __str__(self) -> str:
        return self.name
