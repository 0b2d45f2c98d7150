"""What projects answer to the apps below."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from apps.accounts.events import person_erasing, personal_data_requested
from apps.accounts.models import User
from apps.billing.entitlements import Quota
from apps.billing.measures import measures
from apps.projects.models import Project, ProjectAccess


@measures(Quota.PROJECTS)
def count_projects(organization_id: UUID) -> int:
    return Project.objects.filter(organization_id=organization_id).count()


@receiver(personal_data_requested)
def tell_projects(user: User, **_: Any) -> tuple[str, Any]:
    """Projects they made, and those in which they are named themselves."""
    created = Project.objects.filter(created_by=user).order_by("id")
    named = ProjectAccess.objects.filter(user=user).select_related("project").order_by("id")
    return "projects", {
        "created": [
            {"id": str(project.pk), "name": project.name, "created_at": project.created_at.isoformat()}
            for project in created
        ],
        "named": [
            {"project": str(grant.project_id), "name": grant.project.name, "role": grant.role} for grant in named
        ],
    }


@receiver(person_erasing)
def take_out_of_projects(user: User, **_: Any) -> None:
    """Projects stay with their organizations, and say of their maker what is left of the account: nothing."""
    ProjectAccess.objects.filter(user=user).delete()
