"""Who may do what in a project. The database says the same (see `row_security`); this says why not, politely."""

from __future__ import annotations

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, may, require
from apps.core.errors import Forbidden
from apps.projects import queries
from apps.projects.errors import ProjectArchived, ProjectNotFound
from apps.projects.models import Project


def require_in_project(*, actor: User, project: Project, action: Action) -> str:
    """The actor's role in the project, or an error; to whom it is hidden it does not exist.

    In an archived project nobody writes; it is still administered, so that it can be taken out of the archive.
    """
    role = queries.role_in(user=actor, project=project)
    if role is None:
        raise ProjectNotFound
    require_of(role, project, action)
    return role


def require_of(role: str, project: Project, action: Action) -> None:
    """For who has looked the role up already."""
    if not may(role, action):
        raise Forbidden(f"As {role} in the project {project.name} you may not {action} here; ask one of its admins.")
    if action == Action.WRITE and project.is_archived:
        raise ProjectArchived


def require_in(*, actor: User, organization: Organization, project: Project | None, action: Action) -> str:
    """In the project if there is one, else in the organization."""
    if project is None:
        return require(actor=actor, organization=organization, action=action)
    return require_in_project(actor=actor, project=project, action=action)
