from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.billing import money
from apps.billing.admin.reading import ReadOnlyAdmin, ReadOnlyInline
from apps.billing.models import Invoice, Subscription
from apps.billing.services import staffing
from apps.core.errors import SymphonyError

_MAY = ["act"]


class InvoiceInline(ReadOnlyInline):
    model = Invoice
    fields = ("number", "status", "due", "paid", "due_at", "issued_at", "paid_at")
    readonly_fields = fields

    @admin.display(description="due")
    def due(self, invoice: Invoice) -> str:
        return money.written(invoice.amount_due, invoice.currency)

    @admin.display(description="paid")
    def paid(self, invoice: Invoice) -> str:
        return money.written(invoice.amount_paid, invoice.currency)


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Changed by actions only: each is what a service does, and is booked and told as such."""

    list_display = (
        *("organization", "plan", "status", "current_period_end", "cancel_at_period_end", "provider", "created_at"),
    )
    list_filter = ("status", "provider", "cancel_at_period_end", "plan__tier")
    list_select_related = ("organization", "plan")
    search_fields = ("organization__name", "organization__slug", "=provider_subscription_id", "=id")
    date_hierarchy = "created_at"
    inlines = (InvoiceInline,)
    actions = ("approve", "record_payment", "cancel_at_period_end", "cancel_now")
    fields = (
        *("id", "organization", "plan", "status", "started_at", "ended_at", "anchor", "current_period_start"),
        *("current_period_end", "cancel_at_period_end", "cancelled_at", "fallback_tier", "payment_info", "provider"),
        *("provider_subscription_id", "provider_seen_at", "checkout_id", "created_by", "created_at", "updated_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        return super().get_queryset(request).select_related("organization", "plan", "created_by")

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.change_subscription")

    @admin.action(description="Approve (begins now, with an invoice)", permissions=_MAY)
    def approve(self, request: HttpRequest, rows: QuerySet[Subscription]) -> None:
        self._each(request, rows, "approved", staffing.approve)

    @admin.action(description="Record the payment of the oldest unpaid invoice", permissions=_MAY)
    def record_payment(self, request: HttpRequest, rows: QuerySet[Subscription]) -> None:
        self._each(request, rows, "paid", staffing.record_payment)

    @admin.action(description="Cancel at the end of the period", permissions=_MAY)
    def cancel_at_period_end(self, request: HttpRequest, rows: QuerySet[Subscription]) -> None:
        def end(**given: Any) -> object:
            return staffing.end_now(**given, at_period_end=True)

        self._each(request, rows, "cancelled", end)

    @admin.action(description="Cancel now", permissions=_MAY)
    def cancel_now(self, request: HttpRequest, rows: QuerySet[Subscription]) -> None:
        self._each(request, rows, "cancelled", staffing.end_now)

    def _each(self, request: HttpRequest, rows: QuerySet[Subscription], done: str, act: Callable[..., object]) -> None:
        """One that cannot be done leaves the others alone."""
        if not isinstance(request.user, User):
            return
        count = 0
        for subscription in rows:
            try:
                with transaction.atomic():
                    act(actor=request.user, subscription=subscription)
                count += 1
            except SymphonyError as error:
                self.message_user(request, f"{subscription}: {error.detail}", messages.ERROR)
        if count:
            self.message_user(request, f"{count} {done}.")
