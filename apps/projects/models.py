"""Projects, which group the melodies of an organization; who may do what in them; variables and secrets of their runs."""

from __future__ import annotations

from typing import Any, Final, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.accounts.models import Organization, Role, Team
from apps.core.ids import uuid7
from apps.core.names import name_of

SECRET_NAME: Final = r"^[A-Z][A-Z0-9_]*$"  # noqa: S105 - what a name looks like
VARIABLE_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"


class ProjectAccessMode(models.TextChoices):
    """Who is in a project: everybody of its organization, or its admins and those who are named."""

    ORGANIZATION = "organization"
    RESTRICTED = "restricted"


class Project(models.Model):
    """A trigger names its creator as an owner, and refuses to move it to another organization."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=120)
    description = models.TextField(blank=True)
    configuration = models.JSONField(default=dict, blank=True)
    access = models.CharField(max_length=20, choices=ProjectAccessMode.choices, default=ProjectAccessMode.ORGANIZATION)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=("organization", "slug"), name="project_slug"),
            models.CheckConstraint(condition=Q(access__in=ProjectAccessMode.values), name="project_access"),
        )
        indexes = (models.Index(fields=("organization",), condition=Q(access="restricted"), name="project_restricted"),)

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


class ProjectAccess(models.Model):
    """A person or a team who is named in a project. The row goes with the membership, or the team, it stands on."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="grants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="project_grants"
    )
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True, related_name="project_grants")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.MEMBER)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("created_at", "id")
        verbose_name_plural = "project access"
        constraints = (
            models.CheckConstraint(
                condition=Q(user__isnull=False, team__isnull=True) | Q(user__isnull=True, team__isnull=False),
                name="project_access_user_xor_team",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="project_access_role"),
            models.UniqueConstraint(fields=("project", "user"), name="project_access_user"),
            models.UniqueConstraint(fields=("project", "team"), name="project_access_team"),
        )

    def __str__(self) -> str:
        named = name_of(self, "user" if self.user_id else "team")
        return f"{named} is {self.role} in {name_of(self, 'project')}"


class ProjectVariable(models.Model):
    """A value that runs of the project's melodies start with, unless the melody itself gives the name another."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="variables")
    name = models.CharField(max_length=100)
    value = models.JSONField(null=True, blank=True)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=("project", "name"), name="project_variable_name"),
            models.CheckConstraint(condition=Q(name__regex=VARIABLE_NAME), name="project_variable_name_form"),
        )

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
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

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
