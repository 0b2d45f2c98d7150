from __future__ import annotations

from apps.core.errors import Conflict, Forbidden, Invalid, SymphonyError


class EmailTaken(Conflict):
    """There is an account with this e-mail address already."""

    code = "email_taken"


class IdempotencyInProgress(Conflict):
    """A request with this Idempotency-Key is still being worked on; ask again shortly."""

    code = "idempotency_in_progress"


class IdempotencyKeyReused(Invalid):
    """This Idempotency-Key was used for a different request; take a new key for a new request."""

    code = "idempotency_key_reused"


def invalid(pointer: str, code: str, message: str) -> Invalid:
    """One thing is wrong, at one place."""
    return Invalid(message, errors=[{"code": code, "message": message, "pointer": pointer}])


class UsernameTaken(Conflict):
    """Somebody has this username already; choose another."""

    code = "username_taken"


class SlugTaken(Conflict):
    """Something of this kind has this short name already; choose another."""

    code = "slug_taken"


class LinkDead(SymphonyError):
    """This link is not valid, used already or too old; ask for a new one."""

    code = "link_dead"
    status = 410
    title = "Gone"


class SignUpClosed(Forbidden):
    """Nobody registers here by themselves; ask a member to invite you."""

    code = "sign_up_closed"


class WrongPassword(Forbidden):
    """This is not your password."""

    code = "wrong_password"


class EmailNotVerified(Conflict):
    """Verify your e-mail address first: ask for a letter and follow its link."""

    code = "email_not_verified"


class NotInvited(Forbidden):
    """This invitation is for another e-mail address; sign in with the account of that address."""

    code = "not_invited"


class AlreadyMember(Conflict):
    """They are a member already."""

    code = "already_member"


class AlreadyInvited(Conflict):
    """An invitation to this address is open already; send it again or revoke it."""

    code = "already_invited"


class PersonalOrganization(Conflict):
    """A personal organization has one member; create an organization to work together in."""

    code = "personal_organization"


class LastOwner(Conflict):
    """An organization needs an owner; make another member an owner first."""

    code = "last_owner"


class StillOwner(Conflict):
    """Others work in organizations that you alone own; transfer the ownership or close them first."""

    code = "still_owner"


class OrganizationNotEmpty(Conflict):
    """Something is left in this organization; delete that first, or deactivate the organization."""

    code = "organization_not_empty"
