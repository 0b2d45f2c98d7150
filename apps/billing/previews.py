"""What a change of plan would cost, before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, require
from apps.billing import queries
from apps.billing.errors import NotWhileLikeThis
from apps.billing.models import Plan
from apps.billing.proration import Proration, prorate


@dataclass(frozen=True, slots=True)
class Preview:
    """Amounts in the smallest unit of `currency`."""

    proration: Proration
    currency: str


def change_preview(*, actor: User, organization: Organization, plan: Plan, now: datetime) -> Preview:
    require(actor=actor, organization=organization, action=Action.ADMINISTER)
    subscription = queries.subscription_for(actor=actor, organization=organization)
    if not subscription.is_live or subscription.period is None:
        raise NotWhileLikeThis("There is no subscription that is live; begin one first.")
    if plan.currency != subscription.plan.currency:
        raise NotWhileLikeThis("Plans are changed within one currency; cancel this subscription and begin another.")
    same_rhythm = plan.billing_period == subscription.plan.billing_period
    costs = prorate(
        old_price=subscription.plan.price_minor,
        old_period=subscription.period,
        new_price=plan.price_minor,
        at=now,
        new_billing_period=None if same_rhythm else plan.billing_period,
    )
    return Preview(costs, plan.currency)
