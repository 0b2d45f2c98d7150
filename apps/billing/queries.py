"""What may be read of billing, and by whom.

Each query names its user beside row-level security, so that it also holds for a database role that bypasses that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, FilteredRelation, Prefetch, Q, QuerySet, Sum

from apps.accounts.models import Membership, Organization, User
from apps.accounts.permissions import Action, require
from apps.billing.entitlements import Entitlements, Quota, entitlements_for, higher_tier
from apps.billing.errors import NoSubscription, PlanNotFound
from apps.billing.measures import measured
from apps.billing.models import (
    LIVE,
    AccountKind,
    Invoice,
    InvoiceStatus,
    LedgerEntry,
    LedgerPosting,
    Plan,
    Subscription,
    SubscriptionStatus,
)
from apps.core.errors import NotFound
from apps.core.tenancy import staff


def plans() -> QuerySet[Plan]:
    """Those on offer, for everybody."""
    return Plan.objects.filter(active=True)


def plan_for(*, plan_id: UUID) -> Plan:
    plan = plans().filter(pk=plan_id).first()
    if plan is None:
        raise PlanNotFound
    return plan


def subscription_for(*, actor: User, organization: Organization) -> Subscription:
    """The live one, else one that was begun, else the last there was."""
    require(actor=actor, organization=organization, action=Action.READ)
    found = newest_subscription(organization.pk)
    if found is None:
        raise NoSubscription
    return found


def newest_subscription(organization_id: UUID) -> Subscription | None:
    rows = list(Subscription.objects.filter(organization_id=organization_id).select_related("plan")[:20])
    order = {status: place for place, status in enumerate((*LIVE, SubscriptionStatus.INCOMPLETE))}
    return min(rows, key=lambda row: order.get(SubscriptionStatus(row.status), len(order)), default=None)


def invoices(*, actor: User, organization: Organization) -> QuerySet[Invoice]:
    """For admins. Evaluate it while acting as the actor."""
    require(actor=actor, organization=organization, action=Action.ADMINISTER)
    return Invoice.objects.filter(organization=organization)


def ledger(*, actor: User, organization: Organization) -> QuerySet[LedgerEntry]:
    """Entries with their postings and accounts, for admins. Evaluate it while acting as the actor."""
    require(actor=actor, organization=organization, action=Action.ADMINISTER)
    postings = LedgerPosting.objects.select_related("account")
    return LedgerEntry.objects.filter(organization=organization).prefetch_related(Prefetch("postings", postings))


def balance(*, organization_id: UUID, kind: AccountKind, currency: str) -> int:
    """In the smallest unit; debit above zero."""
    postings = LedgerPosting.objects.filter(
        organization_id=organization_id, account__kind=kind, account__currency=currency
    )
    return int(postings.aggregate(sum=Sum("amount"))["sum"] or 0)


def credit_of(*, organization_id: UUID, currency: str) -> int:
    """What the organization has in credit, in the smallest unit; not below zero."""
    return max(-balance(organization_id=organization_id, kind=AccountKind.CREDIT, currency=currency), 0)


def spendable_credit(*, organization_id: UUID, currency: str) -> int:
    """What of the credit pays an invoice: not what stands against another that was never paid, given up or not. Else a
    large plan that is left at once, unpaid, would pay for small ones."""
    unpaid = Invoice.objects.filter(
        organization_id=organization_id,
        currency=currency,
        status__in=(InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE),
    )
    owed = unpaid.aggregate(owed=Sum(F("amount_due") - F("amount_paid")))["owed"] or 0
    return max(credit_of(organization_id=organization_id, currency=currency) - owed, 0)


def entitlements_of(organization_id: UUID) -> Entitlements:
    """By the plan of the live subscription; without one, by the higher of the organization's tier and the default.

    Call it where the organization can be seen: acting as a member, working for it, or as staff.
    """
    found = _entitlements(Organization.objects.filter(pk=organization_id)).get(organization_id)
    if found is None:
        raise NotFound("There is no such organization, or you are not a member of it.")
    return found


def entitlements_of_person(user_id: UUID) -> Entitlements:
    """Those of the organization of theirs that entitles to the most requests; call it while acting as them."""
    mine = Membership.objects.filter(user_id=user_id).values("organization_id")
    found = _entitlements(Organization.objects.filter(pk__in=mine, is_active=True)).values()
    most = (each for each in found if each.requests_per_minute is None)
    return next(most, None) or max(
        found, key=lambda each: each.requests_per_minute or 0, default=entitlements_for(settings.SYMPHONY_DEFAULT_TIER)
    )


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """`limit` None: as much as you like. `used` None: not counted (a length of time, a rate)."""

    quota: Quota
    limit: int | None
    used: int | None

    @property
    def remaining(self) -> int | None:
        return None if self.limit is None or self.used is None else max(self.limit - self.used, 0)


def usage(*, actor: User, organization: Organization) -> tuple[Entitlements, list[QuotaUse]]:
    """All quotas of an organization with what is used of them, for its members."""
    require(actor=actor, organization=organization, action=Action.READ)
    entitled = entitlements_of(organization.pk)
    with staff():
        uses = [QuotaUse(quota, entitled.limit(quota), measured(quota, organization.pk)) for quota in Quota]
    return entitled, uses


def retention_days(organization_id: UUID) -> int | None:
    """How long finished runs are kept; None for ever."""
    return entitlements_of(organization_id).retention_days


def retention_by_organization() -> dict[UUID, int]:
    """All organizations whose finished runs are not kept for ever; call it while sweeping."""
    found = _entitlements(Organization.objects.all())
    return {pk: each.retention_days for pk, each in found.items() if each.retention_days is not None}


def tasks_by_organization() -> dict[UUID, int]:
    """How many steps organizations may run at once, where there is a limit; call it while sweeping."""
    found = _entitlements(Organization.objects.all())
    return {pk: each.concurrent_tasks for pk, each in found.items() if each.concurrent_tasks is not None}


def _entitlements(organizations: QuerySet[Organization]) -> dict[UUID, Entitlements]:
    """In one question."""
    live = FilteredRelation("subscriptions", condition=Q(subscriptions__status__in=LIVE))
    rows = (
        organizations.order_by()
        .annotate(live=live)
        .values_list("pk", "subscription_tier", "live__plan__tier", "live__plan__features")
    )
    return {pk: entitled(own_tier, plan_tier, features) for pk, own_tier, plan_tier, features in rows}


def entitled(own_tier: str, plan_tier: str | None, features: Mapping[str, Any] | None) -> Entitlements:
    """By the plan of the live subscription if there is one, else by the higher of the organization's tier and the default."""
    if plan_tier:
        return entitlements_for(plan_tier, features)
    return entitlements_for(higher_tier(own_tier, settings.SYMPHONY_DEFAULT_TIER))
