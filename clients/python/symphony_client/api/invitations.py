"""The operations of invitations. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

import builtins
from typing import Literal
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import (
    Invitation,
    InvitationInputRequest,
    Joined,
    Outcomes,
    ReceivedInvitation,
    Role,
    Welcome,
)


class InvitationsResource(_base.Resource):
    """Invitations."""

    def accept(self, *, token: str) -> Joined:
        """Join, by the link of a letter."""
        return self._ask(Joined, "POST", "/api/v1/invitations/accept/", json={"token": token})

    def decline(self, *, token: str) -> None:
        """Decline, by the link of a letter."""
        self._tell("POST", "/api/v1/invitations/decline/", json={"token": token})

    def register_(
        self, *, token: str, password: str, username: str | Unset = UNSET, display_name: str | Unset = UNSET
    ) -> Welcome:
        """Make an account for the address that was invited, and join."""
        return self._ask(
            Welcome,
            "POST",
            "/api/v1/invitations/register/",
            json={"token": token, "password": password, "username": username, "display_name": display_name},
        )

    def show(self, *, token: str) -> ReceivedInvitation:
        """What the link of a letter invites to."""
        return self._ask(ReceivedInvitation, "POST", "/api/v1/invitations/show/", json={"token": token})

    def list(
        self,
        organization_id: UUID | str,
        *,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        search: str | Unset = UNSET,
        status: Literal["accepted", "declined", "pending", "revoked"] | str | Unset = UNSET,
    ) -> _base.Pages[Invitation]:
        """Invitations to an organization: all of them, page by page."""
        return self._pages(
            Invitation,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invitations/",
            query={"ordering": ordering, "page_size": page_size, "search": search, "status": status},
        )

    def create(
        self, organization_id: UUID | str, *, email: str, role: Role | Unset = UNSET, idempotency_key: str | None = None
    ) -> Invitation:
        """Invite somebody."""
        return self._ask(
            Invitation,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invitations/",
            json={"email": email, "role": role},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def create_many(
        self,
        organization_id: UUID | str,
        *,
        invitations: builtins.list[InvitationInputRequest],
        idempotency_key: str | None = None,
    ) -> Outcomes:
        """Invite many at once."""
        return self._ask(
            Outcomes,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invitations/bulk/",
            json={"invitations": invitations},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def retrieve(self, organization_id: UUID | str, invitation_id: UUID | str) -> Invitation:
        """An invitation."""
        return self._ask(
            Invitation,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invitations/{_base.quoted(invitation_id)}/",
        )

    def revoke(self, organization_id: UUID | str, invitation_id: UUID | str) -> None:
        """Revoke an invitation."""
        self._tell(
            "DELETE",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invitations/{_base.quoted(invitation_id)}/",
        )

    def resend(self, organization_id: UUID | str, invitation_id: UUID | str) -> Invitation:
        """Send the letter again."""
        return self._ask(
            Invitation,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invitations/{_base.quoted(invitation_id)}/resend/",
        )


class AsyncInvitationsResource(_base.AsyncResource):
    """Invitations."""

    async def accept(self, *, token: str) -> Joined:
        """Join, by the link of a letter."""
        return await self._ask(Joined, "POST", "/api/v1/invitations/accept/", json={"token": token})

    async def decline(self, *, token: str) -> None:
        """Decline, by the link of a letter."""
        await self._tell("POST", "/api/v1/invitations/decline/", json={"token": token})

    async def register_(
        self, *, token: str, password: str, username: str | Unset = UNSET, display_name: str | Unset = UNSET
    ) -> Welcome:
        """Make an account for the address that was invited, and join."""
        return await self._ask(
            Welcome,
            "POST",
            "/api/v1/invitations/register/",
            json={"token": token, "password": password, "username": username, "display_name": display_name},
        )

    async def show(self, *, token: str) -> ReceivedInvitation:
        """What the link of a letter invites to."""
        return await self._ask(ReceivedInvitation, "POST", "/api/v1/invitations/show/", json={"token": token})

    def list(
        self,
        organization_id: UUID | str,
        *,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        search: str | Unset = UNSET,
        status: Literal["accepted", "declined", "pending", "revoked"] | str | Unset = UNSET,
    ) -> _base.AsyncPages[Invitation]:
        """Invitations to an organization: all of them, page by page."""
        return self._pages(
            Invitation,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invitations/",
            query={"ordering": ordering, "page_size": page_size, "search": search, "status": status},
        )

    async def create(
        self, organization_id: UUID | str, *, email: str, role: Role | Unset = UNSET, idempotency_key: str | None = None
    ) -> Invitation:
        """Invite somebody."""
        return await self._ask(
            Invitation,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invitations/",
            json={"email": email, "role": role},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def create_many(
        self,
        organization_id: UUID | str,
        *,
        invitations: builtins.list[InvitationInputRequest],
        idempotency_key: str | None = None,
    ) -> Outcomes:
        """Invite many at once."""
        return await self._ask(
            Outcomes,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invitations/bulk/",
            json={"invitations": invitations},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def retrieve(self, organization_id: UUID | str, invitation_id: UUID | str) -> Invitation:
        """An invitation."""
        return await self._ask(
            Invitation,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invitations/{_base.quoted(invitation_id)}/",
        )

    async def revoke(self, organization_id: UUID | str, invitation_id: UUID | str) -> None:
        """Revoke an invitation."""
        await self._tell(
            "DELETE",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invitations/{_base.quoted(invitation_id)}/",
        )

    async def resend(self, organization_id: UUID | str, invitation_id: UUID | str) -> Invitation:
        """Send the letter again."""
        return await self._ask(
            Invitation,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/invitations/{_base.quoted(invitation_id)}/resend/",
        )
