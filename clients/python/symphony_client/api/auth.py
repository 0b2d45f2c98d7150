"""The operations of auth. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import Connection, Ended, ScopesEnum, Session, SignedIn


class AuthResource(_base.Resource):
    """Auth."""

    def connections_list(self, *, page_size: int | Unset = UNSET) -> _base.Pages[Connection]:
        """Programs that act for me: all of them, page by page."""
        return self._pages(Connection, "GET", "/api/v1/auth/connections/", query={"page_size": page_size})

    def connections_end(self, connection_id: str) -> None:
        """Disconnect a program."""
        self._tell("DELETE", f"/api/v1/auth/connections/{_base.quoted(connection_id)}/")

    def sign_in(
        self, *, email: str, password: str, scopes: list[ScopesEnum] | Unset = UNSET, code: str | Unset = UNSET
    ) -> SignedIn:
        """Sign in with e-mail address and password."""
        return self._ask(
            SignedIn,
            "POST",
            "/api/v1/auth/jwt/",
            json={"scopes": scopes, "email": email, "password": password, "code": code},
        )

    def from_browser(self, *, scopes: list[ScopesEnum] | Unset = UNSET) -> SignedIn:
        """Tokens for a browser that is signed in."""
        return self._ask(SignedIn, "POST", "/api/v1/auth/jwt/from-browser/", json={"scopes": scopes})

    def refresh(self, *, refresh: str) -> SignedIn:
        """Stay signed in."""
        return self._ask(SignedIn, "POST", "/api/v1/auth/jwt/refresh/", json={"refresh": refresh})

    def sign_out(self, *, refresh: str) -> None:
        """Sign out."""
        self._tell("POST", "/api/v1/auth/jwt/revoke/", json={"refresh": refresh})

    def sessions_list(self, *, page_size: int | Unset = UNSET) -> _base.Pages[Session]:
        """Where I am signed in: all of them, page by page."""
        return self._pages(Session, "GET", "/api/v1/auth/sessions/", query={"page_size": page_size})

    def sessions_end_others(self) -> Ended:
        """Sign out everywhere else."""
        return self._ask(Ended, "DELETE", "/api/v1/auth/sessions/")

    def sessions_end(self, session_id: UUID | str) -> None:
        """End a session."""
        self._tell("DELETE", f"/api/v1/auth/sessions/{_base.quoted(session_id)}/")


class AsyncAuthResource(_base.AsyncResource):
    """Auth."""

    def connections_list(self, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[Connection]:
        """Programs that act for me: all of them, page by page."""
        return self._pages(Connection, "GET", "/api/v1/auth/connections/", query={"page_size": page_size})

    async def connections_end(self, connection_id: str) -> None:
        """Disconnect a program."""
        await self._tell("DELETE", f"/api/v1/auth/connections/{_base.quoted(connection_id)}/")

    async def sign_in(
        self, *, email: str, password: str, scopes: list[ScopesEnum] | Unset = UNSET, code: str | Unset = UNSET
    ) -> SignedIn:
        """Sign in with e-mail address and password."""
        return await self._ask(
            SignedIn,
            "POST",
            "/api/v1/auth/jwt/",
            json={"scopes": scopes, "email": email, "password": password, "code": code},
        )

    async def from_browser(self, *, scopes: list[ScopesEnum] | Unset = UNSET) -> SignedIn:
        """Tokens for a browser that is signed in."""
        return await self._ask(SignedIn, "POST", "/api/v1/auth/jwt/from-browser/", json={"scopes": scopes})

    async def refresh(self, *, refresh: str) -> SignedIn:
        """Stay signed in."""
        return await self._ask(SignedIn, "POST", "/api/v1/auth/jwt/refresh/", json={"refresh": refresh})

    async def sign_out(self, *, refresh: str) -> None:
        """Sign out."""
        await self._tell("POST", "/api/v1/auth/jwt/revoke/", json={"refresh": refresh})

    def sessions_list(self, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[Session]:
        """Where I am signed in: all of them, page by page."""
        return self._pages(Session, "GET", "/api/v1/auth/sessions/", query={"page_size": page_size})

    async def sessions_end_others(self) -> Ended:
        """Sign out everywhere else."""
        return await self._ask(Ended, "DELETE", "/api/v1/auth/sessions/")

    async def sessions_end(self, session_id: UUID | str) -> None:
        """End a session."""
        await self._tell("DELETE", f"/api/v1/auth/sessions/{_base.quoted(session_id)}/")
