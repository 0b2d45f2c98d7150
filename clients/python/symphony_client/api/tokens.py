"""The operations of tokens. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

import builtins
from datetime import datetime
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import NewToken, ScopesEnum, Token


class TokensResource(_base.Resource):
    """Tokens."""

    def list(self, *, page_size: int | Unset = UNSET) -> _base.Pages[Token]:
        """My tokens: all of them, page by page."""
        return self._pages(Token, "GET", "/api/v1/tokens/", query={"page_size": page_size})

    def create(
        self,
        *,
        name: str,
        scopes: builtins.list[ScopesEnum] | Unset = UNSET,
        expires_at: datetime | None | Unset = UNSET,
        organization: UUID | None | Unset = UNSET,
    ) -> NewToken:
        """Create a token."""
        return self._ask(
            NewToken,
            "POST",
            "/api/v1/tokens/",
            json={"name": name, "scopes": scopes, "expires_at": expires_at, "organization": organization},
        )

    def retrieve(self, token_id: UUID | str) -> Token:
        """A token of mine."""
        return self._ask(Token, "GET", f"/api/v1/tokens/{_base.quoted(token_id)}/")

    def rename(self, token_id: UUID | str, *, name: str | Unset = UNSET) -> Token:
        """Rename a token."""
        return self._ask(Token, "PATCH", f"/api/v1/tokens/{_base.quoted(token_id)}/", json={"name": name})

    def revoke(self, token_id: UUID | str) -> None:
        """Revoke a token."""
        self._tell("DELETE", f"/api/v1/tokens/{_base.quoted(token_id)}/")


class AsyncTokensResource(_base.AsyncResource):
    """Tokens."""

    def list(self, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[Token]:
        """My tokens: all of them, page by page."""
        return self._pages(Token, "GET", "/api/v1/tokens/", query={"page_size": page_size})

    async def create(
        self,
        *,
        name: str,
        scopes: builtins.list[ScopesEnum] | Unset = UNSET,
        expires_at: datetime | None | Unset = UNSET,
        organization: UUID | None | Unset = UNSET,
    ) -> NewToken:
        """Create a token."""
        return await self._ask(
            NewToken,
            "POST",
            "/api/v1/tokens/",
            json={"name": name, "scopes": scopes, "expires_at": expires_at, "organization": organization},
        )

    async def retrieve(self, token_id: UUID | str) -> Token:
        """A token of mine."""
        return await self._ask(Token, "GET", f"/api/v1/tokens/{_base.quoted(token_id)}/")

    async def rename(self, token_id: UUID | str, *, name: str | Unset = UNSET) -> Token:
        """Rename a token."""
        return await self._ask(Token, "PATCH", f"/api/v1/tokens/{_base.quoted(token_id)}/", json={"name": name})

    async def revoke(self, token_id: UUID | str) -> None:
        """Revoke a token."""
        await self._tell("DELETE", f"/api/v1/tokens/{_base.quoted(token_id)}/")
