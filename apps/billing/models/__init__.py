"""Plans, subscriptions, and the books that say what was owed and paid."""

from apps.billing.models.books import AccountKind, LedgerAccount, LedgerEntry, LedgerPosting
from apps.billing.models.invoices import Invoice, InvoiceStatus, Payment
from apps.billing.models.plans import BillingPeriod, Plan
from apps.billing.models.subscriptions import LIVE, BillingCustomer, Subscription, SubscriptionStatus
from apps.billing.models.webhooks import WebhookEvent, WebhookState

__all__ = [
    "LIVE",
    "AccountKind",
    "BillingCustomer",
    "BillingPeriod",
    "Invoice",
    "InvoiceStatus",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerPosting",
    "Payment",
    "Plan",
    "Subscription",
    "SubscriptionStatus",
    "WebhookEvent",
    "WebhookState",
]
