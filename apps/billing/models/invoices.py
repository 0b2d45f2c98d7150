from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Organization
from apps.billing.models.subscriptions import Subscription
from apps.core.ids import uuid7


class InvoiceStatus(models.TextChoices):
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class Invoice(models.Model):
    """What was asked for. Amounts are in the smallest unit of the currency.

    `credit_applied` is what credit paid of the total. Below zero it is credit that was gained: a change of plan may give more
    than it takes. `amount_due` is what was left to pay.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="invoices")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.SET_NULL, null=True, blank=True, related_name="invoices"
    )
    provider = models.CharField(max_length=20, default="manual")
    provider_invoice_id = models.CharField(max_length=255, blank=True)
    provider_seen_at = models.DateTimeField(null=True, blank=True)
    number = models.CharField(max_length=100)
    status = models.CharField(max_length=13, choices=InvoiceStatus, default=InvoiceStatus.OPEN)
    currency = models.CharField(max_length=3)
    total = models.BigIntegerField()
    credit_applied = models.BigIntegerField(default=0)
    amount_due = models.BigIntegerField()
    amount_paid = models.BigIntegerField(default=0)
    lines = models.JSONField(default=list, blank=True, help_text="Descriptions with their amounts.")
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    hosted_url = models.TextField(max_length=2000, blank=True)
    issued_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-issued_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "provider_invoice_id"),
                condition=~Q(provider_invoice_id=""),
                name="invoice_of_one_provider_id",
            ),
            models.UniqueConstraint(fields=("organization", "id"), name="invoice_of_organization"),
            models.CheckConstraint(condition=Q(status__in=InvoiceStatus.values), name="invoice_status"),
            models.CheckConstraint(condition=Q(amount_due__gte=0, amount_paid__gte=0), name="invoice_amounts"),
            models.CheckConstraint(condition=Q(amount_due=F("total") - F("credit_applied")), name="invoice_due"),
            models.CheckConstraint(condition=Q(amount_paid__lte=F("amount_due")), name="invoice_paid_at_most_once"),
        )
        indexes = (models.Index(fields=("organization", "-issued_at", "-id"), name="invoice_newest"),)

    def __str__(self) -> str:
        return self.number

    @property
    def outstanding(self) -> int:
        return self.amount_due - self.amount_paid if self.status == InvoiceStatus.OPEN else 0


class Payment(models.Model):
    """Money that came in for an invoice, or went back (`amount` below zero)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="payments")
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="payments")
    provider = models.CharField(max_length=20, default="manual")
    provider_payment_id = models.CharField(max_length=255, blank=True)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=50, blank=True)
    reference = models.CharField(max_length=200, blank=True, help_text="What the bank statement says.")
    received_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-received_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "provider_payment_id"),
                condition=~Q(provider_payment_id=""),
                name="payment_of_one_provider_id",
            ),
            models.UniqueConstraint(fields=("organization", "id"), name="payment_of_organization"),
            models.CheckConstraint(condition=~Q(amount=0), name="payment_of_something"),
        )

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} for {self.invoice_id}"
