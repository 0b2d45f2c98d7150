"""What may be read of projects, their variables and secrets, and by whom.

Each query names its user beside row-level security, so that it also holds for a database role that bypasses that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q, QuerySet

from apps.accounts import queries as accounts
from apps.accounts.models import Membership, Organization, Role, TeamMembership, User
from apps.core.tenancy import acting_as
from apps.projects.errors import AccessNotFound, ProjectNotFound
from apps.projects.models import Project, ProjectAccess, ProjectAccessMode, ProjectVariable, Secret
from apps.projects.standing import effective_role

_ADMINS = (Role.OWNER, Role.ADMIN)


def projects(*, actor: User, organization: Organization) -> QuerySet[Project]:
    """To a member, but no restricted one in which they are not named; to anybody else none."""
    return _readable(actor).filter(organization=organization).order_by("-id")


def project_for(*, actor: User, project_id: UUID) -> Project:
    project = _readable(actor).filter(pk=project_id).select_related("organization").first()
    if project is None:
        raise ProjectNotFound
    return project


def hidden_from(actor: User) -> QuerySet[Project]:
    """Restricted projects of the actor's organizations in which they are not named."""
    return Project.objects.filter(
        access=ProjectAccessMode.RESTRICTED,
        organization__in=Membership.objects.filter(user=actor).exclude(role__in=_ADMINS).values("organization"),
    ).exclude(pk__in=ProjectAccess.objects.filter(_naming(actor)).values("project"))


def visible(actor: User, *, through: str = "project") -> Q:
    """For rows of higher apps: those whose project, or that of what they belong to (`through="melody__project"`), is not
    hidden from the actor. Rows without a project are visible."""
    return Q(**{f"{through}__isnull": True}) | ~Q(**{f"{through}__in": hidden_from(actor)})


def role_in(*, user: User, project: Project) -> str | None:
    """What they are in the project, by their organization and by how they are named; None where it does not exist for
    them. One look at the database."""
    named = ProjectAccess.objects.filter(_naming(user), project=project).values("role")
    with acting_as(user.pk):
        found = (
            Membership.objects.filter(user=user, organization=project.organization_id, organization__is_active=True)
            .annotate(named=ArraySubquery(named))
            .values_list("role", "named")
            .first()
        )
    if found is None:
        return None
    return effective_role(found[0], restricted=project.access == ProjectAccessMode.RESTRICTED, named=found[1])


# -- who is in a project -------------------------------------------------------------------------------------------
def grants(*, actor: User, project: Project) -> QuerySet[ProjectAccess]:
    """Who is named, in the order they were named."""
    return ProjectAccess.objects.filter(
        project=project, organization__in=accounts.organizations(actor=actor)
    ).select_related("user", "team")


def grant_for(*, actor: User, project: Project, grant_id: UUID) -> ProjectAccess:
    grant = grants(actor=actor, project=project).filter(pk=grant_id).first()
    if grant is None:
        raise AccessNotFound
    return grant


def members(*, actor: User, project: Project) -> QuerySet[Membership]:
    """Everybody for whom the project exists, as members of its organization; see `roles_of` for what they are in it."""
    found = accounts.members(actor=actor, organization=project.organization)
    if project.access == ProjectAccessMode.RESTRICTED:
        named = ProjectAccess.objects.filter(project=project)
        found = found.filter(
            Q(role__in=_ADMINS)
            | Q(user__in=named.filter(user__isnull=False).values("user"))
            | Q(
                user__in=TeamMembership.objects.filter(team__in=named.filter(team__isnull=False).values("team")).values(
                    "user"
                )
            )
        )
    return found


def roles_of(*, project: Project, memberships: Iterable[Membership]) -> dict[UUID, str | None]:
    """The role in the project of each of these members, by user; one query for all."""
    listed = list(memberships)
    users = [membership.user_id for membership in listed]
    named: dict[UUID, list[str]] = {}
    rows = ProjectAccess.objects.filter(project=project).filter(
        Q(user__in=users) | Q(team__memberships__user__in=users)
    )
    for user, by_team, role in rows.values_list("user", "team__memberships__user", "role"):
        named.setdefault(user or by_team, []).append(role)
    restricted = project.access == ProjectAccessMode.RESTRICTED
    return {
        membership.user_id: effective_role(
            membership.role, restricted=restricted, named=named.get(membership.user_id, ())
        )
        for membership in listed
    }


# -- variables and secrets -----------------------------------------------------------------------------------------
def variables(*, actor: User, project: Project) -> QuerySet[ProjectVariable]:
    return ProjectVariable.objects.filter(
        project=project, organization__in=accounts.organizations(actor=actor)
    ).order_by("name")


def variables_for_run(project_id: UUID | str | None, *, hidden_by: Collection[str] = ()) -> Mapping[str, Any]:
    """The project's variables, which lie beneath those of the document that runs; none without a project.

    `hidden_by` are names that mean something else in the run, its inputs and steps: a name alone is looked up among
    variables first, and a variable of the project must not change what a melody has said. Call it while acting as who
    starts the run, or working for the organization.
    """
    if not project_id:
        return {}
    rows = ProjectVariable.objects.filter(project_id=project_id).exclude(name__in=list(hidden_by))
    return dict(rows.values_list("name", "value"))


def secrets(*, actor: User, organization: Organization, project: Project | None) -> QuerySet[Secret]:
    """Names and dates of a project's own secrets, or (without a project) of the whole organization's."""
    return (
        Secret.objects.filter(
            organization=organization, project=project, organization__in=accounts.organizations(actor=actor)
        )
        .filter(visible(actor))
        .order_by("name")
    )


def _readable(actor: User) -> QuerySet[Project]:
    return Project.objects.filter(organization__in=accounts.organizations(actor=actor)).exclude(
        pk__in=hidden_from(actor).values("pk")
    )


def _naming(user: User) -> Q:
    """Rows of access that name them, by themselves or by a team."""
    return Q(user=user) | Q(team__in=TeamMembership.objects.filter(user=user).values("team"))
