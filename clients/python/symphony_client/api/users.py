"""The operations of users. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import AuditEntry, Erasure, Joined, PublicUser, ReceivedInvitation, Sent, User


class UsersResource(_base.Resource):
    """Users."""

    def register_(self, *, email: str, display_name: str | Unset = UNSET) -> Sent:
        """Ask for an account."""
        return self._ask(Sent, "POST", "/api/v1/users/", json={"email": email, "display_name": display_name})

    def confirm_email(self, *, token: str) -> None:
        """Verify an e-mail address, by the link of the letter."""
        self._tell("POST", "/api/v1/users/email/", json={"token": token})

    def me(self) -> User:
        """Who am I?."""
        return self._ask(User, "GET", "/api/v1/users/me/")

    def update(
        self,
        *,
        username: str | Unset = UNSET,
        display_name: str | Unset = UNSET,
        first_name: str | Unset = UNSET,
        last_name: str | Unset = UNSET,
        bio: str | Unset = UNSET,
        website: str | Unset = UNSET,
        avatar_url: str | Unset = UNSET,
        github_username: str | Unset = UNSET,
        social_links: dict[str, Any] | Unset = UNSET,
        preferences: dict[str, Any] | Unset = UNSET,
        if_match: str | None = None,
    ) -> User:
        """Change my profile."""
        return self._ask(
            User,
            "PATCH",
            "/api/v1/users/me/",
            json={
                "username": username,
                "display_name": display_name,
                "first_name": first_name,
                "last_name": last_name,
                "bio": bio,
                "website": website,
                "avatar_url": avatar_url,
                "github_username": github_username,
                "social_links": social_links,
                "preferences": preferences,
            },
            if_match=if_match,
        )

    def me_activity(
        self,
        *,
        action: str | Unset = UNSET,
        actor: UUID | Unset = UNSET,
        actor_kind: Literal["command", "person", "staff", "token", "worker"] | str | Unset = UNSET,
        correlation_id: str | Unset = UNSET,
        occurred_after: datetime | Unset = UNSET,
        occurred_before: datetime | Unset = UNSET,
        page_size: int | Unset = UNSET,
        request_id: str | Unset = UNSET,
        target: str | Unset = UNSET,
        target_type: str | Unset = UNSET,
    ) -> _base.Pages[AuditEntry]:
        """My activity: all of them, page by page."""
        return self._pages(
            AuditEntry,
            "GET",
            "/api/v1/users/me/activity/",
            query={
                "action": action,
                "actor": actor,
                "actor_kind": actor_kind,
                "correlation_id": correlation_id,
                "occurred_after": occurred_after,
                "occurred_before": occurred_before,
                "page_size": page_size,
                "request_id": request_id,
                "target": target,
                "target_type": target_type,
            },
        )

    def change_email(self, *, email: str, password: str | Unset = UNSET) -> Sent:
        """Change my e-mail address."""
        return self._ask(Sent, "POST", "/api/v1/users/me/email/", json={"email": email, "password": password})

    def send_verification(self) -> Sent:
        """Send me a letter to verify my e-mail address."""
        return self._ask(Sent, "POST", "/api/v1/users/me/email/verification/")

    def erase(self, *, confirmation: str, password: str | Unset = UNSET) -> Erasure:
        """Erase my account."""
        return self._ask(
            Erasure, "POST", "/api/v1/users/me/erase/", json={"confirmation": confirmation, "password": password}
        )

    def export(self) -> dict[str, Any]:
        """Everything that is kept about me."""
        return self._ask(dict[str, Any], "GET", "/api/v1/users/me/export/")

    def invitations(self, *, page_size: int | Unset = UNSET) -> _base.Pages[ReceivedInvitation]:
        """Invitations to me: all of them, page by page."""
        return self._pages(ReceivedInvitation, "GET", "/api/v1/users/me/invitations/", query={"page_size": page_size})

    def accept_invitation(self, invitation_id: UUID | str) -> Joined:
        """Join the organization."""
        return self._ask(Joined, "POST", f"/api/v1/users/me/invitations/{_base.quoted(invitation_id)}/accept/")

    def decline_invitation(self, invitation_id: UUID | str) -> None:
        """Decline the invitation."""
        self._tell("POST", f"/api/v1/users/me/invitations/{_base.quoted(invitation_id)}/decline/")

    def change_password(self, *, old_password: str, new_password: str) -> None:
        """Change my password."""
        self._tell(
            "POST", "/api/v1/users/me/password/", json={"old_password": old_password, "new_password": new_password}
        )

    def request_password_reset(self, *, email: str) -> Sent:
        """Ask for a link to choose a new password."""
        return self._ask(Sent, "POST", "/api/v1/users/password/", json={"email": email})

    def reset_password(self, *, token: str, password: str) -> None:
        """Choose a new password, by the link of the letter."""
        self._tell("POST", "/api/v1/users/password/reset/", json={"token": token, "password": password})

    def complete_registration(
        self, *, token: str, password: str, username: str | Unset = UNSET, display_name: str | Unset = UNSET
    ) -> User:
        """Make the account, by the link of the letter."""
        return self._ask(
            User,
            "POST",
            "/api/v1/users/registration/",
            json={"token": token, "password": password, "username": username, "display_name": display_name},
        )

    def retrieve(self, username: str) -> PublicUser:
        """Somebody's public profile."""
        return self._ask(PublicUser, "GET", f"/api/v1/users/{_base.quoted(username)}/")


class AsyncUsersResource(_base.AsyncResource):
    """Users."""

    async def register_(self, *, email: str, display_name: str | Unset = UNSET) -> Sent:
        """Ask for an account."""
        return await self._ask(Sent, "POST", "/api/v1/users/", json={"email": email, "display_name": display_name})

    async def confirm_email(self, *, token: str) -> None:
        """Verify an e-mail address, by the link of the letter."""
        await self._tell("POST", "/api/v1/users/email/", json={"token": token})

    async def me(self) -> User:
        """Who am I?."""
        return await self._ask(User, "GET", "/api/v1/users/me/")

    async def update(
        self,
        *,
        username: str | Unset = UNSET,
        display_name: str | Unset = UNSET,
        first_name: str | Unset = UNSET,
        last_name: str | Unset = UNSET,
        bio: str | Unset = UNSET,
        website: str | Unset = UNSET,
        avatar_url: str | Unset = UNSET,
        github_username: str | Unset = UNSET,
        social_links: dict[str, Any] | Unset = UNSET,
        preferences: dict[str, Any] | Unset = UNSET,
        if_match: str | None = None,
    ) -> User:
        """Change my profile."""
        return await self._ask(
            User,
            "PATCH",
            "/api/v1/users/me/",
            json={
                "username": username,
                "display_name": display_name,
                "first_name": first_name,
                "last_name": last_name,
                "bio": bio,
                "website": website,
                "avatar_url": avatar_url,
                "github_username": github_username,
                "social_links": social_links,
                "preferences": preferences,
            },
            if_match=if_match,
        )

    def me_activity(
        self,
        *,
        action: str | Unset = UNSET,
        actor: UUID | Unset = UNSET,
        actor_kind: Literal["command", "person", "staff", "token", "worker"] | str | Unset = UNSET,
        correlation_id: str | Unset = UNSET,
        occurred_after: datetime | Unset = UNSET,
        occurred_before: datetime | Unset = UNSET,
        page_size: int | Unset = UNSET,
        request_id: str | Unset = UNSET,
        target: str | Unset = UNSET,
        target_type: str | Unset = UNSET,
    ) -> _base.AsyncPages[AuditEntry]:
        """My activity: all of them, page by page."""
        return self._pages(
            AuditEntry,
            "GET",
            "/api/v1/users/me/activity/",
            query={
                "action": action,
                "actor": actor,
                "actor_kind": actor_kind,
                "correlation_id": correlation_id,
                "occurred_after": occurred_after,
                "occurred_before": occurred_before,
                "page_size": page_size,
                "request_id": request_id,
                "target": target,
                "target_type": target_type,
            },
        )

    async def change_email(self, *, email: str, password: str | Unset = UNSET) -> Sent:
        """Change my e-mail address."""
        return await self._ask(Sent, "POST", "/api/v1/users/me/email/", json={"email": email, "password": password})

    async def send_verification(self) -> Sent:
        """Send me a letter to verify my e-mail address."""
        return await self._ask(Sent, "POST", "/api/v1/users/me/email/verification/")

    async def erase(self, *, confirmation: str, password: str | Unset = UNSET) -> Erasure:
        """Erase my account."""
        return await self._ask(
            Erasure, "POST", "/api/v1/users/me/erase/", json={"confirmation": confirmation, "password": password}
        )

    async def export(self) -> dict[str, Any]:
        """Everything that is kept about me."""
        return await self._ask(dict[str, Any], "GET", "/api/v1/users/me/export/")

    def invitations(self, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[ReceivedInvitation]:
        """Invitations to me: all of them, page by page."""
        return self._pages(ReceivedInvitation, "GET", "/api/v1/users/me/invitations/", query={"page_size": page_size})

    async def accept_invitation(self, invitation_id: UUID | str) -> Joined:
        """Join the organization."""
        return await self._ask(Joined, "POST", f"/api/v1/users/me/invitations/{_base.quoted(invitation_id)}/accept/")

    async def decline_invitation(self, invitation_id: UUID | str) -> None:
        """Decline the invitation."""
        await self._tell("POST", f"/api/v1/users/me/invitations/{_base.quoted(invitation_id)}/decline/")

    async def change_password(self, *, old_password: str, new_password: str) -> None:
        """Change my password."""
        await self._tell(
            "POST", "/api/v1/users/me/password/", json={"old_password": old_password, "new_password": new_password}
        )

    async def request_password_reset(self, *, email: str) -> Sent:
        """Ask for a link to choose a new password."""
        return await self._ask(Sent, "POST", "/api/v1/users/password/", json={"email": email})

    async def reset_password(self, *, token: str, password: str) -> None:
        """Choose a new password, by the link of the letter."""
        await self._tell("POST", "/api/v1/users/password/reset/", json={"token": token, "password": password})

    async def complete_registration(
        self, *, token: str, password: str, username: str | Unset = UNSET, display_name: str | Unset = UNSET
    ) -> User:
        """Make the account, by the link of the letter."""
        return await self._ask(
            User,
            "POST",
            "/api/v1/users/registration/",
            json={"token": token, "password": password, "username": username, "display_name": display_name},
        )

    async def retrieve(self, username: str) -> PublicUser:
        """Somebody's public profile."""
        return await self._ask(PublicUser, "GET", f"/api/v1/users/{_base.quoted(username)}/")
