"""Organizations are founded, renamed, closed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import DO_NOTHING, ManyToOneRel, QuerySet

from apps.accounts.documents import merge_patch, problems_of
from apps.accounts.errors import OrganizationNotEmpty, PersonalOrganization, SlugTaken, invalid
from apps.accounts.events import organization_deactivated
from apps.accounts.models import Membership, Organization, Role, User
from apps.accounts.permissions import Action, require
from apps.core.errors import Forbidden, Invalid
from apps.core.tenancy import acting_as, staff
from apps.core.trail import leave_trace

LONGEST_SLUG: Final = 120
_OURS: Final = ("accounts_teammembership", "accounts_team", "accounts_invitation", "accounts_membership")
_SLUG: Final = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")


def create_organization(*, actor: User, name: str) -> Organization:
    name = _checked_name(name)
    with acting_as(actor.pk):
        organization = Organization.objects.create_owned(actor, name=name, slug_from=name)
        leave_trace("organization.created", actor=actor, organization=organization, target=organization)
    return organization


def update_organization(
    *,
    actor: User,
    organization: Organization,
    name: str | None = None,
    slug: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Organization:
    """What is None stays as it is; `settings` is a merge patch (RFC 7396)."""
    with acting_as(actor.pk):
        organization, _ = lock(actor, organization)
        before = {"name": organization.name, "slug": organization.slug, "settings": organization.settings}
        if name is not None:
            organization.name = _checked_name(name)
        if slug is not None and slug.strip().lower() != organization.slug:
            organization.slug = _checked_slug(slug)
        if settings is not None:
            organization.settings = merge_patch(organization.settings, settings)
            if problems := problems_of(organization.settings, "/settings"):
                raise Invalid("These settings cannot be kept.", errors=problems)
        _save(organization)
        after = {"name": organization.name, "slug": organization.slug, "settings": organization.settings}
        leave_trace(
            "organization.changed",
            actor=actor,
            organization=organization,
            target=organization,
            before={name: value for name, value in before.items() if value != after[name]},
            after={name: value for name, value in after.items() if value != before[name]},
        )
    return organization


def deactivate_organization(*, actor: User, organization: Organization) -> Organization:
    """To its members it is gone, with all that is in it; nothing is deleted, and staff can bring it back."""
    with acting_as(actor.pk):
        organization, role = lock(actor, organization)
        _refuse_personal(organization, "A personal organization is closed by erasing its account.")
        _owners_only(role, "Only an owner can close an organization.")
        close(actor=actor, organization=organization)
    return organization


def close(*, actor: User | None, organization: Organization) -> None:
    """As `deactivate_organization`, for those who have asked all the questions already."""
    organization.is_active = False
    organization.save(update_fields=["is_active", "updated_at"])
    leave_trace("organization.deactivated", actor=actor, organization=organization, target=organization)
    organization_deactivated.send(sender=Organization, organization=organization)


def deactivate_organizations(*, actor: User, organizations: QuerySet[Organization]) -> int:
    """Staff closes them; call it within the staff scope. Returns how many were open."""
    with transaction.atomic():
        found = list(organizations.filter(is_active=True).select_for_update(no_key=True, of=("self",)))
        for organization in found:
            close(actor=actor, organization=organization)
    return len(found)


def reactivate_organizations(*, actor: User, organizations: QuerySet[Organization]) -> int:
    """Staff opens them again; call it within the staff scope. Not those whose owner is erased."""
    with transaction.atomic():
        closed = organizations.filter(is_active=False).exclude(is_personal=True, owner_user__erased_at__isnull=False)
        found = list(closed.select_for_update(no_key=True, of=("self",)))
        for organization in found:
            organization.is_active = True
            organization.save(update_fields=["is_active", "updated_at"])
            leave_trace("organization.reactivated", actor=actor, organization=organization, target=organization)
    return len(found)


def delete_organization(*, actor: User, organization: Organization) -> None:
    """For good, and only when nobody loses anything: no other member, and nothing made in it."""
    with acting_as(actor.pk):
        organization, role = lock(actor, organization)
        _refuse_personal(organization, "A personal organization is deleted with its account.")
        _owners_only(role, "Only an owner can delete an organization.")
        if Membership.objects.filter(organization=organization).exclude(user=actor).exists():
            raise OrganizationNotEmpty("Other members are left; remove them first, or deactivate the organization.")
        leave_trace("organization.deleted", actor=actor, organization=organization, target=organization)
        if not delete_if_empty(organization):
            raise OrganizationNotEmpty


def delete_if_empty(organization: Organization) -> bool:
    """Whether the row is gone; it stays, untouched, where anything that was made in it is left.

    Not by Django's `delete`: that one would take along, or stumble over, what other apps keep. Here the database says no.
    """
    with staff():
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                if _holds_anything(organization):
                    return False
                for table in _OURS:
                    cursor.execute(f'DELETE FROM "{table}" WHERE organization_id = %s', [organization.pk])
                cursor.execute("DELETE FROM accounts_organization WHERE id = %s", [organization.pk])
                # Foreign keys are asked at commit otherwise, when it is too late to say no.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except DatabaseError:
            return False
    return True


def lock(actor: User, organization: Organization) -> tuple[Organization, str]:
    """The row, fresh and held to the end of the transaction, and the actor's role, for those who administer it.

    Who asks at the same time waits here; the role is asked for again afterwards, for it may have gone meanwhile.
    """
    require(actor=actor, organization=organization, action=Action.ADMINISTER)
    held = Organization.objects.select_for_update(no_key=True, of=("self",)).filter(pk=organization.pk).first()
    role = require(actor=actor, organization=organization, action=Action.ADMINISTER)
    return held or organization, role


def _holds_anything(organization: Organization) -> bool:
    """Rows of other apps. Ours (members, teams, invitations) hold nothing that anybody made; nor does what there is one
    of per organization (its plan), nor what is meant to outlive it (history, which no foreign key holds).
    """
    ours = Organization._meta.app_label  # noqa: SLF001 - public API, for all its name
    for relation in Organization._meta.get_fields(include_hidden=True):  # noqa: SLF001
        if not isinstance(relation, ManyToOneRel) or relation.one_to_one or relation.on_delete is DO_NOTHING:
            continue
        model = relation.related_model
        if model._meta.app_label == ours or not model._meta.managed:  # noqa: SLF001
            continue
        if model._base_manager.filter(**{relation.field.attname: organization.pk}).exists():  # noqa: SLF001
            return True
    return False


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise invalid("/name", "required", "An organization needs a name.")
    return name


def _checked_slug(slug: str) -> str:
    slug = slug.strip().lower()
    if len(slug) > LONGEST_SLUG or not _SLUG.fullmatch(slug):
        raise invalid(
            "/slug", "invalid_slug", f"A short name is at most {LONGEST_SLUG} letters a-z, digits, - and _, and begins and ends with a letter or digit."
        )  # fmt: skip
    try:
        UUID(slug)
    except ValueError:
        return slug
    raise invalid("/slug", "invalid_slug", "A short name must not look like an identifier.")


def _save(organization: Organization) -> None:
    try:
        with transaction.atomic():
            organization.save(update_fields=["name", "slug", "settings", "updated_at"])
    except IntegrityError as error:
        if "slug" in str(error):
            raise SlugTaken("Another organization has this short name already; choose another.") from error
        raise


def _refuse_personal(organization: Organization, why: str) -> None:
    if organization.is_personal:
        raise PersonalOrganization(why)


def _owners_only(role: str, why: str) -> None:
    if role != Role.OWNER:
        raise Forbidden(why)
