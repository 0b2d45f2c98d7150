"""The operations of melodies. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import (
    BulkActionEnum,
    BulkResult,
    ForkStatusEnum,
    Melody,
    MelodyStatus,
    N8nImport,
    PricingTierEnum,
    Statistics,
    Validation,
    Version,
    VersionDetail,
    VersionDiff,
)


class MelodiesResource(_base.Resource):
    """Melodies."""

    def list(
        self,
        *,
        created_by: UUID | Unset = UNSET,
        creation_source: Literal["conductor_generated", "forked", "imported", "template", "user_created"]
        | str
        | Unset = UNSET,
        has_path: Literal["false", "true"] | str | Unset = UNSET,
        name: str | Unset = UNSET,
        ordering: str | Unset = UNSET,
        organization: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        parent: UUID | Unset = UNSET,
        path: str | Unset = UNSET,
        pricing_tier: Literal["enterprise", "free", "premium"] | str | Unset = UNSET,
        project: UUID | Unset = UNSET,
        search: str | Unset = UNSET,
        status: Literal["active", "archived", "draft"] | str | Unset = UNSET,
        tag: builtins.list[str] | Unset = UNSET,
        updated_after: datetime | Unset = UNSET,
        updated_before: datetime | Unset = UNSET,
    ) -> _base.Pages[Melody]:
        """Melodies of my organizations: all of them, page by page."""
        return self._pages(
            Melody,
            "GET",
            "/api/v1/melodies/",
            query={
                "created_by": created_by,
                "creation_source": creation_source,
                "has_path": has_path,
                "name": name,
                "ordering": ordering,
                "organization": organization,
                "page_size": page_size,
                "parent": parent,
                "path": path,
                "pricing_tier": pricing_tier,
                "project": project,
                "search": search,
                "status": status,
                "tag": tag,
                "updated_after": updated_after,
                "updated_before": updated_before,
            },
        )

    def create(
        self,
        *,
        body: Any,
        organization: str | Unset = UNSET,
        path: str | Unset = UNSET,
        project: UUID | Unset = UNSET,
        status: Literal["active", "draft"] | str | Unset = UNSET,
        content_type: str = "application/json",
        idempotency_key: str | None = None,
    ) -> Melody:
        """Create a melody."""
        return self._ask(
            Melody,
            "POST",
            "/api/v1/melodies/",
            query={"organization": organization, "path": path, "project": project, "status": status},
            content=body,
            content_type=content_type,
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def bulk(
        self,
        *,
        action: BulkActionEnum,
        ids: builtins.list[UUID] | Unset = UNSET,
        filter: dict[str, str] | Unset = UNSET,
        tags: builtins.list[str] | Unset = UNSET,
        project: UUID | None | Unset = UNSET,
        dry_run: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> BulkResult:
        """Change many melodies."""
        return self._ask(
            BulkResult,
            "POST",
            "/api/v1/melodies/bulk/",
            json={"action": action, "ids": ids, "filter": filter, "tags": tags, "project": project, "dry_run": dry_run},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def import_n8n(
        self,
        *,
        body: Any,
        organization: str | Unset = UNSET,
        path: str | Unset = UNSET,
        project: UUID | Unset = UNSET,
        strict: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> N8nImport:
        """Import a workflow of n8n."""
        return self._ask(
            N8nImport,
            "POST",
            "/api/v1/melodies/import/n8n/",
            query={"organization": organization, "path": path, "project": project, "strict": strict},
            content=body,
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def validate_(self, *, body: Any, content_type: str = "application/json") -> Validation:
        """Check a document."""
        return self._ask(Validation, "POST", "/api/v1/melodies/validate/", content=body, content_type=content_type)

    def get(self, melody_id: UUID | str) -> Melody:
        """One melody."""
        return self._ask(Melody, "GET", f"/api/v1/melodies/{_base.quoted(melody_id)}/")

    def change(
        self,
        melody_id: UUID | str,
        *,
        path: str | None | Unset = UNSET,
        project: UUID | None | Unset = UNSET,
        agent: UUID | None | Unset = UNSET,
        status: MelodyStatus | Unset = UNSET,
        tags: builtins.list[str] | Unset = UNSET,
        compatible_extensions: builtins.list[str] | Unset = UNSET,
        pricing_tier: PricingTierEnum | Unset = UNSET,
        if_match: str | None = None,
    ) -> Melody:
        """Change a melody."""
        return self._ask(
            Melody,
            "PATCH",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/",
            json={
                "path": path,
                "project": project,
                "agent": agent,
                "status": status,
                "tags": tags,
                "compatible_extensions": compatible_extensions,
                "pricing_tier": pricing_tier,
            },
            if_match=if_match,
        )

    def delete(self, melody_id: UUID | str, *, if_match: str | None = None) -> None:
        """Delete a melody."""
        self._tell("DELETE", f"/api/v1/melodies/{_base.quoted(melody_id)}/", if_match=if_match)

    def put_document(
        self,
        melody_id: UUID | str,
        *,
        body: Any,
        change_summary: str | Unset = UNSET,
        semver: str | Unset = UNSET,
        content_type: str = "application/json",
        if_match: str | None = None,
    ) -> Version:
        """Replace the document."""
        return self._ask(
            Version,
            "PUT",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/document/",
            query={"change_summary": change_summary, "semver": semver},
            content=body,
            content_type=content_type,
            if_match=if_match,
        )

    def export(
        self,
        melody_id: UUID | str,
        *,
        format: Literal["json", "yaml"] | str | Unset = UNSET,
        version: int | Unset = UNSET,
    ) -> bytes:
        """The document, to take away."""
        return self._load(
            "GET", f"/api/v1/melodies/{_base.quoted(melody_id)}/export/", query={"format": format, "version": version}
        )

    def fork(
        self,
        melody_id: UUID | str,
        *,
        organization: str | Unset = UNSET,
        project: UUID | None | Unset = UNSET,
        version: str | Unset = UNSET,
        path: str | None | Unset = UNSET,
        status: ForkStatusEnum | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Melody:
        """Fork a melody."""
        return self._ask(
            Melody,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/fork/",
            json={"organization": organization, "project": project, "version": version, "path": path, "status": status},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def statistics(self, melody_id: UUID | str) -> Statistics:
        """How often a melody has run, and how it went."""
        return self._ask(Statistics, "GET", f"/api/v1/melodies/{_base.quoted(melody_id)}/statistics/")

    def versions_list(self, melody_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.Pages[Version]:
        """Versions of a melody: all of them, page by page."""
        return self._pages(
            Version, "GET", f"/api/v1/melodies/{_base.quoted(melody_id)}/versions/", query={"page_size": page_size}
        )

    def versions_create(
        self,
        melody_id: UUID | str,
        *,
        body: Any,
        change_summary: str | Unset = UNSET,
        semver: str | Unset = UNSET,
        content_type: str = "application/json",
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> Version:
        """Publish the next version."""
        return self._ask(
            Version,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/versions/",
            query={"change_summary": change_summary, "semver": semver},
            content=body,
            content_type=content_type,
            idempotency_key=idempotency_key or _base.new_key(),
            if_match=if_match,
        )

    def versions_get(self, melody_id: UUID | str, version: str) -> VersionDetail:
        """One version with its document."""
        return self._ask(
            VersionDetail, "GET", f"/api/v1/melodies/{_base.quoted(melody_id)}/versions/{_base.quoted(version)}/"
        )

    def versions_diff(self, melody_id: UUID | str, version: str, other: str) -> VersionDiff:
        """What is different between two versions."""
        return self._ask(
            VersionDiff,
            "GET",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/versions/{_base.quoted(version)}/diff/{_base.quoted(other)}/",
        )

    def versions_restore(
        self, melody_id: UUID | str, version: str, *, idempotency_key: str | None = None, if_match: str | None = None
    ) -> Version:
        """Go back to a version."""
        return self._ask(
            Version,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/versions/{_base.quoted(version)}/restore/",
            idempotency_key=idempotency_key or _base.new_key(),
            if_match=if_match,
        )

    def melody_schema(self) -> dict[str, Any]:
        """JSON Schema of the melody language."""
        return self._ask(dict[str, Any], "GET", "/api/v1/schema/melody.json")


class AsyncMelodiesResource(_base.AsyncResource):
    """Melodies."""

    def list(
        self,
        *,
        created_by: UUID | Unset = UNSET,
        creation_source: Literal["conductor_generated", "forked", "imported", "template", "user_created"]
        | str
        | Unset = UNSET,
        has_path: Literal["false", "true"] | str | Unset = UNSET,
        name: str | Unset = UNSET,
        ordering: str | Unset = UNSET,
        organization: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        parent: UUID | Unset = UNSET,
        path: str | Unset = UNSET,
        pricing_tier: Literal["enterprise", "free", "premium"] | str | Unset = UNSET,
        project: UUID | Unset = UNSET,
        search: str | Unset = UNSET,
        status: Literal["active", "archived", "draft"] | str | Unset = UNSET,
        tag: builtins.list[str] | Unset = UNSET,
        updated_after: datetime | Unset = UNSET,
        updated_before: datetime | Unset = UNSET,
    ) -> _base.AsyncPages[Melody]:
        """Melodies of my organizations: all of them, page by page."""
        return self._pages(
            Melody,
            "GET",
            "/api/v1/melodies/",
            query={
                "created_by": created_by,
                "creation_source": creation_source,
                "has_path": has_path,
                "name": name,
                "ordering": ordering,
                "organization": organization,
                "page_size": page_size,
                "parent": parent,
                "path": path,
                "pricing_tier": pricing_tier,
                "project": project,
                "search": search,
                "status": status,
                "tag": tag,
                "updated_after": updated_after,
                "updated_before": updated_before,
            },
        )

    async def create(
        self,
        *,
        body: Any,
        organization: str | Unset = UNSET,
        path: str | Unset = UNSET,
        project: UUID | Unset = UNSET,
        status: Literal["active", "draft"] | str | Unset = UNSET,
        content_type: str = "application/json",
        idempotency_key: str | None = None,
    ) -> Melody:
        """Create a melody."""
        return await self._ask(
            Melody,
            "POST",
            "/api/v1/melodies/",
            query={"organization": organization, "path": path, "project": project, "status": status},
            content=body,
            content_type=content_type,
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def bulk(
        self,
        *,
        action: BulkActionEnum,
        ids: builtins.list[UUID] | Unset = UNSET,
        filter: dict[str, str] | Unset = UNSET,
        tags: builtins.list[str] | Unset = UNSET,
        project: UUID | None | Unset = UNSET,
        dry_run: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> BulkResult:
        """Change many melodies."""
        return await self._ask(
            BulkResult,
            "POST",
            "/api/v1/melodies/bulk/",
            json={"action": action, "ids": ids, "filter": filter, "tags": tags, "project": project, "dry_run": dry_run},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def import_n8n(
        self,
        *,
        body: Any,
        organization: str | Unset = UNSET,
        path: str | Unset = UNSET,
        project: UUID | Unset = UNSET,
        strict: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> N8nImport:
        """Import a workflow of n8n."""
        return await self._ask(
            N8nImport,
            "POST",
            "/api/v1/melodies/import/n8n/",
            query={"organization": organization, "path": path, "project": project, "strict": strict},
            content=body,
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def validate_(self, *, body: Any, content_type: str = "application/json") -> Validation:
        """Check a document."""
        return await self._ask(
            Validation, "POST", "/api/v1/melodies/validate/", content=body, content_type=content_type
        )

    async def get(self, melody_id: UUID | str) -> Melody:
        """One melody."""
        return await self._ask(Melody, "GET", f"/api/v1/melodies/{_base.quoted(melody_id)}/")

    async def change(
        self,
        melody_id: UUID | str,
        *,
        path: str | None | Unset = UNSET,
        project: UUID | None | Unset = UNSET,
        agent: UUID | None | Unset = UNSET,
        status: MelodyStatus | Unset = UNSET,
        tags: builtins.list[str] | Unset = UNSET,
        compatible_extensions: builtins.list[str] | Unset = UNSET,
        pricing_tier: PricingTierEnum | Unset = UNSET,
        if_match: str | None = None,
    ) -> Melody:
        """Change a melody."""
        return await self._ask(
            Melody,
            "PATCH",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/",
            json={
                "path": path,
                "project": project,
                "agent": agent,
                "status": status,
                "tags": tags,
                "compatible_extensions": compatible_extensions,
                "pricing_tier": pricing_tier,
            },
            if_match=if_match,
        )

    async def delete(self, melody_id: UUID | str, *, if_match: str | None = None) -> None:
        """Delete a melody."""
        await self._tell("DELETE", f"/api/v1/melodies/{_base.quoted(melody_id)}/", if_match=if_match)

    async def put_document(
        self,
        melody_id: UUID | str,
        *,
        body: Any,
        change_summary: str | Unset = UNSET,
        semver: str | Unset = UNSET,
        content_type: str = "application/json",
        if_match: str | None = None,
    ) -> Version:
        """Replace the document."""
        return await self._ask(
            Version,
            "PUT",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/document/",
            query={"change_summary": change_summary, "semver": semver},
            content=body,
            content_type=content_type,
            if_match=if_match,
        )

    async def export(
        self,
        melody_id: UUID | str,
        *,
        format: Literal["json", "yaml"] | str | Unset = UNSET,
        version: int | Unset = UNSET,
    ) -> bytes:
        """The document, to take away."""
        return await self._load(
            "GET", f"/api/v1/melodies/{_base.quoted(melody_id)}/export/", query={"format": format, "version": version}
        )

    async def fork(
        self,
        melody_id: UUID | str,
        *,
        organization: str | Unset = UNSET,
        project: UUID | None | Unset = UNSET,
        version: str | Unset = UNSET,
        path: str | None | Unset = UNSET,
        status: ForkStatusEnum | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Melody:
        """Fork a melody."""
        return await self._ask(
            Melody,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/fork/",
            json={"organization": organization, "project": project, "version": version, "path": path, "status": status},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def statistics(self, melody_id: UUID | str) -> Statistics:
        """How often a melody has run, and how it went."""
        return await self._ask(Statistics, "GET", f"/api/v1/melodies/{_base.quoted(melody_id)}/statistics/")

    def versions_list(self, melody_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[Version]:
        """Versions of a melody: all of them, page by page."""
        return self._pages(
            Version, "GET", f"/api/v1/melodies/{_base.quoted(melody_id)}/versions/", query={"page_size": page_size}
        )

    async def versions_create(
        self,
        melody_id: UUID | str,
        *,
        body: Any,
        change_summary: str | Unset = UNSET,
        semver: str | Unset = UNSET,
        content_type: str = "application/json",
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> Version:
        """Publish the next version."""
        return await self._ask(
            Version,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/versions/",
            query={"change_summary": change_summary, "semver": semver},
            content=body,
            content_type=content_type,
            idempotency_key=idempotency_key or _base.new_key(),
            if_match=if_match,
        )

    async def versions_get(self, melody_id: UUID | str, version: str) -> VersionDetail:
        """One version with its document."""
        return await self._ask(
            VersionDetail, "GET", f"/api/v1/melodies/{_base.quoted(melody_id)}/versions/{_base.quoted(version)}/"
        )

    async def versions_diff(self, melody_id: UUID | str, version: str, other: str) -> VersionDiff:
        """What is different between two versions."""
        return await self._ask(
            VersionDiff,
            "GET",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/versions/{_base.quoted(version)}/diff/{_base.quoted(other)}/",
        )

    async def versions_restore(
        self, melody_id: UUID | str, version: str, *, idempotency_key: str | None = None, if_match: str | None = None
    ) -> Version:
        """Go back to a version."""
        return await self._ask(
            Version,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/versions/{_base.quoted(version)}/restore/",
            idempotency_key=idempotency_key or _base.new_key(),
            if_match=if_match,
        )

    async def melody_schema(self) -> dict[str, Any]:
        """JSON Schema of the melody language."""
        return await self._ask(dict[str, Any], "GET", "/api/v1/schema/melody.json")
