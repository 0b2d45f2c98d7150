"""Double entry: every entry moves money between accounts of an organization, and its postings sum to zero.

The database sees to that when a transaction commits, and to it that nothing written here is changed or deleted.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.accounts.models import Organization
from apps.billing.models.invoices import Invoice, Payment
from apps.core.ids import uuid7


class AccountKind(models.TextChoices):
    """`receivable`: what is owed to us. `credit`: what we owe, in time. `cash`: what came in. `revenue`: what was earned."""

    RECEIVABLE = "receivable"
    CREDIT = "credit"
    CASH = "cash"
    REVENUE = "revenue"


class LedgerAccount(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=AccountKind)
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "kind", "currency"), name="ledger_account_once"),
            models.UniqueConstraint(fields=("organization", "id"), name="ledger_account_of_organization"),
            models.CheckConstraint(condition=Q(kind__in=AccountKind.values), name="ledger_account_kind"),
        )

    def __str__(self) -> str:
        return f"{self.kind} ({self.currency})"


class LedgerEntry(models.Model):
    """`reference` is what it stands for ("invoice:…:issued"): the same thing is booked once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    reference = models.CharField(max_length=200)
    description = models.CharField(max_length=300)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, null=True, blank=True, related_name="entries")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="entries")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("organization", "reference"), name="ledger_entry_booked_once"),
            models.UniqueConstraint(fields=("organization", "id"), name="ledger_entry_of_organization"),
        )

    def __str__(self) -> str:
        return self.description


class LedgerPosting(models.Model):
    """`amount` in the smallest unit of the account's currency; above zero is debit, below is credit."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="postings")
    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="postings")
    amount = models.BigIntegerField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_posting_of_something"),
            models.UniqueConstraint(fields=("entry", "account"), name="ledger_posting_once_per_account"),
        )

    def __str__(self) -> str:
        return f"{self.amount} on {self.account_id}"
