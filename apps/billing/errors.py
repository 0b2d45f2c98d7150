from __future__ import annotations

from apps.core.errors import Conflict, NotFound, SymphonyError, Unavailable


class QuotaExceeded(SymphonyError):
    """The plan of this organization has no room for that; remove something, or take a larger plan."""

    code = "quota_exceeded"
    status = 402
    title = "Quota exceeded"


class PlanNotFound(NotFound):
    """There is no such plan, or it is not offered any more; `/api/v1/plans/` lists those that are."""

    code = "plan_not_found"


class NoSubscription(NotFound):
    """This organization has no subscription; choose a plan at `/api/v1/plans/`."""

    code = "no_subscription"


class SubscriptionExists(Conflict):
    """This organization has a subscription already; change its plan instead."""

    code = "subscription_exists"


class NotWhileLikeThis(Conflict):
    """The subscription is in a state that does not allow this; read it again."""

    code = "subscription_state"


class NoPortal(Conflict):
    """Payments are handled by the people who run this server; there is no portal. Ask them."""

    code = "no_portal"


class PlanNotSold(Conflict):
    """The payment provider does not know this plan yet; tell the people who run this server."""

    code = "plan_not_sold"


class PaymentRefused(SymphonyError):
    """The payment did not go through; look at the payment method in the portal and try again."""

    code = "payment_refused"
    status = 402
    title = "Payment refused"


class ProviderUnavailable(Unavailable):
    """The payment provider cannot be reached just now; nothing was changed. Please try again shortly."""

    code = "payment_provider_unavailable"
