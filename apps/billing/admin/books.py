from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.billing import money
from apps.billing.admin.reading import ReadOnlyAdmin, ReadOnlyInline
from apps.billing.models import Invoice, LedgerEntry, LedgerPosting, Payment


class PaymentInline(ReadOnlyInline):
    model = Payment
    fields = ("received_at", "amount", "currency", "method", "reference", "recorded_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        return super().get_queryset(request).select_related("recorded_by")


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    list_display = ("number", "organization", "status", "due", "paid", "due_at", "issued_at", "provider")
    list_filter = ("status", "provider", "currency", "issued_at")
    list_select_related = ("organization",)
    search_fields = ("=number", "organization__name", "=provider_invoice_id", "=id")
    date_hierarchy = "issued_at"
    inlines = (PaymentInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invoice]:
        return super().get_queryset(request).select_related("organization", "subscription__plan")

    @admin.display(description="due", ordering="amount_due")
    def due(self, invoice: Invoice) -> str:
        return money.written(invoice.amount_due, invoice.currency)

    @admin.display(description="paid", ordering="amount_paid")
    def paid(self, invoice: Invoice) -> str:
        return money.written(invoice.amount_paid, invoice.currency)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "organization", "invoice", "written", "method", "reference", "recorded_by")
    list_filter = ("provider", "method", "received_at")
    list_select_related = ("organization", "invoice", "recorded_by")
    search_fields = ("=reference", "=provider_payment_id", "organization__name", "=invoice__number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        return super().get_queryset(request).select_related("organization", "invoice", "recorded_by")

    @admin.display(description="amount", ordering="amount")
    def written(self, payment: Payment) -> str:
        return money.written(payment.amount, payment.currency)


class PostingInline(ReadOnlyInline):
    model = LedgerPosting
    fields = ("account", "written")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerPosting]:
        return super().get_queryset(request).select_related("account")

    @admin.display(description="amount")
    def written(self, posting: LedgerPosting) -> str:
        return money.written(posting.amount, posting.account.currency)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "organization", "description", "reference")
    list_filter = ("created_at",)
    list_select_related = ("organization",)
    search_fields = ("=reference", "organization__name", "=invoice__number")
    inlines = (PostingInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerEntry]:
        return super().get_queryset(request).select_related("organization", "invoice", "payment")
