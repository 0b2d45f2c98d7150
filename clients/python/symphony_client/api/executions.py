"""The operations of executions. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import (
    Artifact,
    BulkFilterInputRequest,
    BulkInputActionEnum,
    Event,
    Execution,
    ExecutionBulkResult,
    ExecutionDetail,
    ExecutionExplanation,
    ExecutionSpending,
    Graph,
    Lineage,
    ModeEnum,
    Signal,
    Storage,
    Task,
    TaskDetail,
    TaskExplanation,
)
from symphony_client.following import AsyncFollowing, Following


class ExecutionsResource(_base.Resource):
    """Executions."""

    def artifacts_get(self, artifact_id: UUID | str) -> Artifact:
        """One artifact."""
        return self._ask(Artifact, "GET", f"/api/v1/artifacts/{_base.quoted(artifact_id)}/")

    def artifacts_content(self, artifact_id: UUID | str, *, download: bool | Unset = UNSET) -> bytes:
        """The bytes of an artifact."""
        return self._load("GET", f"/api/v1/artifacts/{_base.quoted(artifact_id)}/content", query={"download": download})

    def artifacts_lineage(self, artifact_id: UUID | str, *, depth: int | Unset = UNSET) -> Lineage:
        """Where an artifact comes from, and what was made from it."""
        return self._ask(
            Lineage, "GET", f"/api/v1/artifacts/{_base.quoted(artifact_id)}/lineage/", query={"depth": depth}
        )

    def artifacts_provenance(self, artifact_id: UUID | str, *, depth: int | Unset = UNSET) -> dict[str, Any]:
        """The lineage of an artifact as W3C PROV-JSON."""
        return self._ask(
            dict[str, Any], "GET", f"/api/v1/artifacts/{_base.quoted(artifact_id)}/provenance/", query={"depth": depth}
        )

    def list(
        self,
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
        """Executions of my organizations: all of them, page by page."""
        return self._pages(
            Execution,
            "GET",
            "/api/v1/executions/",
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

    def bulk(
        self,
        *,
        action: BulkInputActionEnum,
        filter: BulkFilterInputRequest,
        dry_run: bool | Unset = UNSET,
        expected: int | Unset = UNSET,
        limit: int | Unset = UNSET,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ExecutionBulkResult:
        """Control many executions."""
        return self._ask(
            ExecutionBulkResult,
            "POST",
            "/api/v1/executions/bulk/",
            json={
                "action": action,
                "filter": filter,
                "dry_run": dry_run,
                "expected": expected,
                "limit": limit,
                "reason": reason,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def get(self, execution_id: UUID | str) -> ExecutionDetail:
        """One execution."""
        return self._ask(ExecutionDetail, "GET", f"/api/v1/executions/{_base.quoted(execution_id)}/")

    def artifacts(
        self,
        execution_id: UUID | str,
        *,
        artifact_type: str | Unset = UNSET,
        name: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        task: UUID | Unset = UNSET,
    ) -> _base.Pages[Artifact]:
        """Artifacts of an execution: all of them, page by page."""
        return self._pages(
            Artifact,
            "GET",
            f"/api/v1/executions/{_base.quoted(execution_id)}/artifacts/",
            query={"artifact_type": artifact_type, "name": name, "page_size": page_size, "task": task},
        )

    def cancel(
        self,
        execution_id: UUID | str,
        *,
        reason: str | Unset = UNSET,
        cascade: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ExecutionDetail:
        """Cancel an execution."""
        return self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/cancel/",
            json={"reason": reason, "cascade": cascade},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def events(
        self,
        execution_id: UUID | str,
        *,
        page_size: int | Unset = UNSET,
        task: UUID | Unset = UNSET,
        type: str | Unset = UNSET,
    ) -> _base.Pages[Event]:
        """Events of an execution: all of them, page by page."""
        return self._pages(
            Event,
            "GET",
            f"/api/v1/executions/{_base.quoted(execution_id)}/events/",
            query={"page_size": page_size, "task": task, "type": type},
        )

    def explain(self, execution_id: UUID | str) -> ExecutionExplanation:
        """What an execution waits for."""
        return self._ask(ExecutionExplanation, "GET", f"/api/v1/executions/{_base.quoted(execution_id)}/explain/")

    def graph(self, execution_id: UUID | str) -> Graph:
        """What it runs, as a graph."""
        return self._ask(Graph, "GET", f"/api/v1/executions/{_base.quoted(execution_id)}/graph/")

    def pause(
        self, execution_id: UUID | str, *, reason: str | Unset = UNSET, idempotency_key: str | None = None
    ) -> ExecutionDetail:
        """Pause an execution."""
        return self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/pause/",
            json={"reason": reason},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def prioritize(self, execution_id: UUID | str, *, priority: int) -> ExecutionDetail:
        """Change the priority of an execution."""
        return self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/priority/",
            json={"priority": priority},
        )

    def rerun(
        self,
        execution_id: UUID | str,
        *,
        mode: ModeEnum,
        step: str | Unset = UNSET,
        version: int | Unset = UNSET,
        input: dict[str, Any] | Unset = UNSET,
        correlation_id: UUID | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ExecutionDetail:
        """Run an execution again."""
        return self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/rerun/",
            json={"mode": mode, "step": step, "version": version, "input": input, "correlation_id": correlation_id},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def resume(self, execution_id: UUID | str, *, idempotency_key: str | None = None) -> ExecutionDetail:
        """Resume an execution."""
        return self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/resume/",
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def retry(
        self, execution_id: UUID | str, *, reason: str | Unset = UNSET, idempotency_key: str | None = None
    ) -> ExecutionDetail:
        """Retry an execution."""
        return self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/retry/",
            json={"reason": reason},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def signals(
        self, execution_id: UUID | str, *, name: str | Unset = UNSET, page_size: int | Unset = UNSET
    ) -> _base.Pages[Signal]:
        """What an execution was told: all of them, page by page."""
        return self._pages(
            Signal,
            "GET",
            f"/api/v1/executions/{_base.quoted(execution_id)}/signals/",
            query={"name": name, "page_size": page_size},
        )

    def tell(
        self,
        execution_id: UUID | str,
        *,
        name: str,
        payload: Any = UNSET,
        broadcast: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Signal:
        """Tell an execution something."""
        return self._ask(
            Signal,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/signals/",
            json={"name": name, "payload": payload, "broadcast": broadcast},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def spending(self, execution_id: UUID | str) -> ExecutionSpending:
        """What its model calls have cost."""
        return self._ask(ExecutionSpending, "GET", f"/api/v1/executions/{_base.quoted(execution_id)}/spending/")

    def stream(self, execution_id: UUID | str, *, last_event_id: str | None = None) -> Following:
        """Follow an execution live."""
        return self._follow(f"/api/v1/executions/{_base.quoted(execution_id)}/stream", last_event_id)

    def tasks(
        self,
        execution_id: UUID | str,
        *,
        kind: str | Unset = UNSET,
        name: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        parent: Any = UNSET,
        status: builtins.list[
            Literal["cancelled", "completed", "dispatched", "executing", "failed", "pending", "skipped", "waiting"]
            | str
        ]
        | Unset = UNSET,
    ) -> _base.Pages[Task]:
        """Tasks of an execution: all of them, page by page."""
        return self._pages(
            Task,
            "GET",
            f"/api/v1/executions/{_base.quoted(execution_id)}/tasks/",
            query={"kind": kind, "name": name, "page_size": page_size, "parent": parent, "status": status},
        )

    def melody_executions_list(
        self,
        melody_id: UUID | str,
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
        """Executions of a melody: all of them, page by page."""
        return self._pages(
            Execution,
            "GET",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/executions/",
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

    def melody_executions_create(
        self,
        melody_id: UUID | str,
        *,
        input: dict[str, Any] | Unset = UNSET,
        version: int | Unset = UNSET,
        correlation_id: UUID | Unset = UNSET,
        parent: UUID | Unset = UNSET,
        priority: int | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ExecutionDetail:
        """Execute a melody."""
        return self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/executions/",
            json={
                "input": input,
                "version": version,
                "correlation_id": correlation_id,
                "parent": parent,
                "priority": priority,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def organizations_storage(self, organization_id: UUID | str) -> Storage:
        """What an organization keeps in the artifact store."""
        return self._ask(Storage, "GET", f"/api/v1/organizations/{_base.quoted(organization_id)}/storage/")

    def tasks_get(self, task_id: UUID | str) -> TaskDetail:
        """One task with its output."""
        return self._ask(TaskDetail, "GET", f"/api/v1/tasks/{_base.quoted(task_id)}/")

    def tasks_explain(self, task_id: UUID | str) -> TaskExplanation:
        """Why a task is not running."""
        return self._ask(TaskExplanation, "GET", f"/api/v1/tasks/{_base.quoted(task_id)}/explain/")

    def tasks_set_result(
        self, task_id: UUID | str, *, output: Any, reason: str | Unset = UNSET, idempotency_key: str | None = None
    ) -> TaskDetail:
        """Give a task its result."""
        return self._ask(
            TaskDetail,
            "POST",
            f"/api/v1/tasks/{_base.quoted(task_id)}/result/",
            json={"output": output, "reason": reason},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def tasks_skip(
        self, task_id: UUID | str, *, reason: str | Unset = UNSET, idempotency_key: str | None = None
    ) -> TaskDetail:
        """Skip a task."""
        return self._ask(
            TaskDetail,
            "POST",
            f"/api/v1/tasks/{_base.quoted(task_id)}/skip/",
            json={"reason": reason},
            idempotency_key=idempotency_key or _base.new_key(),
        )


class AsyncExecutionsResource(_base.AsyncResource):
    """Executions."""

    async def artifacts_get(self, artifact_id: UUID | str) -> Artifact:
        """One artifact."""
        return await self._ask(Artifact, "GET", f"/api/v1/artifacts/{_base.quoted(artifact_id)}/")

    async def artifacts_content(self, artifact_id: UUID | str, *, download: bool | Unset = UNSET) -> bytes:
        """The bytes of an artifact."""
        return await self._load(
            "GET", f"/api/v1/artifacts/{_base.quoted(artifact_id)}/content", query={"download": download}
        )

    async def artifacts_lineage(self, artifact_id: UUID | str, *, depth: int | Unset = UNSET) -> Lineage:
        """Where an artifact comes from, and what was made from it."""
        return await self._ask(
            Lineage, "GET", f"/api/v1/artifacts/{_base.quoted(artifact_id)}/lineage/", query={"depth": depth}
        )

    async def artifacts_provenance(self, artifact_id: UUID | str, *, depth: int | Unset = UNSET) -> dict[str, Any]:
        """The lineage of an artifact as W3C PROV-JSON."""
        return await self._ask(
            dict[str, Any], "GET", f"/api/v1/artifacts/{_base.quoted(artifact_id)}/provenance/", query={"depth": depth}
        )

    def list(
        self,
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
        """Executions of my organizations: all of them, page by page."""
        return self._pages(
            Execution,
            "GET",
            "/api/v1/executions/",
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

    async def bulk(
        self,
        *,
        action: BulkInputActionEnum,
        filter: BulkFilterInputRequest,
        dry_run: bool | Unset = UNSET,
        expected: int | Unset = UNSET,
        limit: int | Unset = UNSET,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ExecutionBulkResult:
        """Control many executions."""
        return await self._ask(
            ExecutionBulkResult,
            "POST",
            "/api/v1/executions/bulk/",
            json={
                "action": action,
                "filter": filter,
                "dry_run": dry_run,
                "expected": expected,
                "limit": limit,
                "reason": reason,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def get(self, execution_id: UUID | str) -> ExecutionDetail:
        """One execution."""
        return await self._ask(ExecutionDetail, "GET", f"/api/v1/executions/{_base.quoted(execution_id)}/")

    def artifacts(
        self,
        execution_id: UUID | str,
        *,
        artifact_type: str | Unset = UNSET,
        name: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        task: UUID | Unset = UNSET,
    ) -> _base.AsyncPages[Artifact]:
        """Artifacts of an execution: all of them, page by page."""
        return self._pages(
            Artifact,
            "GET",
            f"/api/v1/executions/{_base.quoted(execution_id)}/artifacts/",
            query={"artifact_type": artifact_type, "name": name, "page_size": page_size, "task": task},
        )

    async def cancel(
        self,
        execution_id: UUID | str,
        *,
        reason: str | Unset = UNSET,
        cascade: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ExecutionDetail:
        """Cancel an execution."""
        return await self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/cancel/",
            json={"reason": reason, "cascade": cascade},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def events(
        self,
        execution_id: UUID | str,
        *,
        page_size: int | Unset = UNSET,
        task: UUID | Unset = UNSET,
        type: str | Unset = UNSET,
    ) -> _base.AsyncPages[Event]:
        """Events of an execution: all of them, page by page."""
        return self._pages(
            Event,
            "GET",
            f"/api/v1/executions/{_base.quoted(execution_id)}/events/",
            query={"page_size": page_size, "task": task, "type": type},
        )

    async def explain(self, execution_id: UUID | str) -> ExecutionExplanation:
        """What an execution waits for."""
        return await self._ask(ExecutionExplanation, "GET", f"/api/v1/executions/{_base.quoted(execution_id)}/explain/")

    async def graph(self, execution_id: UUID | str) -> Graph:
        """What it runs, as a graph."""
        return await self._ask(Graph, "GET", f"/api/v1/executions/{_base.quoted(execution_id)}/graph/")

    async def pause(
        self, execution_id: UUID | str, *, reason: str | Unset = UNSET, idempotency_key: str | None = None
    ) -> ExecutionDetail:
        """Pause an execution."""
        return await self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/pause/",
            json={"reason": reason},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def prioritize(self, execution_id: UUID | str, *, priority: int) -> ExecutionDetail:
        """Change the priority of an execution."""
        return await self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/priority/",
            json={"priority": priority},
        )

    async def rerun(
        self,
        execution_id: UUID | str,
        *,
        mode: ModeEnum,
        step: str | Unset = UNSET,
        version: int | Unset = UNSET,
        input: dict[str, Any] | Unset = UNSET,
        correlation_id: UUID | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ExecutionDetail:
        """Run an execution again."""
        return await self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/rerun/",
            json={"mode": mode, "step": step, "version": version, "input": input, "correlation_id": correlation_id},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def resume(self, execution_id: UUID | str, *, idempotency_key: str | None = None) -> ExecutionDetail:
        """Resume an execution."""
        return await self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/resume/",
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def retry(
        self, execution_id: UUID | str, *, reason: str | Unset = UNSET, idempotency_key: str | None = None
    ) -> ExecutionDetail:
        """Retry an execution."""
        return await self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/retry/",
            json={"reason": reason},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def signals(
        self, execution_id: UUID | str, *, name: str | Unset = UNSET, page_size: int | Unset = UNSET
    ) -> _base.AsyncPages[Signal]:
        """What an execution was told: all of them, page by page."""
        return self._pages(
            Signal,
            "GET",
            f"/api/v1/executions/{_base.quoted(execution_id)}/signals/",
            query={"name": name, "page_size": page_size},
        )

    async def tell(
        self,
        execution_id: UUID | str,
        *,
        name: str,
        payload: Any = UNSET,
        broadcast: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Signal:
        """Tell an execution something."""
        return await self._ask(
            Signal,
            "POST",
            f"/api/v1/executions/{_base.quoted(execution_id)}/signals/",
            json={"name": name, "payload": payload, "broadcast": broadcast},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def spending(self, execution_id: UUID | str) -> ExecutionSpending:
        """What its model calls have cost."""
        return await self._ask(ExecutionSpending, "GET", f"/api/v1/executions/{_base.quoted(execution_id)}/spending/")

    def stream(self, execution_id: UUID | str, *, last_event_id: str | None = None) -> AsyncFollowing:
        """Follow an execution live."""
        return self._follow(f"/api/v1/executions/{_base.quoted(execution_id)}/stream", last_event_id)

    def tasks(
        self,
        execution_id: UUID | str,
        *,
        kind: str | Unset = UNSET,
        name: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        parent: Any = UNSET,
        status: builtins.list[
            Literal["cancelled", "completed", "dispatched", "executing", "failed", "pending", "skipped", "waiting"]
            | str
        ]
        | Unset = UNSET,
    ) -> _base.AsyncPages[Task]:
        """Tasks of an execution: all of them, page by page."""
        return self._pages(
            Task,
            "GET",
            f"/api/v1/executions/{_base.quoted(execution_id)}/tasks/",
            query={"kind": kind, "name": name, "page_size": page_size, "parent": parent, "status": status},
        )

    def melody_executions_list(
        self,
        melody_id: UUID | str,
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
        """Executions of a melody: all of them, page by page."""
        return self._pages(
            Execution,
            "GET",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/executions/",
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

    async def melody_executions_create(
        self,
        melody_id: UUID | str,
        *,
        input: dict[str, Any] | Unset = UNSET,
        version: int | Unset = UNSET,
        correlation_id: UUID | Unset = UNSET,
        parent: UUID | Unset = UNSET,
        priority: int | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ExecutionDetail:
        """Execute a melody."""
        return await self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/executions/",
            json={
                "input": input,
                "version": version,
                "correlation_id": correlation_id,
                "parent": parent,
                "priority": priority,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def organizations_storage(self, organization_id: UUID | str) -> Storage:
        """What an organization keeps in the artifact store."""
        return await self._ask(Storage, "GET", f"/api/v1/organizations/{_base.quoted(organization_id)}/storage/")

    async def tasks_get(self, task_id: UUID | str) -> TaskDetail:
        """One task with its output."""
        return await self._ask(TaskDetail, "GET", f"/api/v1/tasks/{_base.quoted(task_id)}/")

    async def tasks_explain(self, task_id: UUID | str) -> TaskExplanation:
        """Why a task is not running."""
        return await self._ask(TaskExplanation, "GET", f"/api/v1/tasks/{_base.quoted(task_id)}/explain/")

    async def tasks_set_result(
        self, task_id: UUID | str, *, output: Any, reason: str | Unset = UNSET, idempotency_key: str | None = None
    ) -> TaskDetail:
        """Give a task its result."""
        return await self._ask(
            TaskDetail,
            "POST",
            f"/api/v1/tasks/{_base.quoted(task_id)}/result/",
            json={"output": output, "reason": reason},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def tasks_skip(
        self, task_id: UUID | str, *, reason: str | Unset = UNSET, idempotency_key: str | None = None
    ) -> TaskDetail:
        """Skip a task."""
        return await self._ask(
            TaskDetail,
            "POST",
            f"/api/v1/tasks/{_base.quoted(task_id)}/skip/",
            json={"reason": reason},
            idempotency_key=idempotency_key or _base.new_key(),
        )
