"""The operations of spending. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import Budget, OnExceedEnum, PeriodEnum, ScopeEnum, Spending


class SpendingResource(_base.Resource):
    """Spending."""

    def budgets_get(self, budget_id: UUID | str) -> Budget:
        """One budget."""
        return self._ask(Budget, "GET", f"/api/v1/budgets/{_base.quoted(budget_id)}/")

    def budgets_change(
        self,
        budget_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        scope: ScopeEnum | Unset = UNSET,
        target: UUID | None | Unset = UNSET,
        limit_usd: Decimal | None | Unset = UNSET,
        limit_tokens: int | None | Unset = UNSET,
        period: PeriodEnum | Unset = UNSET,
        on_exceed: OnExceedEnum | Unset = UNSET,
        alert_at: int | None | Unset = UNSET,
        counts_mock: bool | Unset = UNSET,
        active: bool | Unset = UNSET,
    ) -> Budget:
        """Change a budget."""
        return self._ask(
            Budget,
            "PATCH",
            f"/api/v1/budgets/{_base.quoted(budget_id)}/",
            json={
                "name": name,
                "scope": scope,
                "target": target,
                "limit_usd": limit_usd,
                "limit_tokens": limit_tokens,
                "period": period,
                "on_exceed": on_exceed,
                "alert_at": alert_at,
                "counts_mock": counts_mock,
                "active": active,
            },
        )

    def budgets_delete(self, budget_id: UUID | str) -> None:
        """Delete a budget."""
        self._tell("DELETE", f"/api/v1/budgets/{_base.quoted(budget_id)}/")

    def budgets_list(self, organization_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.Pages[Budget]:
        """Budgets of an organization: all of them, page by page."""
        return self._pages(
            Budget,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/budgets/",
            query={"page_size": page_size},
        )

    def budgets_create(
        self,
        organization_id: UUID | str,
        *,
        name: str,
        scope: ScopeEnum | Unset = UNSET,
        target: UUID | None | Unset = UNSET,
        limit_usd: Decimal | None | Unset = UNSET,
        limit_tokens: int | None | Unset = UNSET,
        period: PeriodEnum | Unset = UNSET,
        on_exceed: OnExceedEnum | Unset = UNSET,
        alert_at: int | None | Unset = UNSET,
        counts_mock: bool | Unset = UNSET,
        active: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Budget:
        """Create a budget."""
        return self._ask(
            Budget,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/budgets/",
            json={
                "name": name,
                "scope": scope,
                "target": target,
                "limit_usd": limit_usd,
                "limit_tokens": limit_tokens,
                "period": period,
                "on_exceed": on_exceed,
                "alert_at": alert_at,
                "counts_mock": counts_mock,
                "active": active,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def organizations_spending(
        self,
        organization_id: UUID | str,
        *,
        from_: date | Unset = UNSET,
        group_by: Literal["day", "melody", "model", "project"] | str | Unset = UNSET,
        to: date | Unset = UNSET,
    ) -> Spending:
        """What model calls have cost."""
        return self._ask(
            Spending,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/spending/",
            query={"from": from_, "group_by": group_by, "to": to},
        )


class AsyncSpendingResource(_base.AsyncResource):
    """Spending."""

    async def budgets_get(self, budget_id: UUID | str) -> Budget:
        """One budget."""
        return await self._ask(Budget, "GET", f"/api/v1/budgets/{_base.quoted(budget_id)}/")

    async def budgets_change(
        self,
        budget_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        scope: ScopeEnum | Unset = UNSET,
        target: UUID | None | Unset = UNSET,
        limit_usd: Decimal | None | Unset = UNSET,
        limit_tokens: int | None | Unset = UNSET,
        period: PeriodEnum | Unset = UNSET,
        on_exceed: OnExceedEnum | Unset = UNSET,
        alert_at: int | None | Unset = UNSET,
        counts_mock: bool | Unset = UNSET,
        active: bool | Unset = UNSET,
    ) -> Budget:
        """Change a budget."""
        return await self._ask(
            Budget,
            "PATCH",
            f"/api/v1/budgets/{_base.quoted(budget_id)}/",
            json={
                "name": name,
                "scope": scope,
                "target": target,
                "limit_usd": limit_usd,
                "limit_tokens": limit_tokens,
                "period": period,
                "on_exceed": on_exceed,
                "alert_at": alert_at,
                "counts_mock": counts_mock,
                "active": active,
            },
        )

    async def budgets_delete(self, budget_id: UUID | str) -> None:
        """Delete a budget."""
        await self._tell("DELETE", f"/api/v1/budgets/{_base.quoted(budget_id)}/")

    def budgets_list(self, organization_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[Budget]:
        """Budgets of an organization: all of them, page by page."""
        return self._pages(
            Budget,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/budgets/",
            query={"page_size": page_size},
        )

    async def budgets_create(
        self,
        organization_id: UUID | str,
        *,
        name: str,
        scope: ScopeEnum | Unset = UNSET,
        target: UUID | None | Unset = UNSET,
        limit_usd: Decimal | None | Unset = UNSET,
        limit_tokens: int | None | Unset = UNSET,
        period: PeriodEnum | Unset = UNSET,
        on_exceed: OnExceedEnum | Unset = UNSET,
        alert_at: int | None | Unset = UNSET,
        counts_mock: bool | Unset = UNSET,
        active: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Budget:
        """Create a budget."""
        return await self._ask(
            Budget,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/budgets/",
            json={
                "name": name,
                "scope": scope,
                "target": target,
                "limit_usd": limit_usd,
                "limit_tokens": limit_tokens,
                "period": period,
                "on_exceed": on_exceed,
                "alert_at": alert_at,
                "counts_mock": counts_mock,
                "active": active,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def organizations_spending(
        self,
        organization_id: UUID | str,
        *,
        from_: date | Unset = UNSET,
        group_by: Literal["day", "melody", "model", "project"] | str | Unset = UNSET,
        to: date | Unset = UNSET,
    ) -> Spending:
        """What model calls have cost."""
        return await self._ask(
            Spending,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/spending/",
            query={"from": from_, "group_by": group_by, "to": to},
        )
