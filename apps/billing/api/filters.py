from __future__ import annotations

import django_filters

from apps.accounts.models import SubscriptionTier
from apps.billing.models import BillingPeriod, Invoice, InvoiceStatus, LedgerEntry, Plan


class PlanFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    tier = django_filters.ChoiceFilter(choices=SubscriptionTier.choices)
    billing_period = django_filters.ChoiceFilter(choices=BillingPeriod.choices)

    class Meta:
        model = Plan
        fields = ("tier", "billing_period")


class InvoiceFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    status = django_filters.MultipleChoiceFilter(choices=InvoiceStatus.choices, label="May be given several times.")
    issued_after = django_filters.IsoDateTimeFilter(field_name="issued_at", lookup_expr="gte")
    issued_before = django_filters.IsoDateTimeFilter(field_name="issued_at", lookup_expr="lt")

    class Meta:
        model = Invoice
        fields = ("status", "issued_after", "issued_before")


class LedgerFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    invoice = django_filters.UUIDFilter(field_name="invoice_id")
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = LedgerEntry
        fields = ("invoice", "created_after", "created_before")
