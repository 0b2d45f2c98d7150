"""What is kept about a person: shown to them, and forgotten when they ask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.hashers import make_password
from django.db.models import Count, F, Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from apps.accounts import mail
from apps.accounts.errors import StillOwner, invalid
from apps.accounts.events import person_erasing, personal_data_requested
from apps.accounts.models import (
    ApiToken,
    IdempotencyKey,
    Invitation,
    InvitationStatus,
    Membership,
    Organization,
    Role,
    TeamMembership,
    User,
)
from apps.accounts.services import letters
from apps.accounts.services.members import end_membership
from apps.accounts.services.organizations import close, delete_if_empty
from apps.accounts.services.passwords import confirm_password
from apps.core.tenancy import acting_as, staff
from apps.core.trail import leave_trace

ERASED_NAME: Final = "Erased person"
_PROFILE: Final = (
    "id", "email", "email_verified", "username", "first_name", "last_name", "display_name", "bio", "website", "avatar_url",
    "github_username", "social_links", "preferences", "last_login", "created_at", "updated_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Erasure:
    """`kept`: sentences that say what of theirs stays, without their name, and why."""

    kept: tuple[str, ...]


def export_personal_data(*, actor: User) -> dict[str, Any]:
    """Everything that is kept about the actor, by section. Each app adds its own: see `personal_data_requested`."""
    with acting_as(actor.pk):
        sections: dict[str, Any] = {
            "profile": User.objects.values(*_PROFILE).get(pk=actor.pk),
            "memberships": list(
                Membership.objects.filter(user=actor)
                .order_by("joined_at", "id")
                .values(
                    "organization_id",
                    "role",
                    "joined_at",
                    organization_name=F("organization__name"),
                    organization_slug=F("organization__slug"),
                )
            ),
            "teams": list(
                TeamMembership.objects.filter(user=actor)
                .order_by("joined_at", "id")
                .values("organization_id", "team_id", "role", "joined_at", team_name=F("team__name"))
            ),
            "invitations_received": list(
                Invitation.objects.filter(email=actor.email)
                .order_by("created_at", "id")
                .values("organization_id", "email", "role", "status", "created_at", "expires_at", "closed_at")
            ),
        }
        answers: list[tuple[Any, Any]] = personal_data_requested.send(sender=User, user=actor)
        sections |= dict(answer for _, answer in answers if answer is not None)
        leave_trace("user.data_exported", actor=actor, target=actor)
    return sections


@sensitive_variables("password")
def erase_person(*, actor: User, password: str = "", confirmation: str = "") -> Erasure:
    """The account, for good. `confirmation` is the account's e-mail address.

    Rows that others rely on keep pointing at an account without name, address or profile. Refused while others work in
    an organization that the actor alone owns.
    """
    if confirmation.strip().lower() != actor.email:
        raise invalid("/confirmation", "not_confirmed", "To erase your account, give its e-mail address here.")
    confirm_password(actor=actor, password=password)
    with acting_as(actor.pk):
        user = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
        memberships = _memberships(user)
        _refuse_sole_owner(memberships)
        letter = letters.erased(user)
        home = next((each.organization for each in memberships if each.organization.is_personal), None)
        answers = person_erasing.send(sender=User, user=user, personal_organization=home)
        kept = [sentence for _, answer in answers for sentence in _sentences(answer)]
        kept += [sentence for each in memberships for sentence in _part_from(user, each)]
        _forget_keys(user)
        _anonymize(user)
        leave_trace("user.erased", actor=user, target=user)
        mail.post(letter)
    return Erasure(tuple(kept))


def _memberships(user: User) -> list[Membership]:
    """With their organizations locked, so that nobody joins or leaves meanwhile, in one order for all who ask."""
    found = list(Membership.objects.filter(user=user).select_related("organization", "user").order_by("organization"))
    mine = [each.organization_id for each in found]
    with staff():
        list(Organization.objects.select_for_update(no_key=True).filter(pk__in=mine).order_by("pk").values_list("pk"))
    return found


def _refuse_sole_owner(memberships: Iterable[Membership]) -> None:
    owned = [each.organization for each in memberships if each.role == Role.OWNER and not each.organization.is_personal]
    others = Q(memberships__isnull=False)
    stuck = (
        Organization.objects.filter(pk__in=[each.pk for each in owned])
        .annotate(members=Count("memberships", others), owners=Count("memberships", Q(memberships__role=Role.OWNER)))
        .filter(owners=1, members__gt=1, is_active=True)
        .order_by("name")
    )
    names = [{"id": str(each.pk), "name": each.name, "slug": each.slug} for each in stuck]
    if names:
        listed = ", ".join(each["name"] for each in names)
        raise StillOwner(
            f"Others work in {listed}, which you alone own; hand over or close first.", organizations=names
        )


def _part_from(user: User, membership: Membership) -> list[str]:
    """Leave; what belonged to the user alone goes with them, or is closed. Says what stays."""
    organization = membership.organization
    alone = not Membership.objects.filter(organization=organization).exclude(pk=membership.pk).exists()
    if not alone and _is_sole_owner(membership):
        return [f"The closed organization {organization.name} keeps your account, nameless, as its owner."]
    if not alone:
        end_membership(actor=user, membership=membership)
        return []
    if delete_if_empty(organization):
        return []
    with staff():
        end_membership(actor=user, membership=membership)
        if organization.is_personal:
            organization.name, organization.slug = ERASED_NAME, f"erased-{organization.pk.hex}"
            organization.settings = {}
            organization.owner_user = user
            organization.save(update_fields=["name", "slug", "settings", "owner_user", "updated_at"])
        if organization.is_active:
            close(actor=user, organization=organization)
    what = "Your personal organization" if organization.is_personal else f"The organization {organization.name}"
    return [
        f"{what} is closed to everybody; records of what was made and run in it stay until they are past their time."
    ]


def _is_sole_owner(membership: Membership) -> bool:
    others = Membership.objects.filter(organization=membership.organization, role=Role.OWNER).exclude(pk=membership.pk)
    return membership.role == Role.OWNER and not others.exists()


def _forget_keys(user: User) -> None:
    now = timezone.now()
    ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=now)
    ApiToken.objects.filter(user=user).update(name="erased")
    IdempotencyKey.objects.filter(user=user).delete()
    with staff():
        mine = Invitation.objects.filter(email=user.email)
        mine.filter(status=InvitationStatus.PENDING).update(status=InvitationStatus.DECLINED, closed_at=now)
        Invitation.objects.filter(email=user.email).update(email=_nobody(user))


def _anonymize(user: User) -> None:
    now = timezone.now()
    User.objects.filter(pk=user.pk).update(
        email=_nobody(user),
        email_verified=False,
        username=f"erased-{user.pk.hex}"[:39].rstrip("-"),
        password=make_password(None),
        display_name=ERASED_NAME,
        first_name="",
        last_name="",
        bio="",
        website="",
        avatar_url="",
        github_username="",
        social_links={},
        preferences={},
        last_login=None,
        is_active=False,
        is_staff=False,
        is_superuser=False,
        erased_at=now,
        updated_at=now,
    )
    user.groups.clear()
    user.user_permissions.clear()
    user.refresh_from_db()


def _nobody(user: User) -> str:
    return f"erased-{user.pk.hex}@erased.invalid"


def _sentences(answer: object) -> list[str]:
    if answer is None:
        return []
    return [answer] if isinstance(answer, str) else [str(each) for each in answer]  # type: ignore[attr-defined]
