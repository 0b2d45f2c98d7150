"""The operations of agents. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import (
    Agent,
    AgentTypeEnum,
    AgentVersion,
    AgentVersionDetail,
    Deployment,
    DeploymentLogs,
    Execution,
    FrameworkEnum,
    Integration,
    Melody,
    N8nImport,
    RuntimeEnum,
    VersionBump,
)


class AgentsResource(_base.Resource):
    """Agents."""

    def list(
        self,
        *,
        agent_type: Literal["code", "visual"] | str | Unset = UNSET,
        framework: Literal["agno", "crewai", "langgraph", "n8n"] | str | Unset = UNSET,
        name: str | Unset = UNSET,
        ordering: str | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        project: UUID | Unset = UNSET,
        search: str | Unset = UNSET,
        slug: str | Unset = UNSET,
        status: Literal["active", "draft", "error", "inactive"] | str | Unset = UNSET,
    ) -> _base.Pages[Agent]:
        """Agents of my organizations: all of them, page by page."""
        return self._pages(
            Agent,
            "GET",
            "/api/v1/agents/",
            query={
                "agent_type": agent_type,
                "framework": framework,
                "name": name,
                "ordering": ordering,
                "organization": organization,
                "page_size": page_size,
                "project": project,
                "search": search,
                "slug": slug,
                "status": status,
            },
        )

    def create(
        self,
        *,
        name: str,
        framework: FrameworkEnum,
        slug: str | Unset = UNSET,
        description: str | Unset = UNSET,
        project: UUID | None | Unset = UNSET,
        resource_limits: Any = UNSET,
        metadata: Any = UNSET,
        agent_type: AgentTypeEnum | Unset = UNSET,
        config: Any = UNSET,
        source: str | Unset = UNSET,
        organization: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Agent:
        """Create an agent."""
        return self._ask(
            Agent,
            "POST",
            "/api/v1/agents/",
            query={"organization": organization},
            json={
                "name": name,
                "slug": slug,
                "description": description,
                "project": project,
                "resource_limits": resource_limits,
                "metadata": metadata,
                "framework": framework,
                "agent_type": agent_type,
                "config": config,
                "source": source,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def get(self, agent_id: UUID | str) -> Agent:
        """One agent."""
        return self._ask(Agent, "GET", f"/api/v1/agents/{_base.quoted(agent_id)}/")

    def change(
        self,
        agent_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        slug: str | Unset = UNSET,
        description: str | Unset = UNSET,
        project: UUID | None | Unset = UNSET,
        resource_limits: Any = UNSET,
        metadata: Any = UNSET,
        if_match: str | None = None,
    ) -> Agent:
        """Change an agent."""
        return self._ask(
            Agent,
            "PATCH",
            f"/api/v1/agents/{_base.quoted(agent_id)}/",
            json={
                "name": name,
                "slug": slug,
                "description": description,
                "project": project,
                "resource_limits": resource_limits,
                "metadata": metadata,
            },
            if_match=if_match,
        )

    def delete(self, agent_id: UUID | str) -> None:
        """Delete an agent."""
        self._tell("DELETE", f"/api/v1/agents/{_base.quoted(agent_id)}/")

    def activate(self, agent_id: UUID | str) -> Agent:
        """Activate an agent."""
        return self._ask(Agent, "POST", f"/api/v1/agents/{_base.quoted(agent_id)}/activate/")

    def deactivate(self, agent_id: UUID | str) -> Agent:
        """Deactivate an agent."""
        return self._ask(Agent, "POST", f"/api/v1/agents/{_base.quoted(agent_id)}/deactivate/")

    def agent_deployments_list(
        self,
        agent_id: UUID | str,
        *,
        page_size: int | Unset = UNSET,
        status: Literal["crashed", "failed", "pending", "running", "starting", "stopped", "stopping"]
        | str
        | Unset = UNSET,
    ) -> _base.Pages[Deployment]:
        """Deployments of an agent: all of them, page by page."""
        return self._pages(
            Deployment,
            "GET",
            f"/api/v1/agents/{_base.quoted(agent_id)}/deployments/",
            query={"page_size": page_size, "status": status},
        )

    def agent_deployments_create(
        self,
        agent_id: UUID | str,
        *,
        version: str | Unset = UNSET,
        runtime: RuntimeEnum | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Deployment:
        """Deploy an agent."""
        return self._ask(
            Deployment,
            "POST",
            f"/api/v1/agents/{_base.quoted(agent_id)}/deployments/",
            json={"version": version, "runtime": runtime},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def agent_executions_list(
        self,
        agent_id: UUID | str,
        *,
        agent: UUID | Unset = UNSET,
        correlation_id: UUID | Unset = UNSET,
        created_after: datetime | Unset = UNSET,
        created_before: datetime | Unset = UNSET,
        error_code: str | Unset = UNSET,
        ids: builtins.list[UUID] | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        ordering: str | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        parent: UUID | Unset = UNSET,
        project: UUID | Unset = UNSET,
        rerun_of: UUID | Unset = UNSET,
        status: builtins.list[
            Literal["cancelled", "completed", "failed", "paused", "pending", "queued", "running", "timeout"] | str
        ]
        | Unset = UNSET,
        trigger: UUID | Unset = UNSET,
    ) -> _base.Pages[Execution]:
        """Executions of an agent's workflows: all of them, page by page."""
        return self._pages(
            Execution,
            "GET",
            f"/api/v1/agents/{_base.quoted(agent_id)}/executions/",
            query={
                "agent": agent,
                "correlation_id": correlation_id,
                "created_after": created_after,
                "created_before": created_before,
                "error_code": error_code,
                "ids": ids,
                "melody": melody,
                "ordering": ordering,
                "organization": organization,
                "page_size": page_size,
                "parent": parent,
                "project": project,
                "rerun_of": rerun_of,
                "status": status,
                "trigger": trigger,
            },
        )

    def marketplace(self, agent_id: UUID | str) -> Integration:
        """Where an agent is published."""
        return self._ask(Integration, "GET", f"/api/v1/agents/{_base.quoted(agent_id)}/marketplace/")

    def publish(self, agent_id: UUID | str, *, marketplace_name: str | Unset = UNSET) -> Integration:
        """Record that an agent is published."""
        return self._ask(
            Integration,
            "POST",
            f"/api/v1/agents/{_base.quoted(agent_id)}/publish/",
            json={"marketplace_name": marketplace_name},
        )

    def unpublish(self, agent_id: UUID | str) -> Integration:
        """Record that an agent is published no longer."""
        return self._ask(Integration, "POST", f"/api/v1/agents/{_base.quoted(agent_id)}/unpublish/")

    def agent_versions_list(self, agent_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.Pages[AgentVersion]:
        """Versions of an agent, the newest first: all of them, page by page."""
        return self._pages(
            AgentVersion, "GET", f"/api/v1/agents/{_base.quoted(agent_id)}/versions/", query={"page_size": page_size}
        )

    def agent_versions_create(
        self,
        agent_id: UUID | str,
        *,
        config: Any,
        source: str | Unset = UNSET,
        change_summary: str | Unset = UNSET,
        version: str | Unset = UNSET,
        bump: VersionBump | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> AgentVersionDetail:
        """Publish the next version of an agent."""
        return self._ask(
            AgentVersionDetail,
            "POST",
            f"/api/v1/agents/{_base.quoted(agent_id)}/versions/",
            json={
                "config": config,
                "source": source,
                "change_summary": change_summary,
                "version": version,
                "bump": bump,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def agent_versions_get(self, agent_id: UUID | str, number: str) -> AgentVersionDetail:
        """One version of an agent with what it holds."""
        return self._ask(
            AgentVersionDetail, "GET", f"/api/v1/agents/{_base.quoted(agent_id)}/versions/{_base.quoted(number)}/"
        )

    def agent_workflows_list(
        self,
        agent_id: UUID | str,
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
        """Workflows of an agent: all of them, page by page."""
        return self._pages(
            Melody,
            "GET",
            f"/api/v1/agents/{_base.quoted(agent_id)}/workflows/",
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

    def agent_workflows_create(
        self,
        agent_id: UUID | str,
        *,
        body: Any,
        path: str | Unset = UNSET,
        content_type: str = "application/json",
        idempotency_key: str | None = None,
    ) -> Melody:
        """Create a workflow of an agent."""
        return self._ask(
            Melody,
            "POST",
            f"/api/v1/agents/{_base.quoted(agent_id)}/workflows/",
            query={"path": path},
            content=body,
            content_type=content_type,
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def agent_workflows_import_n8n(
        self,
        agent_id: UUID | str,
        *,
        body: Any,
        path: str | Unset = UNSET,
        strict: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> N8nImport:
        """Import a workflow of n8n as one of an agent."""
        return self._ask(
            N8nImport,
            "POST",
            f"/api/v1/agents/{_base.quoted(agent_id)}/workflows/n8n/",
            query={"path": path, "strict": strict},
            content=body,
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def deployments_get(self, deployment_id: UUID | str) -> Deployment:
        """One deployment."""
        return self._ask(Deployment, "GET", f"/api/v1/deployments/{_base.quoted(deployment_id)}/")

    def deployments_logs(self, deployment_id: UUID | str) -> DeploymentLogs:
        """What a deployment has printed."""
        return self._ask(DeploymentLogs, "GET", f"/api/v1/deployments/{_base.quoted(deployment_id)}/logs/")

    def deployments_restart(self, deployment_id: UUID | str) -> Deployment:
        """Start a deployment anew."""
        return self._ask(Deployment, "POST", f"/api/v1/deployments/{_base.quoted(deployment_id)}/restart/")

    def deployments_stop(self, deployment_id: UUID | str) -> Deployment:
        """Ask a deployment to stop."""
        return self._ask(Deployment, "POST", f"/api/v1/deployments/{_base.quoted(deployment_id)}/stop/")


class AsyncAgentsResource(_base.AsyncResource):
    """Agents."""

    def list(
        self,
        *,
        agent_type: Literal["code", "visual"] | str | Unset = UNSET,
        framework: Literal["agno", "crewai", "langgraph", "n8n"] | str | Unset = UNSET,
        name: str | Unset = UNSET,
        ordering: str | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        project: UUID | Unset = UNSET,
        search: str | Unset = UNSET,
        slug: str | Unset = UNSET,
        status: Literal["active", "draft", "error", "inactive"] | str | Unset = UNSET,
    ) -> _base.AsyncPages[Agent]:
        """Agents of my organizations: all of them, page by page."""
        return self._pages(
            Agent,
            "GET",
            "/api/v1/agents/",
            query={
                "agent_type": agent_type,
                "framework": framework,
                "name": name,
                "ordering": ordering,
                "organization": organization,
                "page_size": page_size,
                "project": project,
                "search": search,
                "slug": slug,
                "status": status,
            },
        )

    async def create(
        self,
        *,
        name: str,
        framework: FrameworkEnum,
        slug: str | Unset = UNSET,
        description: str | Unset = UNSET,
        project: UUID | None | Unset = UNSET,
        resource_limits: Any = UNSET,
        metadata: Any = UNSET,
        agent_type: AgentTypeEnum | Unset = UNSET,
        config: Any = UNSET,
        source: str | Unset = UNSET,
        organization: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Agent:
        """Create an agent."""
        return await self._ask(
            Agent,
            "POST",
            "/api/v1/agents/",
            query={"organization": organization},
            json={
                "name": name,
                "slug": slug,
                "description": description,
                "project": project,
                "resource_limits": resource_limits,
                "metadata": metadata,
                "framework": framework,
                "agent_type": agent_type,
                "config": config,
                "source": source,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def get(self, agent_id: UUID | str) -> Agent:
        """One agent."""
        return await self._ask(Agent, "GET", f"/api/v1/agents/{_base.quoted(agent_id)}/")

    async def change(
        self,
        agent_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        slug: str | Unset = UNSET,
        description: str | Unset = UNSET,
        project: UUID | None | Unset = UNSET,
        resource_limits: Any = UNSET,
        metadata: Any = UNSET,
        if_match: str | None = None,
    ) -> Agent:
        """Change an agent."""
        return await self._ask(
            Agent,
            "PATCH",
            f"/api/v1/agents/{_base.quoted(agent_id)}/",
            json={
                "name": name,
                "slug": slug,
                "description": description,
                "project": project,
                "resource_limits": resource_limits,
                "metadata": metadata,
            },
            if_match=if_match,
        )

    async def delete(self, agent_id: UUID | str) -> None:
        """Delete an agent."""
        await self._tell("DELETE", f"/api/v1/agents/{_base.quoted(agent_id)}/")

    async def activate(self, agent_id: UUID | str) -> Agent:
        """Activate an agent."""
        return await self._ask(Agent, "POST", f"/api/v1/agents/{_base.quoted(agent_id)}/activate/")

    async def deactivate(self, agent_id: UUID | str) -> Agent:
        """Deactivate an agent."""
        return await self._ask(Agent, "POST", f"/api/v1/agents/{_base.quoted(agent_id)}/deactivate/")

    def agent_deployments_list(
        self,
        agent_id: UUID | str,
        *,
        page_size: int | Unset = UNSET,
        status: Literal["crashed", "failed", "pending", "running", "starting", "stopped", "stopping"]
        | str
        | Unset = UNSET,
    ) -> _base.AsyncPages[Deployment]:
        """Deployments of an agent: all of them, page by page."""
        return self._pages(
            Deployment,
            "GET",
            f"/api/v1/agents/{_base.quoted(agent_id)}/deployments/",
            query={"page_size": page_size, "status": status},
        )

    async def agent_deployments_create(
        self,
        agent_id: UUID | str,
        *,
        version: str | Unset = UNSET,
        runtime: RuntimeEnum | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Deployment:
        """Deploy an agent."""
        return await self._ask(
            Deployment,
            "POST",
            f"/api/v1/agents/{_base.quoted(agent_id)}/deployments/",
            json={"version": version, "runtime": runtime},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def agent_executions_list(
        self,
        agent_id: UUID | str,
        *,
        agent: UUID | Unset = UNSET,
        correlation_id: UUID | Unset = UNSET,
        created_after: datetime | Unset = UNSET,
        created_before: datetime | Unset = UNSET,
        error_code: str | Unset = UNSET,
        ids: builtins.list[UUID] | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        ordering: str | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        parent: UUID | Unset = UNSET,
        project: UUID | Unset = UNSET,
        rerun_of: UUID | Unset = UNSET,
        status: builtins.list[
            Literal["cancelled", "completed", "failed", "paused", "pending", "queued", "running", "timeout"] | str
        ]
        | Unset = UNSET,
        trigger: UUID | Unset = UNSET,
    ) -> _base.AsyncPages[Execution]:
        """Executions of an agent's workflows: all of them, page by page."""
        return self._pages(
            Execution,
            "GET",
            f"/api/v1/agents/{_base.quoted(agent_id)}/executions/",
            query={
                "agent": agent,
                "correlation_id": correlation_id,
                "created_after": created_after,
                "created_before": created_before,
                "error_code": error_code,
                "ids": ids,
                "melody": melody,
                "ordering": ordering,
                "organization": organization,
                "page_size": page_size,
                "parent": parent,
                "project": project,
                "rerun_of": rerun_of,
                "status": status,
                "trigger": trigger,
            },
        )

    async def marketplace(self, agent_id: UUID | str) -> Integration:
        """Where an agent is published."""
        return await self._ask(Integration, "GET", f"/api/v1/agents/{_base.quoted(agent_id)}/marketplace/")

    async def publish(self, agent_id: UUID | str, *, marketplace_name: str | Unset = UNSET) -> Integration:
        """Record that an agent is published."""
        return await self._ask(
            Integration,
            "POST",
            f"/api/v1/agents/{_base.quoted(agent_id)}/publish/",
            json={"marketplace_name": marketplace_name},
        )

    async def unpublish(self, agent_id: UUID | str) -> Integration:
        """Record that an agent is published no longer."""
        return await self._ask(Integration, "POST", f"/api/v1/agents/{_base.quoted(agent_id)}/unpublish/")

    def agent_versions_list(
        self, agent_id: UUID | str, *, page_size: int | Unset = UNSET
    ) -> _base.AsyncPages[AgentVersion]:
        """Versions of an agent, the newest first: all of them, page by page."""
        return self._pages(
            AgentVersion, "GET", f"/api/v1/agents/{_base.quoted(agent_id)}/versions/", query={"page_size": page_size}
        )

    async def agent_versions_create(
        self,
        agent_id: UUID | str,
        *,
        config: Any,
        source: str | Unset = UNSET,
        change_summary: str | Unset = UNSET,
        version: str | Unset = UNSET,
        bump: VersionBump | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> AgentVersionDetail:
        """Publish the next version of an agent."""
        return await self._ask(
            AgentVersionDetail,
            "POST",
            f"/api/v1/agents/{_base.quoted(agent_id)}/versions/",
            json={
                "config": config,
                "source": source,
                "change_summary": change_summary,
                "version": version,
                "bump": bump,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def agent_versions_get(self, agent_id: UUID | str, number: str) -> AgentVersionDetail:
        """One version of an agent with what it holds."""
        return await self._ask(
            AgentVersionDetail, "GET", f"/api/v1/agents/{_base.quoted(agent_id)}/versions/{_base.quoted(number)}/"
        )

    def agent_workflows_list(
        self,
        agent_id: UUID | str,
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
        """Workflows of an agent: all of them, page by page."""
        return self._pages(
            Melody,
            "GET",
            f"/api/v1/agents/{_base.quoted(agent_id)}/workflows/",
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

    async def agent_workflows_create(
        self,
        agent_id: UUID | str,
        *,
        body: Any,
        path: str | Unset = UNSET,
        content_type: str = "application/json",
        idempotency_key: str | None = None,
    ) -> Melody:
        """Create a workflow of an agent."""
        return await self._ask(
            Melody,
            "POST",
            f"/api/v1/agents/{_base.quoted(agent_id)}/workflows/",
            query={"path": path},
            content=body,
            content_type=content_type,
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def agent_workflows_import_n8n(
        self,
        agent_id: UUID | str,
        *,
        body: Any,
        path: str | Unset = UNSET,
        strict: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> N8nImport:
        """Import a workflow of n8n as one of an agent."""
        return await self._ask(
            N8nImport,
            "POST",
            f"/api/v1/agents/{_base.quoted(agent_id)}/workflows/n8n/",
            query={"path": path, "strict": strict},
            content=body,
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def deployments_get(self, deployment_id: UUID | str) -> Deployment:
        """One deployment."""
        return await self._ask(Deployment, "GET", f"/api/v1/deployments/{_base.quoted(deployment_id)}/")

    async def deployments_logs(self, deployment_id: UUID | str) -> DeploymentLogs:
        """What a deployment has printed."""
        return await self._ask(DeploymentLogs, "GET", f"/api/v1/deployments/{_base.quoted(deployment_id)}/logs/")

    async def deployments_restart(self, deployment_id: UUID | str) -> Deployment:
        """Start a deployment anew."""
        return await self._ask(Deployment, "POST", f"/api/v1/deployments/{_base.quoted(deployment_id)}/restart/")

    async def deployments_stop(self, deployment_id: UUID | str) -> Deployment:
        """Ask a deployment to stop."""
        return await self._ask(Deployment, "POST", f"/api/v1/deployments/{_base.quoted(deployment_id)}/stop/")
