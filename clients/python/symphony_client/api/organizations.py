"""The operations of organizations. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import Membership, Organization, Role


class OrganizationsResource(_base.Resource):
    """Organizations."""

    def list(
        self,
        *,
        is_personal: bool | Unset = UNSET,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        search: str | Unset = UNSET,
    ) -> _base.Pages[Organization]:
        """My organizations: all of them, page by page."""
        return self._pages(
            Organization,
            "GET",
            "/api/v1/organizations/",
            query={"is_personal": is_personal, "ordering": ordering, "page_size": page_size, "search": search},
        )

    def create(self, *, name: str, idempotency_key: str | None = None) -> Organization:
        """Found an organization."""
        return self._ask(
            Organization,
            "POST",
            "/api/v1/organizations/",
            json={"name": name},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def retrieve(self, organization_id: UUID | str) -> Organization:
        """An organization of mine."""
        return self._ask(Organization, "GET", f"/api/v1/organizations/{_base.quoted(organization_id)}/")

    def update(
        self,
        organization_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        slug: str | Unset = UNSET,
        settings: dict[str, Any] | Unset = UNSET,
        if_match: str | None = None,
    ) -> Organization:
        """Rename an organization, change its settings."""
        return self._ask(
            Organization,
            "PATCH",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/",
            json={"name": name, "slug": slug, "settings": settings},
            if_match=if_match,
        )

    def delete(self, organization_id: UUID | str) -> None:
        """Delete an empty organization."""
        self._tell("DELETE", f"/api/v1/organizations/{_base.quoted(organization_id)}/")

    def deactivate(self, organization_id: UUID | str) -> None:
        """Close an organization."""
        self._tell("POST", f"/api/v1/organizations/{_base.quoted(organization_id)}/deactivate/")

    def leave(self, organization_id: UUID | str) -> None:
        """Leave an organization."""
        self._tell("POST", f"/api/v1/organizations/{_base.quoted(organization_id)}/leave/")

    def members(
        self,
        organization_id: UUID | str,
        *,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        role: Literal["admin", "member", "owner", "viewer"] | str | Unset = UNSET,
        search: str | Unset = UNSET,
    ) -> _base.Pages[Membership]:
        """Members of an organization: all of them, page by page."""
        return self._pages(
            Membership,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/members/",
            query={"ordering": ordering, "page_size": page_size, "role": role, "search": search},
        )

    def member(self, organization_id: UUID | str, member_id: UUID | str) -> Membership:
        """A member."""
        return self._ask(
            Membership,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/members/{_base.quoted(member_id)}/",
        )

    def change_role(
        self, organization_id: UUID | str, member_id: UUID | str, *, role: Role | Unset = UNSET
    ) -> Membership:
        """Change the role of a member."""
        return self._ask(
            Membership,
            "PATCH",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/members/{_base.quoted(member_id)}/",
            json={"role": role},
        )

    def remove_member(self, organization_id: UUID | str, member_id: UUID | str) -> None:
        """Remove a member."""
        self._tell(
            "DELETE", f"/api/v1/organizations/{_base.quoted(organization_id)}/members/{_base.quoted(member_id)}/"
        )

    def transfer(self, organization_id: UUID | str, *, member: UUID) -> Membership:
        """Hand the ownership over to another member."""
        return self._ask(
            Membership,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/transfer/",
            json={"member": member},
        )


class AsyncOrganizationsResource(_base.AsyncResource):
    """Organizations."""

    def list(
        self,
        *,
        is_personal: bool | Unset = UNSET,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        search: str | Unset = UNSET,
    ) -> _base.AsyncPages[Organization]:
        """My organizations: all of them, page by page."""
        return self._pages(
            Organization,
            "GET",
            "/api/v1/organizations/",
            query={"is_personal": is_personal, "ordering": ordering, "page_size": page_size, "search": search},
        )

    async def create(self, *, name: str, idempotency_key: str | None = None) -> Organization:
        """Found an organization."""
        return await self._ask(
            Organization,
            "POST",
            "/api/v1/organizations/",
            json={"name": name},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def retrieve(self, organization_id: UUID | str) -> Organization:
        """An organization of mine."""
        return await self._ask(Organization, "GET", f"/api/v1/organizations/{_base.quoted(organization_id)}/")

    async def update(
        self,
        organization_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        slug: str | Unset = UNSET,
        settings: dict[str, Any] | Unset = UNSET,
        if_match: str | None = None,
    ) -> Organization:
        """Rename an organization, change its settings."""
        return await self._ask(
            Organization,
            "PATCH",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/",
            json={"name": name, "slug": slug, "settings": settings},
            if_match=if_match,
        )

    async def delete(self, organization_id: UUID | str) -> None:
        """Delete an empty organization."""
        await self._tell("DELETE", f"/api/v1/organizations/{_base.quoted(organization_id)}/")

    async def deactivate(self, organization_id: UUID | str) -> None:
        """Close an organization."""
        await self._tell("POST", f"/api/v1/organizations/{_base.quoted(organization_id)}/deactivate/")

    async def leave(self, organization_id: UUID | str) -> None:
        """Leave an organization."""
        await self._tell("POST", f"/api/v1/organizations/{_base.quoted(organization_id)}/leave/")

    def members(
        self,
        organization_id: UUID | str,
        *,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        role: Literal["admin", "member", "owner", "viewer"] | str | Unset = UNSET,
        search: str | Unset = UNSET,
    ) -> _base.AsyncPages[Membership]:
        """Members of an organization: all of them, page by page."""
        return self._pages(
            Membership,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/members/",
            query={"ordering": ordering, "page_size": page_size, "role": role, "search": search},
        )

    async def member(self, organization_id: UUID | str, member_id: UUID | str) -> Membership:
        """A member."""
        return await self._ask(
            Membership,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/members/{_base.quoted(member_id)}/",
        )

    async def change_role(
        self, organization_id: UUID | str, member_id: UUID | str, *, role: Role | Unset = UNSET
    ) -> Membership:
        """Change the role of a member."""
        return await self._ask(
            Membership,
            "PATCH",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/members/{_base.quoted(member_id)}/",
            json={"role": role},
        )

    async def remove_member(self, organization_id: UUID | str, member_id: UUID | str) -> None:
        """Remove a member."""
        await self._tell(
            "DELETE", f"/api/v1/organizations/{_base.quoted(organization_id)}/members/{_base.quoted(member_id)}/"
        )

    async def transfer(self, organization_id: UUID | str, *, member: UUID) -> Membership:
        """Hand the ownership over to another member."""
        return await self._ask(
            Membership,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/transfer/",
            json={"member": member},
        )
