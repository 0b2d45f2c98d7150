"""Teams: some members of an organization under one name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from apps.accounts.documents import merge_patch, problems_of
from apps.accounts.errors import AlreadyMember, invalid
from apps.accounts.models import Membership, Organization, Role, Team, TeamMembership, User
from apps.accounts.permissions import Action, may, require
from apps.accounts.services.members import check_role, refuse_personal
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.tenancy import acting_as
from apps.core.trail import leave_trace


def create_team(
    *,
    actor: User,
    organization: Organization,
    name: str,
    description: str = "",
    settings: Mapping[str, Any] | None = None,
) -> Team:
    with acting_as(actor.pk):
        require(actor=actor, organization=organization, action=Action.ADMINISTER)
        refuse_personal(organization)
        team = Team(organization=organization, name=_checked_name(name), description=description, created_by=actor)
        _set_settings(team, settings or {})
        _save(team)
        leave_trace("team.created", actor=actor, organization=organization, target=team)
    return team


def update_team(
    *,
    actor: User,
    team: Team,
    name: str | None = None,
    description: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Team:
    """What is None stays as it is; `settings` is a merge patch (RFC 7396)."""
    with acting_as(actor.pk):
        _require_lead(actor, team)
        held = Team.objects.select_for_update(no_key=True, of=("self",)).filter(pk=team.pk).first()
        if held is None:
            raise NotFound("There is no such team.")
        before = {"name": held.name, "description": held.description}
        held.name = held.name if name is None else _checked_name(name)
        held.description = held.description if description is None else description
        if settings is not None:
            _set_settings(held, settings)
        _save(held)
        leave_trace(
            "team.changed",
            actor=actor,
            organization=team.organization,
            target=held,
            before=before,
            after={"name": held.name, "description": held.description},
        )
    return held


def delete_team(*, actor: User, team: Team) -> None:
    with acting_as(actor.pk):
        require(actor=actor, organization=team.organization, action=Action.ADMINISTER)
        leave_trace("team.deleted", actor=actor, organization=team.organization, target=team)
        Team.objects.filter(pk=team.pk).delete()


def add_team_member(*, actor: User, team: Team, member: Membership, role: str = Role.MEMBER) -> TeamMembership:
    """`member` of the team's organization: the database refuses any other."""
    check_role(role)
    with acting_as(actor.pk):
        _require_lead(actor, team)
        if member.organization_id != team.organization_id:
            raise NotFound("There is no such member.")
        row = TeamMembership(organization_id=team.organization_id, team=team, user=member.user, role=role)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise AlreadyMember(f"{member.user.get_full_name()} is in {team.name} already.") from error
        leave_trace("team.member_added", actor=actor, organization=team.organization, target=team, after=_facts(row))
    return row


def change_team_role(*, actor: User, member: TeamMembership, role: str) -> TeamMembership:
    check_role(role)
    with acting_as(actor.pk):
        _require_lead(actor, member.team)
        before, member.role = member.role, role
        if not TeamMembership.objects.filter(pk=member.pk).update(role=role):
            raise NotFound("There is no such member.")
        leave_trace(
            "team.role_changed",
            actor=actor,
            organization=member.team.organization,
            target=member.team,
            before={"user": str(member.user_id), "role": before},
            after=_facts(member),
        )
    return member


def remove_team_member(*, actor: User, member: TeamMembership) -> None:
    """Members may always remove themselves."""
    with acting_as(actor.pk):
        if member.user_id != actor.pk:
            _require_lead(actor, member.team)
        if not TeamMembership.objects.filter(pk=member.pk).delete()[0]:
            raise NotFound("There is no such member.")
        leave_trace(
            "team.member_removed",
            actor=actor,
            organization=member.team.organization,
            target=member.team,
            before=_facts(member),
        )


def _require_lead(actor: User, team: Team) -> None:
    """Admins of the organization lead every team, owners and admins of a team lead that one."""
    role = require(actor=actor, organization=team.organization, action=Action.READ)
    if may(role, Action.ADMINISTER):
        return
    own = TeamMembership.objects.filter(team=team, user=actor).values_list("role", flat=True).first()
    if not may(own, Action.ADMINISTER):
        raise Forbidden(f"Only who leads {team.name}, or an admin of the organization, may do this.")


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise invalid("/name", "required", "A team needs a name.")
    return name


def _set_settings(team: Team, patch: Mapping[str, Any]) -> None:
    team.settings = merge_patch(team.settings, patch)
    if problems := problems_of(team.settings, "/settings"):
        raise Invalid("These settings cannot be kept.", errors=problems)


def _save(team: Team) -> None:
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError as error:
        if "team_name" in str(error):
            raise Conflict(f"There is a team {team.name!r} already.") from error
        raise


def _facts(member: TeamMembership) -> dict[str, str]:
    return {"user": str(member.user_id), "role": str(member.role)}
