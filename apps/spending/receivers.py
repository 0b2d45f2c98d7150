from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from apps.projects.events import project_deleted
from apps.projects.models import Project
from apps.spending.models import Budget, Scope


@receiver(project_deleted)
def forget_budgets(project: Project, **_: Any) -> None:
    """What a deleted project has cost stays counted in the organization's budgets."""
    Budget.objects.filter(scope=Scope.PROJECT, target_id=project.pk).delete()
