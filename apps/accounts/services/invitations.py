"""An address is asked to join; its owner says yes or no."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from apps.accounts import links, mail, pace, queries
from apps.accounts.errors import AlreadyInvited, AlreadyMember, EmailNotVerified, LinkDead, NotInvited
from apps.accounts.events import invitation_adding
from apps.accounts.links import LIFETIME, Purpose
from apps.accounts.models import Invitation, InvitationStatus, Membership, Organization, Role, User
from apps.accounts.permissions import Action, require
from apps.accounts.services import letters
from apps.accounts.services.members import check_role, join, may_give, refuse_personal
from apps.accounts.services.people import check_email, create_user
from apps.core.errors import Conflict, Invalid, NotFound, SymphonyError, TooMany
from apps.core.tenancy import acting_as, local_setting
from apps.core.trail import leave_trace

MOST_AT_ONCE: Final = 100
MOST_OPEN: Final = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one address of many: `invited`, or the code of why not."""

    email: str
    outcome: str
    invitation: Invitation | None = None


def invite(*, actor: User, organization: Organization, email: str, role: str = Role.MEMBER) -> Invitation:
    """A letter with a link that is good for a week, for this address only."""
    with acting_as(actor.pk):
        own_role = _may_invite(actor, organization)
        return _invite(actor, organization, own_role, check_email(email), role)


def invite_many(*, actor: User, organization: Organization, people: Iterable[tuple[str, str]]) -> list[Outcome]:
    """Pairs of address and role. Who is a member or invited already is passed over; a mistake in any undoes all."""
    with acting_as(actor.pk):
        own_role = _may_invite(actor, organization)
        outcomes = []
        for index, (email, role) in enumerate(people):
            try:
                with transaction.atomic():
                    row = _invite(actor, organization, own_role, check_email(email), role)
                outcomes.append(Outcome(row.email, "invited", row))
            except (AlreadyMember, AlreadyInvited, TooMany) as error:
                outcomes.append(Outcome(email, error.code))
            except Invalid as error:
                raise _of_item(error, index) from error
    return outcomes


def resend_invitation(*, actor: User, invitation: Invitation) -> Invitation:
    """A new letter with a new link and a new week; the old link is dead."""
    with acting_as(actor.pk):
        own_role = _may_invite(actor, invitation.organization)
        row = _held(invitation)
        may_give(own_role, row.role)
        _keep_pace(row.organization, row.email)
        secret = _new_secret(row)
        row.sent_count += 1
        row.save(update_fields=["token_hash", "expires_at", "sent_at", "sent_count"])
        leave_trace("invitation.resent", actor=actor, organization=row.organization, target=row)
        mail.post(letters.invitation(row, secret))
    return row


def revoke_invitation(*, actor: User, invitation: Invitation) -> Invitation:
    with acting_as(actor.pk):
        require(actor=actor, organization=invitation.organization, action=Action.ADMINISTER)
        row = _held(invitation)
        _close(row, InvitationStatus.REVOKED)
        leave_trace("invitation.revoked", actor=actor, organization=row.organization, target=row)
    return row


def revoke_invitations(*, actor: User, invitations: Iterable[Invitation]) -> int:
    """Staff revokes those of anybody; call it within the staff scope. Returns how many were open."""
    with transaction.atomic():
        pending = [row for row in invitations if row.status == InvitationStatus.PENDING]
        for row in pending:
            _close(row, InvitationStatus.REVOKED)
            leave_trace("invitation.revoked", actor=actor, organization=row.organization, target=row)
    return len(pending)


def shown_invitation(token: str) -> Invitation:
    """What a link invites to, with its organization and who invites; `LinkDead` when it is open no more."""
    facts = links.read(Purpose.INVITATION, token)
    found = None if facts is None else queries.invitation_of(UUID(facts["invitation"]), hash_of(facts["secret"]))
    if found is None or not found.is_open or not found.organization.is_active:
        raise LinkDead("This invitation was revoked, answered or is too old; ask for a new one.")
    return found


def accept_invitation(*, actor: User, invitation: Invitation) -> Membership:
    """For who has verified the address that was invited; the link itself is not asked for."""
    with acting_as(actor.pk), local_setting("app.invited", "on"):
        row = _mine(actor, invitation)
        organization = row.organization
        existing = Membership.objects.filter(organization=organization, user=actor).first()
        membership = existing or join(organization=organization, user=actor, role=row.role, actor=actor)
        row.accepted_by = actor
        _close(row, InvitationStatus.ACCEPTED)
        leave_trace("invitation.accepted", actor=actor, organization=organization, target=row)
    return membership


def decline_invitation(*, actor: User, invitation: Invitation) -> Invitation:
    with acting_as(actor.pk), local_setting("app.invited", "on"):
        row = _mine(actor, invitation)
        # Before it is closed: afterwards the trail of the organization is none of theirs.
        leave_trace("invitation.declined", actor=actor, organization=row.organization, target=row)
        _close(row, InvitationStatus.DECLINED)
    return row


@sensitive_variables("password")
def register_invited(
    *, token: str, password: str, username: str = "", display_name: str = ""
) -> tuple[User, Membership]:
    """An account for who was invited and has none, also where nobody else may register; it joins at once."""
    with transaction.atomic():
        invitation = shown_invitation(token)
        if User.objects.filter(email=invitation.email).exists():
            raise Conflict("There is an account with this address already; sign in and accept the invitation.")
        user = create_user(
            email=invitation.email,
            password=password,
            username=username,
            display_name=display_name,
            email_verified=True,
        )
        leave_trace("user.registered", actor=user, target=user)
        return user, accept_invitation(actor=user, invitation=invitation)


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _may_invite(actor: User, organization: Organization) -> str:
    role = require(actor=actor, organization=organization, action=Action.ADMINISTER)
    refuse_personal(organization)
    return role


def _invite(actor: User, organization: Organization, own_role: str, email: str, role: str) -> Invitation:
    check_role(role)
    may_give(own_role, role)
    if Membership.objects.filter(organization=organization, user__email=email).exists():
        raise AlreadyMember(f"{email} is a member of {organization.name} already.")
    _make_room(organization, email)
    invitation_adding.send(sender=Invitation, organization=organization, email=email)
    _keep_pace(organization, email)
    row = Invitation(organization=organization, email=email, role=role, invited_by=actor)
    secret = _new_secret(row)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyInvited from error
    leave_trace(
        "invitation.created",
        actor=actor,
        organization=organization,
        target=row,
        after={"email": row.email, "role": str(row.role)},
    )
    mail.post(letters.invitation(row, secret))
    return row


def _make_room(organization: Organization, email: str) -> None:
    """What is too old to be answered does not stand in the way of a new invitation."""
    pending = Invitation.objects.filter(organization=organization, status=InvitationStatus.PENDING)
    now = timezone.now()
    pending.filter(expires_at__lte=now).update(status=InvitationStatus.REVOKED, closed_at=now)
    if pending.filter(email=email).exists():
        raise AlreadyInvited
    if pending.count() >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN:,} invitations are open; revoke some of them first.")


def _keep_pace(organization: Organization, email: str) -> None:
    if not pace.allows_letter(f"invitation {organization.pk}", email):
        raise TooMany("This address had a letter just now; wait a minute.", retry_after=pace.LETTERS.seconds)


def _new_secret(row: Invitation) -> str:
    secret = secrets.token_urlsafe(32)
    row.token_hash = hash_of(secret)
    row.sent_at = timezone.now()
    row.expires_at = row.sent_at + LIFETIME[Purpose.INVITATION]
    return secret


def _held(invitation: Invitation) -> Invitation:
    row = (
        Invitation.objects.select_for_update(no_key=True, of=("self",))
        .select_related("organization", "invited_by")
        .filter(pk=invitation.pk)
        .first()
    )
    if row is None:
        raise NotFound("There is no such invitation.")
    if row.status != InvitationStatus.PENDING:
        raise Conflict(f"This invitation is {row.status} already.")
    return row


def _mine(actor: User, invitation: Invitation) -> Invitation:
    if actor.email != invitation.email:
        raise NotInvited
    if not actor.email_verified:
        raise EmailNotVerified
    row = (
        Invitation.objects.select_for_update(no_key=True, of=("self",))
        .select_related("organization")
        .filter(pk=invitation.pk, email=actor.email, status=InvitationStatus.PENDING, expires_at__gt=timezone.now())
        .first()
    )
    if row is None or not row.organization.is_active:
        raise LinkDead("This invitation was revoked, answered or is too old; ask for a new one.")
    return row


def _close(row: Invitation, status: InvitationStatus) -> None:
    row.status, row.closed_at = status, timezone.now()
    row.save(update_fields=["status", "closed_at", "accepted_by"])


def _of_item(error: Invalid, index: int) -> SymphonyError:
    """The same, said of one of many."""
    errors = [{**each, "pointer": f"/invitations/{index}{each['pointer']}"} for each in error.errors]
    return Invalid(error.detail, errors=errors)
