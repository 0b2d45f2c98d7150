"""Who may do what with a melody: its project says, where it has one, else its organization."""

from __future__ import annotations

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action
from apps.melodies.models import Melody
from apps.projects.models import Project
from apps.projects.permissions import require_in


def require_for(*, actor: User, melody: Melody, action: Action) -> str:
    """The actor's role there, or an error."""
    return require_in(actor=actor, organization=melody.organization, project=melody.project, action=action)


def require_at(*, actor: User, organization: Organization, project: Project | None, action: Action) -> None:
    """Before there is a melody: where it shall be."""
    require_in(actor=actor, organization=organization, project=project, action=action)
