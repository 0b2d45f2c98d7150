"""The operations of templates. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import Instance, Template, TemplateDetail


class TemplatesResource(_base.Resource):
    """Templates."""

    def list(
        self,
        *,
        builtin: bool | Unset = UNSET,
        category: str | Unset = UNSET,
        ordering: str | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        search: str | Unset = UNSET,
    ) -> _base.Pages[Template]:
        """Templates: all of them, page by page."""
        return self._pages(
            Template,
            "GET",
            "/api/v1/templates/",
            query={
                "builtin": builtin,
                "category": category,
                "ordering": ordering,
                "organization": organization,
                "page_size": page_size,
                "search": search,
            },
        )

    def create(
        self,
        *,
        name: str,
        description: str | Unset = UNSET,
        category: str | Unset = UNSET,
        icon: str | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        version: str | Unset = UNSET,
        document: dict[str, Any] | Unset = UNSET,
        source: str | Unset = UNSET,
        default_values: dict[str, Any] | Unset = UNSET,
        organization: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> TemplateDetail:
        """Create a template."""
        return self._ask(
            TemplateDetail,
            "POST",
            "/api/v1/templates/",
            query={"organization": organization},
            json={
                "name": name,
                "description": description,
                "category": category,
                "icon": icon,
                "melody": melody,
                "version": version,
                "document": document,
                "source": source,
                "default_values": default_values,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def get(self, template_id: UUID | str) -> TemplateDetail:
        """One template with its document."""
        return self._ask(TemplateDetail, "GET", f"/api/v1/templates/{_base.quoted(template_id)}/")

    def change(
        self,
        template_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        category: str | Unset = UNSET,
        icon: str | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        version: str | Unset = UNSET,
        document: dict[str, Any] | Unset = UNSET,
        source: str | Unset = UNSET,
        default_values: dict[str, Any] | Unset = UNSET,
        if_match: str | None = None,
    ) -> TemplateDetail:
        """Change a template."""
        return self._ask(
            TemplateDetail,
            "PATCH",
            f"/api/v1/templates/{_base.quoted(template_id)}/",
            json={
                "name": name,
                "description": description,
                "category": category,
                "icon": icon,
                "melody": melody,
                "version": version,
                "document": document,
                "source": source,
                "default_values": default_values,
            },
            if_match=if_match,
        )

    def delete(self, template_id: UUID | str, *, if_match: str | None = None) -> None:
        """Delete a template."""
        self._tell("DELETE", f"/api/v1/templates/{_base.quoted(template_id)}/", if_match=if_match)

    def instantiate(
        self,
        template_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        project: UUID | None | Unset = UNSET,
        path: str | None | Unset = UNSET,
        values: dict[str, Any] | Unset = UNSET,
        organization: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Instance:
        """Make a melody from a template."""
        return self._ask(
            Instance,
            "POST",
            f"/api/v1/templates/{_base.quoted(template_id)}/instantiate/",
            query={"organization": organization},
            json={"name": name, "project": project, "path": path, "values": values},
            idempotency_key=idempotency_key or _base.new_key(),
        )


class AsyncTemplatesResource(_base.AsyncResource):
    """Templates."""

    def list(
        self,
        *,
        builtin: bool | Unset = UNSET,
        category: str | Unset = UNSET,
        ordering: str | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        search: str | Unset = UNSET,
    ) -> _base.AsyncPages[Template]:
        """Templates: all of them, page by page."""
        return self._pages(
            Template,
            "GET",
            "/api/v1/templates/",
            query={
                "builtin": builtin,
                "category": category,
                "ordering": ordering,
                "organization": organization,
                "page_size": page_size,
                "search": search,
            },
        )

    async def create(
        self,
        *,
        name: str,
        description: str | Unset = UNSET,
        category: str | Unset = UNSET,
        icon: str | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        version: str | Unset = UNSET,
        document: dict[str, Any] | Unset = UNSET,
        source: str | Unset = UNSET,
        default_values: dict[str, Any] | Unset = UNSET,
        organization: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> TemplateDetail:
        """Create a template."""
        return await self._ask(
            TemplateDetail,
            "POST",
            "/api/v1/templates/",
            query={"organization": organization},
            json={
                "name": name,
                "description": description,
                "category": category,
                "icon": icon,
                "melody": melody,
                "version": version,
                "document": document,
                "source": source,
                "default_values": default_values,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def get(self, template_id: UUID | str) -> TemplateDetail:
        """One template with its document."""
        return await self._ask(TemplateDetail, "GET", f"/api/v1/templates/{_base.quoted(template_id)}/")

    async def change(
        self,
        template_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        category: str | Unset = UNSET,
        icon: str | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        version: str | Unset = UNSET,
        document: dict[str, Any] | Unset = UNSET,
        source: str | Unset = UNSET,
        default_values: dict[str, Any] | Unset = UNSET,
        if_match: str | None = None,
    ) -> TemplateDetail:
        """Change a template."""
        return await self._ask(
            TemplateDetail,
            "PATCH",
            f"/api/v1/templates/{_base.quoted(template_id)}/",
            json={
                "name": name,
                "description": description,
                "category": category,
                "icon": icon,
                "melody": melody,
                "version": version,
                "document": document,
                "source": source,
                "default_values": default_values,
            },
            if_match=if_match,
        )

    async def delete(self, template_id: UUID | str, *, if_match: str | None = None) -> None:
        """Delete a template."""
        await self._tell("DELETE", f"/api/v1/templates/{_base.quoted(template_id)}/", if_match=if_match)

    async def instantiate(
        self,
        template_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        project: UUID | None | Unset = UNSET,
        path: str | None | Unset = UNSET,
        values: dict[str, Any] | Unset = UNSET,
        organization: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Instance:
        """Make a melody from a template."""
        return await self._ask(
            Instance,
            "POST",
            f"/api/v1/templates/{_base.quoted(template_id)}/instantiate/",
            query={"organization": organization},
            json={"name": name, "project": project, "path": path, "values": values},
            idempotency_key=idempotency_key or _base.new_key(),
        )
