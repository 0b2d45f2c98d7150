"""The only writers of projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from apps.accounts.documents import merge_patch, problems_of
from apps.accounts.errors import SlugTaken, invalid
from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, require
from apps.billing.entitlements import Quota
from apps.billing.services.quotas import require_room
from apps.core.errors import Invalid
from apps.core.trail import leave_trace
from apps.projects.events import project_deleted
from apps.projects.models import Project, ProjectAccessMode
from apps.projects.permissions import require_in_project


def create_project(
    *,
    actor: User,
    organization: Organization,
    name: str,
    slug: str | None = None,
    description: str = "",
    configuration: Mapping[str, Any] | None = None,
    access: str = ProjectAccessMode.ORGANIZATION,
) -> Project:
    """The slug is made of the name where none is given. The actor is named as an owner, by the database."""
    require(actor=actor, organization=organization, action=Action.WRITE)
    project = Project(
        organization=organization,
        name=_checked_name(name),
        slug=slug or slugify(name)[:120] or "project",
        description=description,
        configuration=_patched({}, configuration or {}),
        access=_checked_mode(access),
        created_by=actor,
    )
    with transaction.atomic():
        require_room(organization_id=organization.pk, quota=Quota.PROJECTS)
        _save(project)
        leave_trace(
            "project.created", actor=actor, organization=organization, target=project, after={"access": project.access}
        )
    return project


def update_project(
    *,
    actor: User,
    project: Project,
    name: str | None = None,
    slug: str | None = None,
    description: str | None = None,
    configuration: Mapping[str, Any] | None = None,
    access: str | None = None,
) -> Project:
    """What is None stays as it is; `configuration` is a merge patch (RFC 7396). To open or restrict it takes an admin."""
    require_in_project(actor=actor, project=project, action=Action.WRITE)
    if access is not None and _checked_mode(access) != project.access:
        require_in_project(actor=actor, project=project, action=Action.ADMINISTER)
    with transaction.atomic():
        # Others may have changed the configuration since it was read: this patch is merged into theirs.
        project = Project.objects.select_for_update(of=("self",)).select_related("organization").get(pk=project.pk)
        before = _told(project)
        project.name = project.name if name is None else _checked_name(name)
        project.slug = slug or project.slug
        project.description = project.description if description is None else description
        project.access = access or project.access
        if configuration is not None:
            project.configuration = _patched(project.configuration, configuration)
        _save(project)
        _trace_change("project.changed", actor, project, before)
    return project


def archive_project(*, actor: User, project: Project) -> Project:
    """Nothing in it changes or runs any more, until it is taken out of the archive. Done again, it does nothing."""
    return _move(actor, project, archived=True)


def unarchive_project(*, actor: User, project: Project) -> Project:
    return _move(actor, project, archived=False)


def delete_project(*, actor: User, project: Project) -> None:
    """With its secrets, variables and budgets; melodies of a project that is open lose it, those of a restricted one keep
    it from being deleted (`ProjectInUse`), for everybody would see them."""
    require_in_project(actor=actor, project=project, action=Action.ADMINISTER)
    with transaction.atomic():
        project_deleted.send(sender=Project, project=project)
        leave_trace("project.deleted", actor=actor, organization=project.organization, target=project)
        project.delete()


def _move(actor: User, project: Project, *, archived: bool) -> Project:
    require_in_project(actor=actor, project=project, action=Action.ADMINISTER)
    if project.is_archived != archived:
        before = _told(project)
        project.archived_at = timezone.now() if archived else None
        with transaction.atomic():
            project.save(update_fields=["archived_at", "updated_at"])
            _trace_change("project.archived" if archived else "project.unarchived", actor, project, before)
    return project


def _told(project: Project) -> dict[str, Any]:
    """What a trace tells of a project. Of its configuration the names only: nobody promised that no value is private."""
    return {
        "name": project.name,
        "slug": project.slug,
        "description": project.description[:200],
        "access": project.access,
        "archived": project.is_archived,
        "configuration": sorted(project.configuration),
    }


def _trace_change(action: str, actor: User, project: Project, before: Mapping[str, Any]) -> None:
    after = _told(project)
    changed = [name for name in after if after[name] != before[name]]
    leave_trace(
        action,
        actor=actor,
        organization=project.organization,
        target=project,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )


def _save(project: Project) -> None:
    try:
        with transaction.atomic():
            project.save()
    except IntegrityError as error:
        if "project_slug" in str(error):
            raise SlugTaken(f"There is a project {project.slug!r} in {project.organization.name} already.") from error
        raise


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise invalid("/name", "required", "A project needs a name.")
    return name


def _checked_mode(access: str) -> str:
    if access not in ProjectAccessMode.values:
        raise invalid("/access", "unknown_access", f"Choose from {', '.join(ProjectAccessMode.values)}.")
    return access


def _patched(configuration: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    problems = problems_of(patch, "/configuration")
    merged = {} if problems else merge_patch(configuration, patch)
    problems = problems or problems_of(merged, "/configuration")
    if problems:
        raise Invalid("The configuration cannot be kept like this.", errors=problems)
    return dict(merged)
