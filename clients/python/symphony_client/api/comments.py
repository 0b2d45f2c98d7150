"""The operations of comments. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

import builtins
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import Comment, Mention, MentionsSeen


class CommentsResource(_base.Resource):
    """Comments."""

    def get(self, comment_id: UUID | str) -> Comment:
        """One comment."""
        return self._ask(Comment, "GET", f"/api/v1/comments/{_base.quoted(comment_id)}/")

    def change(self, comment_id: UUID | str, *, body: str | Unset = UNSET) -> Comment:
        """Change what one has said."""
        return self._ask(Comment, "PATCH", f"/api/v1/comments/{_base.quoted(comment_id)}/", json={"body": body})

    def delete(self, comment_id: UUID | str) -> None:
        """Delete a comment."""
        self._tell("DELETE", f"/api/v1/comments/{_base.quoted(comment_id)}/")

    def reopen(self, comment_id: UUID | str, *, idempotency_key: str | None = None) -> Comment:
        """Open a thread again."""
        return self._ask(
            Comment,
            "POST",
            f"/api/v1/comments/{_base.quoted(comment_id)}/reopen/",
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def resolve(self, comment_id: UUID | str, *, idempotency_key: str | None = None) -> Comment:
        """Resolve a thread."""
        return self._ask(
            Comment,
            "POST",
            f"/api/v1/comments/{_base.quoted(comment_id)}/resolve/",
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def list(
        self,
        melody_id: UUID | str,
        *,
        author: UUID | Unset = UNSET,
        on_melody: bool | Unset = UNSET,
        page_size: int | Unset = UNSET,
        resolved: bool | Unset = UNSET,
        step: UUID | Unset = UNSET,
        thread: UUID | Unset = UNSET,
    ) -> _base.Pages[Comment]:
        """Comments on a melody: all of them, page by page."""
        return self._pages(
            Comment,
            "GET",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/comments/",
            query={
                "author": author,
                "on_melody": on_melody,
                "page_size": page_size,
                "resolved": resolved,
                "step": step,
                "thread": thread,
            },
        )

    def create(
        self,
        melody_id: UUID | str,
        *,
        body: str,
        parent: UUID | None | Unset = UNSET,
        step: UUID | None | Unset = UNSET,
        step_path: builtins.list[str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Comment:
        """Comment on a melody or a step."""
        return self._ask(
            Comment,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/comments/",
            json={"body": body, "parent": parent, "step": step, "step_path": step_path},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def mentions_list(
        self, *, melody: UUID | Unset = UNSET, page_size: int | Unset = UNSET, seen: bool | Unset = UNSET
    ) -> _base.Pages[Mention]:
        """Where I was mentioned: all of them, page by page."""
        return self._pages(
            Mention, "GET", "/api/v1/mentions/", query={"melody": melody, "page_size": page_size, "seen": seen}
        )

    def mentions_seen(
        self, *, mentions: builtins.list[UUID] | Unset = UNSET, idempotency_key: str | None = None
    ) -> MentionsSeen:
        """Say that I have seen them."""
        return self._ask(
            MentionsSeen,
            "POST",
            "/api/v1/mentions/seen/",
            json={"mentions": mentions},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def mentions_change(self, mention_id: UUID | str, *, seen: bool | Unset = UNSET) -> Mention:
        """Say that I have seen it."""
        return self._ask(Mention, "PATCH", f"/api/v1/mentions/{_base.quoted(mention_id)}/", json={"seen": seen})


class AsyncCommentsResource(_base.AsyncResource):
    """Comments."""

    async def get(self, comment_id: UUID | str) -> Comment:
        """One comment."""
        return await self._ask(Comment, "GET", f"/api/v1/comments/{_base.quoted(comment_id)}/")

    async def change(self, comment_id: UUID | str, *, body: str | Unset = UNSET) -> Comment:
        """Change what one has said."""
        return await self._ask(Comment, "PATCH", f"/api/v1/comments/{_base.quoted(comment_id)}/", json={"body": body})

    async def delete(self, comment_id: UUID | str) -> None:
        """Delete a comment."""
        await self._tell("DELETE", f"/api/v1/comments/{_base.quoted(comment_id)}/")

    async def reopen(self, comment_id: UUID | str, *, idempotency_key: str | None = None) -> Comment:
        """Open a thread again."""
        return await self._ask(
            Comment,
            "POST",
            f"/api/v1/comments/{_base.quoted(comment_id)}/reopen/",
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def resolve(self, comment_id: UUID | str, *, idempotency_key: str | None = None) -> Comment:
        """Resolve a thread."""
        return await self._ask(
            Comment,
            "POST",
            f"/api/v1/comments/{_base.quoted(comment_id)}/resolve/",
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def list(
        self,
        melody_id: UUID | str,
        *,
        author: UUID | Unset = UNSET,
        on_melody: bool | Unset = UNSET,
        page_size: int | Unset = UNSET,
        resolved: bool | Unset = UNSET,
        step: UUID | Unset = UNSET,
        thread: UUID | Unset = UNSET,
    ) -> _base.AsyncPages[Comment]:
        """Comments on a melody: all of them, page by page."""
        return self._pages(
            Comment,
            "GET",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/comments/",
            query={
                "author": author,
                "on_melody": on_melody,
                "page_size": page_size,
                "resolved": resolved,
                "step": step,
                "thread": thread,
            },
        )

    async def create(
        self,
        melody_id: UUID | str,
        *,
        body: str,
        parent: UUID | None | Unset = UNSET,
        step: UUID | None | Unset = UNSET,
        step_path: builtins.list[str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Comment:
        """Comment on a melody or a step."""
        return await self._ask(
            Comment,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/comments/",
            json={"body": body, "parent": parent, "step": step, "step_path": step_path},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def mentions_list(
        self, *, melody: UUID | Unset = UNSET, page_size: int | Unset = UNSET, seen: bool | Unset = UNSET
    ) -> _base.AsyncPages[Mention]:
        """Where I was mentioned: all of them, page by page."""
        return self._pages(
            Mention, "GET", "/api/v1/mentions/", query={"melody": melody, "page_size": page_size, "seen": seen}
        )

    async def mentions_seen(
        self, *, mentions: builtins.list[UUID] | Unset = UNSET, idempotency_key: str | None = None
    ) -> MentionsSeen:
        """Say that I have seen them."""
        return await self._ask(
            MentionsSeen,
            "POST",
            "/api/v1/mentions/seen/",
            json={"mentions": mentions},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def mentions_change(self, mention_id: UUID | str, *, seen: bool | Unset = UNSET) -> Mention:
        """Say that I have seen it."""
        return await self._ask(Mention, "PATCH", f"/api/v1/mentions/{_base.quoted(mention_id)}/", json={"seen": seen})
