"""Plans and subscriptions for staff. What is booked, and what providers sent, is there to look at."""

from apps.billing.admin.books import InvoiceAdmin, LedgerEntryAdmin, PaymentAdmin
from apps.billing.admin.events import WebhookEventAdmin
from apps.billing.admin.plans import PlanAdmin
from apps.billing.admin.subscriptions import SubscriptionAdmin

__all__ = ["InvoiceAdmin", "LedgerEntryAdmin", "PaymentAdmin", "PlanAdmin", "SubscriptionAdmin", "WebhookEventAdmin"]
