"""The operations of billing. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import ChangePreview, Invoice, LedgerEntry, Plan, Portal, Subscription, Usage


class BillingResource(_base.Resource):
    """Billing."""

    def portal_open(self, organization_id: UUID | str) -> Portal:
        """Where to see to payment methods."""
        return self._ask(Portal, "POST", f"/api/v1/organizations/{_base.quoted(organization_id)}/billing-portal/")

    def invoices_list(
        self,
        organization_id: UUID | str,
        *,
        issued_after: datetime | Unset = UNSET,
        issued_before: datetime | Unset = UNSET,
        page_size: int | Unset = UNSET,
        status: list[Literal["open", "paid", "uncollectible", "void"] | str] | Unset = UNSET,
    ) -> _base.Pages[Invoice]:
        """Invoices of an organization: all of them, page by page."""
        return self._pages(
            Invoice,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invoices/",
            query={
                "issued_after": issued_after,
                "issued_before": issued_before,
                "page_size": page_size,
                "status": status,
            },
        )

    def invoices_get(self, organization_id: UUID | str, invoice_id: UUID | str) -> Invoice:
        """One invoice."""
        return self._ask(
            Invoice,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invoices/{_base.quoted(invoice_id)}/",
        )

    def ledger_list(
        self,
        organization_id: UUID | str,
        *,
        created_after: datetime | Unset = UNSET,
        created_before: datetime | Unset = UNSET,
        invoice: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
    ) -> _base.Pages[LedgerEntry]:
        """The books of an organization: all of them, page by page."""
        return self._pages(
            LedgerEntry,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/ledger/",
            query={
                "created_after": created_after,
                "created_before": created_before,
                "invoice": invoice,
                "page_size": page_size,
            },
        )

    def subscription_get(self, organization_id: UUID | str) -> Subscription:
        """The organization's subscription."""
        return self._ask(Subscription, "GET", f"/api/v1/organizations/{_base.quoted(organization_id)}/subscription/")

    def subscription_create(
        self, organization_id: UUID | str, *, plan: UUID, idempotency_key: str | None = None
    ) -> Subscription:
        """Subscribe to a plan."""
        return self._ask(
            Subscription,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/subscription/",
            json={"plan": plan},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def subscription_change(self, organization_id: UUID | str, *, plan: UUID | Unset = UNSET) -> Subscription:
        """Change the plan."""
        return self._ask(
            Subscription,
            "PATCH",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/subscription/",
            json={"plan": plan},
        )

    def subscription_cancel(self, organization_id: UUID | str, *, at_period_end: bool | Unset = UNSET) -> Subscription:
        """Cancel the subscription."""
        return self._ask(
            Subscription,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/subscription/cancel/",
            json={"at_period_end": at_period_end},
        )

    def subscription_preview(self, organization_id: UUID | str, *, plan: UUID) -> ChangePreview:
        """What a change of plan would cost now."""
        return self._ask(
            ChangePreview,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/subscription/preview/",
            query={"plan": plan},
        )

    def subscription_resume(self, organization_id: UUID | str) -> Subscription:
        """Take a cancellation back."""
        return self._ask(
            Subscription, "POST", f"/api/v1/organizations/{_base.quoted(organization_id)}/subscription/resume/"
        )

    def organizations_usage(self, organization_id: UUID | str) -> Usage:
        """What is used of what the plan allows."""
        return self._ask(Usage, "GET", f"/api/v1/organizations/{_base.quoted(organization_id)}/usage/")

    def plans_list(
        self,
        *,
        billing_period: Literal["monthly", "yearly"] | str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        tier: Literal["basic", "enterprise", "free", "pro"] | str | Unset = UNSET,
    ) -> _base.Pages[Plan]:
        """Plans on offer: all of them, page by page."""
        return self._pages(
            Plan,
            "GET",
            "/api/v1/plans/",
            query={"billing_period": billing_period, "page_size": page_size, "tier": tier},
        )

    def plans_get(self, plan_id: UUID | str) -> Plan:
        """One plan."""
        return self._ask(Plan, "GET", f"/api/v1/plans/{_base.quoted(plan_id)}/")


class AsyncBillingResource(_base.AsyncResource):
    """Billing."""

    async def portal_open(self, organization_id: UUID | str) -> Portal:
        """Where to see to payment methods."""
        return await self._ask(Portal, "POST", f"/api/v1/organizations/{_base.quoted(organization_id)}/billing-portal/")

    def invoices_list(
        self,
        organization_id: UUID | str,
        *,
        issued_after: datetime | Unset = UNSET,
        issued_before: datetime | Unset = UNSET,
        page_size: int | Unset = UNSET,
        status: list[Literal["open", "paid", "uncollectible", "void"] | str] | Unset = UNSET,
    ) -> _base.AsyncPages[Invoice]:
        """Invoices of an organization: all of them, page by page."""
        return self._pages(
            Invoice,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invoices/",
            query={
                "issued_after": issued_after,
                "issued_before": issued_before,
                "page_size": page_size,
                "status": status,
            },
        )

    async def invoices_get(self, organization_id: UUID | str, invoice_id: UUID | str) -> Invoice:
        """One invoice."""
        return await self._ask(
            Invoice,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invoices/{_base.quoted(invoice_id)}/",
        )

    def ledger_list(
        self,
        organization_id: UUID | str,
        *,
        created_after: datetime | Unset = UNSET,
        created_before: datetime | Unset = UNSET,
        invoice: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
    ) -> _base.AsyncPages[LedgerEntry]:
        """The books of an organization: all of them, page by page."""
        return self._pages(
            LedgerEntry,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/ledger/",
            query={
                "created_after": created_after,
                "created_before": created_before,
                "invoice": invoice,
                "page_size": page_size,
            },
        )

    async def subscription_get(self, organization_id: UUID | str) -> Subscription:
        """The organization's subscription."""
        return await self._ask(
            Subscription, "GET", f"/api/v1/organizations/{_base.quoted(organization_id)}/subscription/"
        )

    async def subscription_create(
        self, organization_id: UUID | str, *, plan: UUID, idempotency_key: str | None = None
    ) -> Subscription:
        """Subscribe to a plan."""
        return await self._ask(
            Subscription,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/subscription/",
            json={"plan": plan},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def subscription_change(self, organization_id: UUID | str, *, plan: UUID | Unset = UNSET) -> Subscription:
        """Change the plan."""
        return await self._ask(
            Subscription,
            "PATCH",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/subscription/",
            json={"plan": plan},
        )

    async def subscription_cancel(
        self, organization_id: UUID | str, *, at_period_end: bool | Unset = UNSET
    ) -> Subscription:
        """Cancel the subscription."""
        return await self._ask(
            Subscription,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/subscription/cancel/",
            json={"at_period_end": at_period_end},
        )

    async def subscription_preview(self, organization_id: UUID | str, *, plan: UUID) -> ChangePreview:
        """What a change of plan would cost now."""
        return await self._ask(
            ChangePreview,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/subscription/preview/",
            query={"plan": plan},
        )

    async def subscription_resume(self, organization_id: UUID | str) -> Subscription:
        """Take a cancellation back."""
        return await self._ask(
            Subscription, "POST", f"/api/v1/organizations/{_base.quoted(organization_id)}/subscription/resume/"
        )

    async def organizations_usage(self, organization_id: UUID | str) -> Usage:
        """What is used of what the plan allows."""
        return await self._ask(Usage, "GET", f"/api/v1/organizations/{_base.quoted(organization_id)}/usage/")

    def plans_list(
        self,
        *,
        billing_period: Literal["monthly", "yearly"] | str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        tier: Literal["basic", "enterprise", "free", "pro"] | str | Unset = UNSET,
    ) -> _base.AsyncPages[Plan]:
        """Plans on offer: all of them, page by page."""
        return self._pages(
            Plan,
            "GET",
            "/api/v1/plans/",
            query={"billing_period": billing_period, "page_size": page_size, "tier": tier},
        )

    async def plans_get(self, plan_id: UUID | str) -> Plan:
        """One plan."""
        return await self._ask(Plan, "GET", f"/api/v1/plans/{_base.quoted(plan_id)}/")
