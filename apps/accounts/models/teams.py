from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower

from apps.accounts.models.people import Organization, Role, User
from apps.core.ids import uuid7
from apps.core.names import name_of


class Team(models.Model):
    """Some members of one organization under one name."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=1000, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint("organization", Lower("name"), name="team_name_once_per_organization"),
            # What foreign keys of two columns point to, so that a member's team is of the member's organization.
            models.UniqueConstraint(fields=("organization", "id"), name="team_of_organization"),
        )

    def __str__(self) -> str:
        return self.name


class TeamMembership(models.Model):
    """Ends with the membership of the organization: the database keeps the two together."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="team_memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.MEMBER)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("joined_at", "id")
        constraints = (
            models.UniqueConstraint(fields=("team", "user"), name="team_membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="team_membership_role"),
        )

    def __str__(self) -> str:
        return f"{name_of(self, 'user')} is {self.role} of {name_of(self, 'team')}"
