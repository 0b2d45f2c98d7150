"""The operations of teams. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import Role, Team, TeamMember


class TeamsResource(_base.Resource):
    """Teams."""

    def list(
        self,
        organization_id: UUID | str,
        *,
        mine: bool | Unset = UNSET,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        search: str | Unset = UNSET,
    ) -> _base.Pages[Team]:
        """Teams of an organization: all of them, page by page."""
        return self._pages(
            Team,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/",
            query={"mine": mine, "ordering": ordering, "page_size": page_size, "search": search},
        )

    def create(
        self,
        organization_id: UUID | str,
        *,
        name: str,
        description: str | Unset = UNSET,
        settings: dict[str, Any] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Team:
        """Create a team."""
        return self._ask(
            Team,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/",
            json={"name": name, "description": description, "settings": settings},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def retrieve(self, organization_id: UUID | str, team_id: UUID | str) -> Team:
        """A team."""
        return self._ask(
            Team, "GET", f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/"
        )

    def update(
        self,
        organization_id: UUID | str,
        team_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        settings: dict[str, Any] | Unset = UNSET,
        if_match: str | None = None,
    ) -> Team:
        """Change a team."""
        return self._ask(
            Team,
            "PATCH",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/",
            json={"name": name, "description": description, "settings": settings},
            if_match=if_match,
        )

    def delete(self, organization_id: UUID | str, team_id: UUID | str) -> None:
        """Delete a team."""
        self._tell("DELETE", f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/")

    def members(
        self,
        organization_id: UUID | str,
        team_id: UUID | str,
        *,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        role: Literal["admin", "member", "owner", "viewer"] | str | Unset = UNSET,
        search: str | Unset = UNSET,
    ) -> _base.Pages[TeamMember]:
        """Members of a team: all of them, page by page."""
        return self._pages(
            TeamMember,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/members/",
            query={"ordering": ordering, "page_size": page_size, "role": role, "search": search},
        )

    def add_member(
        self,
        organization_id: UUID | str,
        team_id: UUID | str,
        *,
        member: UUID,
        role: Role | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> TeamMember:
        """Add a member of the organization to a team."""
        return self._ask(
            TeamMember,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/members/",
            json={"member": member, "role": role},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def change_role(
        self, organization_id: UUID | str, team_id: UUID | str, member_id: UUID | str, *, role: Role | Unset = UNSET
    ) -> TeamMember:
        """Change the role of a member of a team."""
        return self._ask(
            TeamMember,
            "PATCH",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/members/{_base.quoted(member_id)}/",
            json={"role": role},
        )

    def remove_member(self, organization_id: UUID | str, team_id: UUID | str, member_id: UUID | str) -> None:
        """Remove a member from a team."""
        self._tell(
            "DELETE",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/members/{_base.quoted(member_id)}/",
        )


class AsyncTeamsResource(_base.AsyncResource):
    """Teams."""

    def list(
        self,
        organization_id: UUID | str,
        *,
        mine: bool | Unset = UNSET,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        search: str | Unset = UNSET,
    ) -> _base.AsyncPages[Team]:
        """Teams of an organization: all of them, page by page."""
        return self._pages(
            Team,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/",
            query={"mine": mine, "ordering": ordering, "page_size": page_size, "search": search},
        )

    async def create(
        self,
        organization_id: UUID | str,
        *,
        name: str,
        description: str | Unset = UNSET,
        settings: dict[str, Any] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Team:
        """Create a team."""
        return await self._ask(
            Team,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/",
            json={"name": name, "description": description, "settings": settings},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def retrieve(self, organization_id: UUID | str, team_id: UUID | str) -> Team:
        """A team."""
        return await self._ask(
            Team, "GET", f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/"
        )

    async def update(
        self,
        organization_id: UUID | str,
        team_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        settings: dict[str, Any] | Unset = UNSET,
        if_match: str | None = None,
    ) -> Team:
        """Change a team."""
        return await self._ask(
            Team,
            "PATCH",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/",
            json={"name": name, "description": description, "settings": settings},
            if_match=if_match,
        )

    async def delete(self, organization_id: UUID | str, team_id: UUID | str) -> None:
        """Delete a team."""
        await self._tell(
            "DELETE", f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/"
        )

    def members(
        self,
        organization_id: UUID | str,
        team_id: UUID | str,
        *,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        role: Literal["admin", "member", "owner", "viewer"] | str | Unset = UNSET,
        search: str | Unset = UNSET,
    ) -> _base.AsyncPages[TeamMember]:
        """Members of a team: all of them, page by page."""
        return self._pages(
            TeamMember,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/members/",
            query={"ordering": ordering, "page_size": page_size, "role": role, "search": search},
        )

    async def add_member(
        self,
        organization_id: UUID | str,
        team_id: UUID | str,
        *,
        member: UUID,
        role: Role | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> TeamMember:
        """Add a member of the organization to a team."""
        return await self._ask(
            TeamMember,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/members/",
            json={"member": member, "role": role},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def change_role(
        self, organization_id: UUID | str, team_id: UUID | str, member_id: UUID | str, *, role: Role | Unset = UNSET
    ) -> TeamMember:
        """Change the role of a member of a team."""
        return await self._ask(
            TeamMember,
            "PATCH",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/members/{_base.quoted(member_id)}/",
            json={"role": role},
        )

    async def remove_member(self, organization_id: UUID | str, team_id: UUID | str, member_id: UUID | str) -> None:
        """Remove a member from a team."""
        await self._tell(
            "DELETE",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/teams/{_base.quoted(team_id)}/members/{_base.quoted(member_id)}/",
        )
