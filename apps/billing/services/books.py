"""What is booked: every entry once, in balance, and never changed. For callers who hold the organization's lock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from apps.billing.models import AccountKind, Invoice, InvoiceStatus, LedgerAccount, LedgerEntry, LedgerPosting, Payment

BOOKS: Final = "billing"
"""What services lock before they write."""


def book_issued(invoice: Invoice) -> None:
    """Owed from now on. What credit pays of it is settled at once; a total below zero becomes credit."""
    earned = {AccountKind.RECEIVABLE: invoice.total, AccountKind.REVENUE: -invoice.total}
    _book(invoice, "issued", f"Invoice {invoice.number}", earned)
    credit = {AccountKind.CREDIT: invoice.credit_applied, AccountKind.RECEIVABLE: -invoice.credit_applied}
    _book(invoice, "credit", f"Credit of invoice {invoice.number}", credit)


def book_paid(payment: Payment) -> None:
    moves = {AccountKind.CASH: payment.amount, AccountKind.RECEIVABLE: -payment.amount}
    _book(payment.invoice, f"payment:{payment.pk}", f"Payment of invoice {payment.invoice.number}", moves, payment)


def book_closed(invoice: Invoice, outstanding: int) -> None:
    """Void: as if it had never been, credit included. Uncollectible: what was not paid is lost, credit stays used."""
    back = invoice.credit_applied if invoice.status == InvoiceStatus.VOID else 0
    moves = {
        AccountKind.REVENUE: outstanding + back,
        AccountKind.RECEIVABLE: -outstanding,
        AccountKind.CREDIT: -back,
    }
    _book(invoice, "closed", f"Invoice {invoice.number} is {invoice.status}", moves)


def _book(
    invoice: Invoice, what: str, description: str, moves: Mapping[AccountKind, int], payment: Payment | None = None
) -> None:
    amounts = {kind: amount for kind, amount in moves.items() if amount}
    reference = f"invoice:{invoice.pk}:{what}"
    organization_id = invoice.organization_id
    if not amounts or LedgerEntry.objects.filter(organization_id=organization_id, reference=reference).exists():
        return
    accounts = _accounts(organization_id, invoice.currency)
    entry = LedgerEntry.objects.create(
        organization_id=organization_id,
        reference=reference,
        description=description[:300],
        invoice=invoice,
        payment=payment,
    )
    LedgerPosting.objects.bulk_create(
        LedgerPosting(organization_id=organization_id, entry=entry, account=accounts[kind], amount=amount)
        for kind, amount in amounts.items()
    )


def _accounts(organization_id: UUID, currency: str) -> dict[AccountKind, LedgerAccount]:
    """All accounts in this currency, opened when they are needed first."""
    wanted = LedgerAccount.objects.filter(organization_id=organization_id, currency=currency)
    known = {AccountKind(account.kind): account for account in wanted}
    missing = [
        LedgerAccount(organization_id=organization_id, kind=kind, currency=currency)
        for kind in AccountKind
        if kind not in known
    ]
    LedgerAccount.objects.bulk_create(missing)
    return known | {AccountKind(account.kind): account for account in missing}
