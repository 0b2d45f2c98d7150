"""Billing listens to accounts: seats, closing organizations, and people who ask for their data or go."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.dispatch import receiver
from django.utils import timezone

from apps.accounts.events import (
    invitation_adding,
    membership_adding,
    organization_deactivated,
    person_erasing,
    personal_data_requested,
)
from apps.accounts.models import Invitation, InvitationStatus, Membership, Organization, User
from apps.billing.entitlements import Quota
from apps.billing.measures import measures
from apps.billing.models import Subscription
from apps.billing.services.closing import end_subscriptions, forget_person, keeps_books
from apps.billing.services.quotas import require_room
from apps.core.tenancy import staff


@measures(Quota.SEATS)
def count_seats(organization_id: UUID) -> int:
    """Members, and those who are invited."""
    members = Membership.objects.filter(organization_id=organization_id).count()
    return members + _invitations(organization_id).count()


@receiver(membership_adding)
def seat_for_member(organization: Organization, user: User, **_: Any) -> None:
    """Who was invited has had a seat since then."""
    # Who joins is no member yet, and sees nothing of the organization.
    with staff():
        invited = _invitations(organization.pk).filter(email=user.email).exists()
        require_room(organization_id=organization.pk, quota=Quota.SEATS, adding=0 if invited else 1)


@receiver(invitation_adding)
def seat_for_invitation(organization: Organization, **_: Any) -> None:
    with staff():
        require_room(organization_id=organization.pk, quota=Quota.SEATS)


@receiver(organization_deactivated)
def stop_charging(organization: Organization, **_: Any) -> None:
    end_subscriptions(organization_id=organization.pk)


@receiver(personal_data_requested)
def tell_subscriptions(user: User, **_: Any) -> tuple[str, list[dict[str, Any]]]:
    begun = Subscription.objects.filter(created_by=user).select_related("plan", "organization").order_by("id")
    return "subscriptions", [
        {
            "organization": str(each.organization),
            "plan": str(each.plan),
            "status": each.status,
            "begun_at": each.created_at.isoformat(),
            "payment_info": each.payment_info,
        }
        for each in begun
    ]


@receiver(person_erasing)
def forget(user: User, personal_organization: Organization | None = None, **_: Any) -> str | None:
    forget_person(user_id=user.pk)
    if personal_organization is None:
        return None
    end_subscriptions(organization_id=personal_organization.pk)
    if keeps_books(organization_id=personal_organization.pk):
        return "Invoices and what was paid for them are kept as long as the law demands, without your name."
    return None


def _invitations(organization_id: UUID) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        organization_id=organization_id, status=InvitationStatus.PENDING, expires_at__gt=timezone.now()
    )
