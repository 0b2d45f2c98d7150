"""To be included under `api/v1/`."""

from __future__ import annotations

from apps.billing.api.views import (
    BillingPortalView,
    InvoiceListView,
    InvoiceView,
    LedgerView,
    PlanListView,
    PlanView,
    SubscriptionCancelView,
    SubscriptionPreviewView,
    SubscriptionResumeView,
    SubscriptionView,
    UsageView,
)
from apps.core.api.routes import route

_OF = "organizations/<uuid:organization_id>"

urlpatterns = [
    *route("plans/", PlanListView, "plans"),
    *route("plans/<uuid:plan_id>/", PlanView, "plan"),
    *route(f"{_OF}/subscription/", SubscriptionView, "subscription"),
    *route(f"{_OF}/subscription/preview/", SubscriptionPreviewView, "subscription-preview"),
    *route(f"{_OF}/subscription/cancel/", SubscriptionCancelView, "subscription-cancel"),
    *route(f"{_OF}/subscription/resume/", SubscriptionResumeView, "subscription-resume"),
    *route(f"{_OF}/billing-portal/", BillingPortalView, "billing-portal"),
    *route(f"{_OF}/usage/", UsageView, "organization-usage"),
    *route(f"{_OF}/invoices/", InvoiceListView, "invoices"),
    *route(f"{_OF}/invoices/<uuid:invoice_id>/", InvoiceView, "invoice"),
    *route(f"{_OF}/ledger/", LedgerView, "ledger"),
]
