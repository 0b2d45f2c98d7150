"""Invoices and what is paid for them. For callers who hold the organization's lock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from apps.accounts.models import User
from apps.billing import queries
from apps.billing.models import Invoice, InvoiceStatus, Payment, Subscription
from apps.billing.providers.port import Bill, Charge, Line
from apps.billing.services.books import book_closed, book_issued, book_paid
from apps.core.ids import uuid7
from apps.core.trail import leave_trace

_STATUSES: Final = {status.value for status in InvoiceStatus}


def issue(*, actor: User | None, subscription: Subscription, charge: Charge, now: datetime) -> Invoice | None:
    """An invoice of our own, less what the organization has in credit; None where there is nothing to tell."""
    if not charge.lines:
        return None
    currency = subscription.plan.currency
    total = sum(line.amount for line in charge.lines)
    credit = queries.spendable_credit(organization_id=subscription.organization_id, currency=currency)
    # A total below zero turns into credit as a whole, one above takes as much of it as there is.
    applied = min(total, credit)
    paid = applied == total
    identifier = uuid7()
    invoice = Invoice(
        id=identifier,
        organization_id=subscription.organization_id,
        subscription=subscription,
        provider=subscription.provider,
        number=f"SYM-{now:%Y%m%d}-{identifier.hex[-8:].upper()}",
        status=InvoiceStatus.PAID if paid else InvoiceStatus.OPEN,
        currency=currency,
        total=total,
        credit_applied=applied,
        amount_due=total - applied,
        lines=_lines(charge.lines),
        period_start=charge.period.start,
        period_end=charge.period.end,
        due_at=now + timedelta(days=settings.SYMPHONY_BILLING_GRACE_DAYS),
        issued_at=now,
        paid_at=now if paid else None,
    )
    invoice.save(force_insert=True)
    book_issued(invoice)
    _trace("invoice.issued", actor, invoice)
    return invoice


def pay(
    *,
    actor: User | None,
    invoice: Invoice,
    amount: int,
    now: datetime,
    method: str = "",
    reference: str = "",
    provider_payment_id: str = "",
) -> Payment:
    """`amount` is above zero and not more than what is outstanding."""
    if invoice.status != InvoiceStatus.OPEN or not 0 < amount <= invoice.outstanding:
        raise ValueError(f"{amount} is not what is left to pay of invoice {invoice.number}.")
    payment = Payment.objects.create(
        organization_id=invoice.organization_id,
        invoice=invoice,
        provider=invoice.provider,
        provider_payment_id=provider_payment_id,
        amount=amount,
        currency=invoice.currency,
        method=method[:50],
        reference=reference[:200],
        received_at=now,
        recorded_by=actor,
    )
    invoice.amount_paid += amount
    if invoice.amount_paid == invoice.amount_due:
        invoice.status, invoice.paid_at = InvoiceStatus.PAID, now
    invoice.save(update_fields=["amount_paid", "status", "paid_at", "updated_at"])
    book_paid(payment)
    _trace("invoice.paid", actor, invoice)
    return payment


def close(*, actor: User | None, invoice: Invoice, status: InvoiceStatus) -> None:
    """An open invoice that nobody will pay: void, or uncollectible."""
    outstanding = invoice.outstanding
    invoice.status = status
    invoice.save(update_fields=["status", "updated_at"])
    book_closed(invoice, outstanding)
    _trace(f"invoice.{status}", actor, invoice)


def take_over(*, subscription: Subscription, bill: Bill) -> Invoice | None:
    """Write down an invoice as its provider has it; None for one that is not final yet.

    An invoice only moves on: one that is paid or void stays so, whatever an old message says.
    """
    if bill.status not in _STATUSES:
        return None
    invoice = Invoice.objects.filter(
        provider=subscription.provider, provider_invoice_id=bill.provider_invoice_id
    ).first() or _adopted(subscription, bill)
    if invoice.provider_seen_at is None or bill.said_at >= invoice.provider_seen_at:
        invoice.provider_seen_at, invoice.hosted_url = bill.said_at, bill.hosted_url
        invoice.save(update_fields=["provider_seen_at", "hosted_url", "updated_at"])
    if invoice.status != InvoiceStatus.OPEN:
        return invoice
    paid = min(bill.amount_paid, invoice.amount_due) - invoice.amount_paid
    if paid > 0:
        pay(
            actor=None,
            invoice=invoice,
            amount=paid,
            now=bill.paid_at or bill.said_at,
            method=subscription.provider,
            provider_payment_id=f"{bill.provider_invoice_id}:{bill.amount_paid}",
        )
    if invoice.status == InvoiceStatus.OPEN and bill.status in {InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE}:
        close(actor=None, invoice=invoice, status=InvoiceStatus(bill.status))
    return invoice


def _adopted(subscription: Subscription, bill: Bill) -> Invoice:
    """Provider and ledger mean the same: what is due is the total less the credit that was used (or more, for a debt)."""
    nothing_due = bill.amount_due == 0 and bill.status == InvoiceStatus.PAID
    invoice = Invoice.objects.create(
        organization_id=subscription.organization_id,
        subscription=subscription,
        provider=subscription.provider,
        provider_invoice_id=bill.provider_invoice_id,
        provider_seen_at=bill.said_at,
        number=bill.number,
        status=InvoiceStatus.PAID if nothing_due else InvoiceStatus.OPEN,
        currency=bill.currency,
        total=bill.total,
        credit_applied=bill.total - bill.amount_due,
        amount_due=bill.amount_due,
        lines=_lines(bill.lines),
        period_start=bill.period.start if bill.period else None,
        period_end=bill.period.end if bill.period else None,
        due_at=bill.due_at,
        hosted_url=bill.hosted_url,
        issued_at=bill.issued_at,
        paid_at=bill.paid_at if nothing_due else None,
    )
    book_issued(invoice)
    _trace("invoice.issued", None, invoice)
    return invoice


def _lines(lines: tuple[Line, ...]) -> list[dict[str, object]]:
    return [{"description": line.description, "amount": line.amount} for line in lines]


def _trace(action: str, actor: User | None, invoice: Invoice) -> None:
    after = {"status": str(invoice.status), "amount_due": invoice.amount_due, "amount_paid": invoice.amount_paid}
    leave_trace(action, actor=actor, organization=invoice.organization, target=invoice, after=after)
