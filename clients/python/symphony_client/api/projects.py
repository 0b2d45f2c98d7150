"""The operations of projects. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

import builtins
from typing import Any, Literal
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import (
    NamedVariableInputRequest,
    Project,
    ProjectAccess,
    ProjectAccessMode,
    ProjectMember,
    Role,
    Variable,
)


class ProjectsResource(_base.Resource):
    """Projects."""

    def list(
        self,
        organization_id: UUID | str,
        *,
        access: Literal["organization", "restricted"] | str | Unset = UNSET,
        archived: bool | Unset = UNSET,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        search: str | Unset = UNSET,
    ) -> _base.Pages[Project]:
        """Projects of an organization: all of them, page by page."""
        return self._pages(
            Project,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/projects/",
            query={
                "access": access,
                "archived": archived,
                "ordering": ordering,
                "page_size": page_size,
                "search": search,
            },
        )

    def create(
        self,
        organization_id: UUID | str,
        *,
        name: str,
        slug: str | Unset = UNSET,
        description: str | Unset = UNSET,
        configuration: dict[str, Any] | Unset = UNSET,
        access: ProjectAccessMode | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Project:
        """Create a project."""
        return self._ask(
            Project,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/projects/",
            json={
                "name": name,
                "slug": slug,
                "description": description,
                "configuration": configuration,
                "access": access,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def get(self, project_id: UUID | str) -> Project:
        """One project."""
        return self._ask(Project, "GET", f"/api/v1/projects/{_base.quoted(project_id)}/")

    def change(
        self,
        project_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        slug: str | Unset = UNSET,
        description: str | Unset = UNSET,
        configuration: dict[str, Any] | Unset = UNSET,
        access: ProjectAccessMode | Unset = UNSET,
        archived: bool | Unset = UNSET,
        if_match: str | None = None,
    ) -> Project:
        """Change a project."""
        return self._ask(
            Project,
            "PATCH",
            f"/api/v1/projects/{_base.quoted(project_id)}/",
            json={
                "name": name,
                "slug": slug,
                "description": description,
                "configuration": configuration,
                "access": access,
                "archived": archived,
            },
            if_match=if_match,
        )

    def delete(self, project_id: UUID | str, *, if_match: str | None = None) -> None:
        """Delete a project."""
        self._tell("DELETE", f"/api/v1/projects/{_base.quoted(project_id)}/", if_match=if_match)

    def access(self, project_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.Pages[ProjectAccess]:
        """Who is named in a project: all of them, page by page."""
        return self._pages(
            ProjectAccess, "GET", f"/api/v1/projects/{_base.quoted(project_id)}/access/", query={"page_size": page_size}
        )

    def access_give(
        self,
        project_id: UUID | str,
        *,
        role: Role,
        user: UUID | Unset = UNSET,
        team: UUID | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ProjectAccess:
        """Name somebody in a project."""
        return self._ask(
            ProjectAccess,
            "POST",
            f"/api/v1/projects/{_base.quoted(project_id)}/access/",
            json={"user": user, "team": team, "role": role},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def access_change(
        self, project_id: UUID | str, access_id: UUID | str, *, role: Role | Unset = UNSET
    ) -> ProjectAccess:
        """Change a role in a project."""
        return self._ask(
            ProjectAccess,
            "PATCH",
            f"/api/v1/projects/{_base.quoted(project_id)}/access/{_base.quoted(access_id)}/",
            json={"role": role},
        )

    def access_take(self, project_id: UUID | str, access_id: UUID | str) -> None:
        """Take somebody out of a project."""
        self._tell("DELETE", f"/api/v1/projects/{_base.quoted(project_id)}/access/{_base.quoted(access_id)}/")

    def members(self, project_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.Pages[ProjectMember]:
        """Everybody in a project: all of them, page by page."""
        return self._pages(
            ProjectMember,
            "GET",
            f"/api/v1/projects/{_base.quoted(project_id)}/members/",
            query={"page_size": page_size},
        )

    def variables(self, project_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.Pages[Variable]:
        """Variables of a project: all of them, page by page."""
        return self._pages(
            Variable, "GET", f"/api/v1/projects/{_base.quoted(project_id)}/variables/", query={"page_size": page_size}
        )

    def variables_replace(
        self,
        project_id: UUID | str,
        *,
        variables: builtins.list[NamedVariableInputRequest],
        page_size: int | Unset = UNSET,
    ) -> _base.Pages[Variable]:
        """Replace all variables: all of them, page by page."""
        return self._pages(
            Variable,
            "PUT",
            f"/api/v1/projects/{_base.quoted(project_id)}/variables/",
            query={"page_size": page_size},
            json={"variables": variables},
        )

    def variables_get(self, project_id: UUID | str, name: str) -> Variable:
        """One variable."""
        return self._ask(
            Variable, "GET", f"/api/v1/projects/{_base.quoted(project_id)}/variables/{_base.quoted(name)}/"
        )

    def variables_store(
        self,
        project_id: UUID | str,
        name: str,
        *,
        value: Any,
        description: str | Unset = UNSET,
        if_match: str | None = None,
    ) -> Variable:
        """Store a variable."""
        return self._ask(
            Variable,
            "PUT",
            f"/api/v1/projects/{_base.quoted(project_id)}/variables/{_base.quoted(name)}/",
            json={"value": value, "description": description},
            if_match=if_match,
        )

    def variables_delete(self, project_id: UUID | str, name: str) -> None:
        """Delete a variable."""
        self._tell("DELETE", f"/api/v1/projects/{_base.quoted(project_id)}/variables/{_base.quoted(name)}/")


class AsyncProjectsResource(_base.AsyncResource):
    """Projects."""

    def list(
        self,
        organization_id: UUID | str,
        *,
        access: Literal["organization", "restricted"] | str | Unset = UNSET,
        archived: bool | Unset = UNSET,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        search: str | Unset = UNSET,
    ) -> _base.AsyncPages[Project]:
        """Projects of an organization: all of them, page by page."""
        return self._pages(
            Project,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/projects/",
            query={
                "access": access,
                "archived": archived,
                "ordering": ordering,
                "page_size": page_size,
                "search": search,
            },
        )

    async def create(
        self,
        organization_id: UUID | str,
        *,
        name: str,
        slug: str | Unset = UNSET,
        description: str | Unset = UNSET,
        configuration: dict[str, Any] | Unset = UNSET,
        access: ProjectAccessMode | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Project:
        """Create a project."""
        return await self._ask(
            Project,
            "POST",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/projects/",
            json={
                "name": name,
                "slug": slug,
                "description": description,
                "configuration": configuration,
                "access": access,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def get(self, project_id: UUID | str) -> Project:
        """One project."""
        return await self._ask(Project, "GET", f"/api/v1/projects/{_base.quoted(project_id)}/")

    async def change(
        self,
        project_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        slug: str | Unset = UNSET,
        description: str | Unset = UNSET,
        configuration: dict[str, Any] | Unset = UNSET,
        access: ProjectAccessMode | Unset = UNSET,
        archived: bool | Unset = UNSET,
        if_match: str | None = None,
    ) -> Project:
        """Change a project."""
        return await self._ask(
            Project,
            "PATCH",
            f"/api/v1/projects/{_base.quoted(project_id)}/",
            json={
                "name": name,
                "slug": slug,
                "description": description,
                "configuration": configuration,
                "access": access,
                "archived": archived,
            },
            if_match=if_match,
        )

    async def delete(self, project_id: UUID | str, *, if_match: str | None = None) -> None:
        """Delete a project."""
        await self._tell("DELETE", f"/api/v1/projects/{_base.quoted(project_id)}/", if_match=if_match)

    def access(self, project_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[ProjectAccess]:
        """Who is named in a project: all of them, page by page."""
        return self._pages(
            ProjectAccess, "GET", f"/api/v1/projects/{_base.quoted(project_id)}/access/", query={"page_size": page_size}
        )

    async def access_give(
        self,
        project_id: UUID | str,
        *,
        role: Role,
        user: UUID | Unset = UNSET,
        team: UUID | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ProjectAccess:
        """Name somebody in a project."""
        return await self._ask(
            ProjectAccess,
            "POST",
            f"/api/v1/projects/{_base.quoted(project_id)}/access/",
            json={"user": user, "team": team, "role": role},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def access_change(
        self, project_id: UUID | str, access_id: UUID | str, *, role: Role | Unset = UNSET
    ) -> ProjectAccess:
        """Change a role in a project."""
        return await self._ask(
            ProjectAccess,
            "PATCH",
            f"/api/v1/projects/{_base.quoted(project_id)}/access/{_base.quoted(access_id)}/",
            json={"role": role},
        )

    async def access_take(self, project_id: UUID | str, access_id: UUID | str) -> None:
        """Take somebody out of a project."""
        await self._tell("DELETE", f"/api/v1/projects/{_base.quoted(project_id)}/access/{_base.quoted(access_id)}/")

    def members(self, project_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[ProjectMember]:
        """Everybody in a project: all of them, page by page."""
        return self._pages(
            ProjectMember,
            "GET",
            f"/api/v1/projects/{_base.quoted(project_id)}/members/",
            query={"page_size": page_size},
        )

    def variables(self, project_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[Variable]:
        """Variables of a project: all of them, page by page."""
        return self._pages(
            Variable, "GET", f"/api/v1/projects/{_base.quoted(project_id)}/variables/", query={"page_size": page_size}
        )

    def variables_replace(
        self,
        project_id: UUID | str,
        *,
        variables: builtins.list[NamedVariableInputRequest],
        page_size: int | Unset = UNSET,
    ) -> _base.AsyncPages[Variable]:
        """Replace all variables: all of them, page by page."""
        return self._pages(
            Variable,
            "PUT",
            f"/api/v1/projects/{_base.quoted(project_id)}/variables/",
            query={"page_size": page_size},
            json={"variables": variables},
        )

    async def variables_get(self, project_id: UUID | str, name: str) -> Variable:
        """One variable."""
        return await self._ask(
            Variable, "GET", f"/api/v1/projects/{_base.quoted(project_id)}/variables/{_base.quoted(name)}/"
        )

    async def variables_store(
        self,
        project_id: UUID | str,
        name: str,
        *,
        value: Any,
        description: str | Unset = UNSET,
        if_match: str | None = None,
    ) -> Variable:
        """Store a variable."""
        return await self._ask(
            Variable,
            "PUT",
            f"/api/v1/projects/{_base.quoted(project_id)}/variables/{_base.quoted(name)}/",
            json={"value": value, "description": description},
            if_match=if_match,
        )

    async def variables_delete(self, project_id: UUID | str, name: str) -> None:
        """Delete a variable."""
        await self._tell("DELETE", f"/api/v1/projects/{_base.quoted(project_id)}/variables/{_base.quoted(name)}/")
