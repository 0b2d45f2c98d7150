"""What may be read of projects and secrets, and by whom.

Each query names its user beside row-level security, so that it also holds for a database role that bypasses that.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from apps.accounts import queries as accounts
from apps.accounts.models import Organization, User
from apps.projects.errors import ProjectNotFound
from apps.projects.models import Project, Secret


def projects(*, actor: User, organization: Organization) -> QuerySet[Project]:
    """To a member; to anybody else none."""
    return Project.objects.filter(
        organization=organization, organization__in=accounts.organizations(actor=actor)
    ).order_by("-id")


def project_for(*, actor: User, project_id: UUID) -> Project:
    project = (
        Project.objects.filter(organization__in=accounts.organizations(actor=actor), pk=project_id)
        .select_related("organization")
        .first()
    )
    if project is None:
        raise ProjectNotFound
    return project


def secrets(*, actor: User, organization: Organization, project: Project | None) -> QuerySet[Secret]:
    """Names and dates of a project's own secrets, or (without a project) of the whole organization's."""
    return Secret.objects.filter(
        organization=organization, project=project, organization__in=accounts.organizations(actor=actor)
    ).order_by("name")
