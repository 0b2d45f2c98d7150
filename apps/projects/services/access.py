"""The only writers of who is named in a project. Creators are named by the database."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apps.accounts.errors import invalid
from apps.accounts.models import Membership, Role, Team, User
from apps.accounts.permissions import Action
from apps.core.trail import leave_trace
from apps.projects.errors import AccessNotFound, NamedAlready
from apps.projects.models import Project, ProjectAccess
from apps.projects.permissions import require_in_project


def name_in_project(
    *, actor: User, project: Project, user: User | None = None, team: Team | None = None, role: str = Role.MEMBER
) -> ProjectAccess:
    """Name a member of the organization, or a team of it, with a role in the project."""
    require_in_project(actor=actor, project=project, action=Action.ADMINISTER)
    _check_role(role)
    _check_one(project, user, team)
    grant = ProjectAccess(
        organization_id=project.organization_id, project=project, user=user, team=team, role=role, granted_by=actor
    )
    try:
        with transaction.atomic():
            grant.save(force_insert=True)
    except IntegrityError as error:
        if "project_access_user" in str(error) or "project_access_team" in str(error):
            raise NamedAlready(f"{_who(grant)} is named in {project.name} already; change the role instead.") from error
        raise
    leave_trace(
        "project.access_given", actor=actor, organization=project.organization, target=project, after=_told(grant)
    )
    return grant


def change_role(*, actor: User, grant: ProjectAccess, role: str) -> ProjectAccess:
    require_in_project(actor=actor, project=grant.project, action=Action.ADMINISTER)
    _check_role(role)
    before = _told(grant)
    grant.role = role
    with transaction.atomic():
        if not ProjectAccess.objects.filter(pk=grant.pk).update(role=role):
            raise AccessNotFound
        leave_trace(
            "project.access_changed",
            actor=actor,
            organization=grant.project.organization,
            target=grant.project,
            before=before,
            after=_told(grant),
        )
    return grant


def remove_access(*, actor: User, grant: ProjectAccess) -> None:
    """By who administers the project; everybody may take themselves out."""
    mine = grant.user_id == actor.pk
    require_in_project(actor=actor, project=grant.project, action=Action.READ if mine else Action.ADMINISTER)
    with transaction.atomic():
        deleted, _ = ProjectAccess.objects.filter(pk=grant.pk).delete()
        if not deleted:
            raise AccessNotFound
        leave_trace(
            "project.access_taken",
            actor=actor,
            organization=grant.project.organization,
            target=grant.project,
            before=_told(grant),
        )


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise invalid("/role", "unknown_role", f"There is no role {role!r}; choose from {', '.join(Role.values)}.")


def _check_one(project: Project, user: User | None, team: Team | None) -> None:
    if (user is None) == (team is None):
        raise invalid("", "user_or_team", "Name either a `user` or a `team`.")
    if team is not None and team.organization_id != project.organization_id:
        raise invalid("/team", "team_elsewhere", "There is no such team in the project's organization.")
    if user is not None and not Membership.objects.filter(user=user, organization=project.organization_id).exists():
        raise invalid("/user", "not_a_member", "Only members of the organization can be named in its projects.")


def _who(grant: ProjectAccess) -> str:
    return grant.user.get_full_name() if grant.user is not None else f"The team {grant.team}"


def _told(grant: ProjectAccess) -> dict[str, str]:
    kind, identifier = ("user", grant.user_id) if grant.user_id is not None else ("team", grant.team_id)
    return {kind: str(identifier), "role": grant.role}
