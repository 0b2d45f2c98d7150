"""The operations of secrets. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import Secret


class SecretsResource(_base.Resource):
    """Secrets."""

    def organizations_secrets(
        self, organization_id: UUID | str, *, page_size: int | Unset = UNSET
    ) -> _base.Pages[Secret]:
        """Names of an organization's secrets: all of them, page by page."""
        return self._pages(
            Secret,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/secrets/",
            query={"page_size": page_size},
        )

    def organizations_secrets_store(self, organization_id: UUID | str, name: str, *, value: str) -> Secret:
        """Store a secret."""
        return self._ask(
            Secret,
            "PUT",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/secrets/{_base.quoted(name)}/",
            json={"value": value},
        )

    def organizations_secrets_delete(self, organization_id: UUID | str, name: str) -> None:
        """Delete a secret."""
        self._tell("DELETE", f"/api/v1/organizations/{_base.quoted(organization_id)}/secrets/{_base.quoted(name)}/")

    def projects_secrets(self, project_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.Pages[Secret]:
        """Names of a project's own secrets: all of them, page by page."""
        return self._pages(
            Secret, "GET", f"/api/v1/projects/{_base.quoted(project_id)}/secrets/", query={"page_size": page_size}
        )

    def projects_secrets_store(self, project_id: UUID | str, name: str, *, value: str) -> Secret:
        """Store a secret."""
        return self._ask(
            Secret,
            "PUT",
            f"/api/v1/projects/{_base.quoted(project_id)}/secrets/{_base.quoted(name)}/",
            json={"value": value},
        )

    def projects_secrets_delete(self, project_id: UUID | str, name: str) -> None:
        """Delete a secret."""
        self._tell("DELETE", f"/api/v1/projects/{_base.quoted(project_id)}/secrets/{_base.quoted(name)}/")


class AsyncSecretsResource(_base.AsyncResource):
    """Secrets."""

    def organizations_secrets(
        self, organization_id: UUID | str, *, page_size: int | Unset = UNSET
    ) -> _base.AsyncPages[Secret]:
        """Names of an organization's secrets: all of them, page by page."""
        return self._pages(
            Secret,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/secrets/",
            query={"page_size": page_size},
        )

    async def organizations_secrets_store(self, organization_id: UUID | str, name: str, *, value: str) -> Secret:
        """Store a secret."""
        return await self._ask(
            Secret,
            "PUT",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/secrets/{_base.quoted(name)}/",
            json={"value": value},
        )

    async def organizations_secrets_delete(self, organization_id: UUID | str, name: str) -> None:
        """Delete a secret."""
        await self._tell(
            "DELETE", f"/api/v1/organizations/{_base.quoted(organization_id)}/secrets/{_base.quoted(name)}/"
        )

    def projects_secrets(self, project_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[Secret]:
        """Names of a project's own secrets: all of them, page by page."""
        return self._pages(
            Secret, "GET", f"/api/v1/projects/{_base.quoted(project_id)}/secrets/", query={"page_size": page_size}
        )

    async def projects_secrets_store(self, project_id: UUID | str, name: str, *, value: str) -> Secret:
        """Store a secret."""
        return await self._ask(
            Secret,
            "PUT",
            f"/api/v1/projects/{_base.quoted(project_id)}/secrets/{_base.quoted(name)}/",
            json={"value": value},
        )

    async def projects_secrets_delete(self, project_id: UUID | str, name: str) -> None:
        """Delete a secret."""
        await self._tell("DELETE", f"/api/v1/projects/{_base.quoted(project_id)}/secrets/{_base.quoted(name)}/")
