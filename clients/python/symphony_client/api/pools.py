"""The operations of pools. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import Pool, PoolKind


class PoolsResource(_base.Resource):
    """Pools."""

    def list(self, organization_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.Pages[Pool]:
        """Pools that hold for an organization: all of them, page by page."""
        return self._pages(
            Pool, "GET", f"/api/v1/organizations/{_base.quoted(organization_id)}/pools/", query={"page_size": page_size}
        )

    def create(
        self,
        organization_id: UUID | str,
        *,
        kind: PoolKind,
        slots: int | None | Unset = UNSET,
        tokens_per_minute: int | None | Unset = UNSET,
        open: bool | Unset = UNSET,
        name: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Pool:
        """Limit what runs at once."""
        return self._ask(
            Pool,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/pools/",
            json={"slots": slots, "tokens_per_minute": tokens_per_minute, "open": open, "kind": kind, "name": name},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def get(self, pool_id: UUID | str) -> Pool:
        """One pool."""
        return self._ask(Pool, "GET", f"/api/v1/pools/{_base.quoted(pool_id)}/")

    def change(
        self,
        pool_id: UUID | str,
        *,
        slots: int | None | Unset = UNSET,
        tokens_per_minute: int | None | Unset = UNSET,
        open: bool | Unset = UNSET,
    ) -> Pool:
        """Change a pool."""
        return self._ask(
            Pool,
            "PATCH",
            f"/api/v1/pools/{_base.quoted(pool_id)}/",
            json={"slots": slots, "tokens_per_minute": tokens_per_minute, "open": open},
        )

    def delete(self, pool_id: UUID | str) -> None:
        """Delete a pool."""
        self._tell("DELETE", f"/api/v1/pools/{_base.quoted(pool_id)}/")


class AsyncPoolsResource(_base.AsyncResource):
    """Pools."""

    def list(self, organization_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[Pool]:
        """Pools that hold for an organization: all of them, page by page."""
        return self._pages(
            Pool, "GET", f"/api/v1/organizations/{_base.quoted(organization_id)}/pools/", query={"page_size": page_size}
        )

    async def create(
        self,
        organization_id: UUID | str,
        *,
        kind: PoolKind,
        slots: int | None | Unset = UNSET,
        tokens_per_minute: int | None | Unset = UNSET,
        open: bool | Unset = UNSET,
        name: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Pool:
        """Limit what runs at once."""
        return await self._ask(
            Pool,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/pools/",
            json={"slots": slots, "tokens_per_minute": tokens_per_minute, "open": open, "kind": kind, "name": name},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def get(self, pool_id: UUID | str) -> Pool:
        """One pool."""
        return await self._ask(Pool, "GET", f"/api/v1/pools/{_base.quoted(pool_id)}/")

    async def change(
        self,
        pool_id: UUID | str,
        *,
        slots: int | None | Unset = UNSET,
        tokens_per_minute: int | None | Unset = UNSET,
        open: bool | Unset = UNSET,
    ) -> Pool:
        """Change a pool."""
        return await self._ask(
            Pool,
            "PATCH",
            f"/api/v1/pools/{_base.quoted(pool_id)}/",
            json={"slots": slots, "tokens_per_minute": tokens_per_minute, "open": open},
        )

    async def delete(self, pool_id: UUID | str) -> None:
        """Delete a pool."""
        await self._tell("DELETE", f"/api/v1/pools/{_base.quoted(pool_id)}/")
