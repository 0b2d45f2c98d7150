"""Who is a member of an organization, and as what."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.errors import AlreadyMember, LastOwner, PersonalOrganization, invalid
from apps.accounts.events import membership_adding, membership_ended
from apps.accounts.models import Invitation, InvitationStatus, Membership, Organization, Role, User
from apps.accounts.permissions import Action, require
from apps.accounts.services.organizations import lock
from apps.core.errors import Conflict, Forbidden, NotFound
from apps.core.tenancy import acting_as
from apps.core.trail import leave_trace


def add_member(*, actor: User, organization: Organization, user: User, role: str = Role.MEMBER) -> Membership:
    """Without asking them: for staff and programs. People are invited."""
    check_role(role)
    with acting_as(actor.pk):
        own_role = require(actor=actor, organization=organization, action=Action.ADMINISTER)
        refuse_personal(organization)
        may_give(own_role, role)
        return join(organization=organization, user=user, role=role, actor=actor)


def join(*, organization: Organization, user: User, role: str, actor: User) -> Membership:
    """The membership itself, for those who have asked all the questions already."""
    membership_adding.send(sender=Membership, organization=organization, user=user, role=role)
    membership = Membership(organization=organization, user=user, role=role)
    try:
        with transaction.atomic():
            membership.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyMember(f"{user.email} is a member of {organization.name} already.") from error
    leave_trace("membership.added", actor=actor, organization=organization, target=membership, after=_facts(membership))
    return membership


def change_role(*, actor: User, membership: Membership, role: str) -> Membership:
    check_role(role)
    with acting_as(actor.pk):
        organization, own_role = lock(actor, membership.organization)
        member = _held(membership)
        may_give(own_role, role)
        _may_touch(own_role, member)
        if member.role == Role.OWNER and role != Role.OWNER:
            _keep_an_owner(organization, member)
        before, member.role = member.role, role
        if before == role:
            return member
        member.save(update_fields=["role"])
        if role not in (Role.OWNER, Role.ADMIN):
            _revoke_invitations_of(member)
        leave_trace(
            "membership.role_changed",
            actor=actor,
            organization=organization,
            target=member,
            before={"role": before},
            after=_facts(member),
        )
    return member


def remove_member(*, actor: User, membership: Membership) -> None:
    """Also from all teams. Who removes themselves leaves."""
    if membership.user_id == actor.pk:
        leave_organization(actor=actor, organization=membership.organization)
        return
    with acting_as(actor.pk):
        organization, own_role = lock(actor, membership.organization)
        member = _held(membership)
        _may_touch(own_role, member)
        if member.role == Role.OWNER:
            _keep_an_owner(organization, member)
        _revoke_invitations_of(member)
        _end(actor, member)


def leave_organization(*, actor: User, organization: Organization) -> None:
    with acting_as(actor.pk):
        role = require(actor=actor, organization=organization, action=Action.READ)
        refuse_personal(organization)
        if role in (Role.OWNER, Role.ADMIN):
            organization, role = lock(actor, organization)
        member = Membership.objects.select_related("organization", "user").get(organization=organization, user=actor)
        if role == Role.OWNER:
            _keep_an_owner(organization, member)
        if role in (Role.OWNER, Role.ADMIN):
            _revoke_invitations_of(member)
        _end(actor, member)


def transfer_ownership(*, actor: User, organization: Organization, to: Membership) -> Membership:
    """Another member becomes the owner, who was it stays as an admin."""
    with acting_as(actor.pk):
        organization, own_role = lock(actor, organization)
        refuse_personal(organization)
        if own_role != Role.OWNER:
            raise Forbidden("Only an owner can hand an organization over.")
        successor = _held(to)
        if successor.organization_id != organization.pk:
            raise NotFound("There is no such member.")
        if successor.user_id == actor.pk:
            raise Conflict("You own this organization already.")
        # In this order: at no moment is there no owner.
        Membership.objects.filter(pk=successor.pk).update(role=Role.OWNER)
        Organization.objects.filter(pk=organization.pk).update(owner_user=successor.user, updated_at=timezone.now())
        Membership.objects.filter(organization=organization, user=actor).update(role=Role.ADMIN)
        successor.role = Role.OWNER
        leave_trace(
            "organization.ownership_transferred",
            actor=actor,
            organization=organization,
            target=organization,
            before={"owner": str(actor.pk)},
            after={"owner": str(successor.user_id)},
        )
    return successor


def end_membership(*, actor: User, membership: Membership) -> None:
    """For whom no question is left: an account that is being erased."""
    _revoke_invitations_of(membership)
    _end(actor, membership)


def check_role(role: str) -> None:
    if role not in Role.values:
        raise invalid("/role", "unknown_role", f"There is no role {role[:40]!r}; choose from {', '.join(Role.values)}.")


def may_give(own_role: str, role: str) -> None:
    if role == Role.OWNER and own_role != Role.OWNER:
        raise Forbidden("Only an owner can make another member an owner.")


def refuse_personal(organization: Organization) -> None:
    if organization.is_personal:
        raise PersonalOrganization


def _may_touch(own_role: str, member: Membership) -> None:
    if member.role == Role.OWNER and own_role != Role.OWNER:
        raise Forbidden("Only an owner can change or remove an owner.")


def _held(membership: Membership) -> Membership:
    found = (
        Membership.objects.select_for_update(no_key=True, of=("self",))
        .select_related("organization", "user")
        .filter(pk=membership.pk)
        .first()
    )
    if found is None:
        raise NotFound("There is no such member.")
    return found


def _keep_an_owner(organization: Organization, leaving: Membership) -> None:
    """The organization is locked: nobody else can leave between this question and what follows."""
    others = Membership.objects.filter(organization=organization, role=Role.OWNER).exclude(pk=leaving.pk)
    if not others.exists():
        raise LastOwner


def _revoke_invitations_of(member: Membership) -> None:
    """Who may invite nobody any more leaves no open doors behind."""
    Invitation.objects.filter(
        organization=member.organization_id, invited_by=member.user_id, status=InvitationStatus.PENDING
    ).update(status=InvitationStatus.REVOKED, closed_at=timezone.now())


def _end(actor: User, member: Membership) -> None:
    organization, user, facts = member.organization, member.user, _facts(member)
    # Before the row goes: afterwards the trail of the organization is closed to who has left.
    leave_trace("membership.ended", actor=actor, organization=organization, target=member, before=facts)
    Membership.objects.filter(pk=member.pk).delete()
    membership_ended.send(sender=Membership, organization=organization, user=user)


def _facts(member: Membership) -> dict[str, str]:
    return {"user": str(member.user_id), "role": str(member.role)}
