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
    Event,
    Execution,
    ExecutionDetail,
    ExecutionSpending,
    Graph,
    Signal,
    Task,
    TaskDetail,
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

    def list(
        self,
        *,
        agent: UUID | Unset = UNSET,
        correlation_id: UUID | Unset = UNSET,
        created_after: datetime | Unset = UNSET,
        created_before: datetime | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        parent: UUID | Unset = UNSET,
        project: UUID | Unset = UNSET,
        status: builtins.list[
            Literal["cancelled", "completed", "failed", "paused", "pending", "queued", "running", "timeout"] | str
        ]
        | Unset = UNSET,
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
                "melody": melody,
                "ordering": ordering,
                "page_size": page_size,
                "parent": parent,
                "project": project,
                "status": status,
            },
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

    def cancel(self, execution_id: UUID | str, *, reason: str | Unset = UNSET) -> ExecutionDetail:
        """Cancel an execution."""
        return self._ask(
            ExecutionDetail, "POST", f"/api/v1/executions/{_base.quoted(execution_id)}/cancel/", json={"reason": reason}
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

    def graph(self, execution_id: UUID | str) -> Graph:
        """What it runs, as a graph."""
        return self._ask(Graph, "GET", f"/api/v1/executions/{_base.quoted(execution_id)}/graph/")

    def pause(self, execution_id: UUID | str, *, reason: str | Unset = UNSET) -> ExecutionDetail:
        """Pause an execution."""
        return self._ask(
            ExecutionDetail, "POST", f"/api/v1/executions/{_base.quoted(execution_id)}/pause/", json={"reason": reason}
        )

    def resume(self, execution_id: UUID | str) -> ExecutionDetail:
        """Resume an execution."""
        return self._ask(ExecutionDetail, "POST", f"/api/v1/executions/{_base.quoted(execution_id)}/resume/")

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
        melody: UUID | Unset = UNSET,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        parent: UUID | Unset = UNSET,
        project: UUID | Unset = UNSET,
        status: builtins.list[
            Literal["cancelled", "completed", "failed", "paused", "pending", "queued", "running", "timeout"] | str
        ]
        | Unset = UNSET,
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
                "melody": melody,
                "ordering": ordering,
                "page_size": page_size,
                "parent": parent,
                "project": project,
                "status": status,
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
        idempotency_key: str | None = None,
    ) -> ExecutionDetail:
        """Execute a melody."""
        return self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/executions/",
            json={"input": input, "version": version, "correlation_id": correlation_id, "parent": parent},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def tasks_get(self, task_id: UUID | str) -> TaskDetail:
        """One task with its output."""
        return self._ask(TaskDetail, "GET", f"/api/v1/tasks/{_base.quoted(task_id)}/")


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

    def list(
        self,
        *,
        agent: UUID | Unset = UNSET,
        correlation_id: UUID | Unset = UNSET,
        created_after: datetime | Unset = UNSET,
        created_before: datetime | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        parent: UUID | Unset = UNSET,
        project: UUID | Unset = UNSET,
        status: builtins.list[
            Literal["cancelled", "completed", "failed", "paused", "pending", "queued", "running", "timeout"] | str
        ]
        | Unset = UNSET,
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
                "melody": melody,
                "ordering": ordering,
                "page_size": page_size,
                "parent": parent,
                "project": project,
                "status": status,
            },
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

    async def cancel(self, execution_id: UUID | str, *, reason: str | Unset = UNSET) -> ExecutionDetail:
        """Cancel an execution."""
        return await self._ask(
            ExecutionDetail, "POST", f"/api/v1/executions/{_base.quoted(execution_id)}/cancel/", json={"reason": reason}
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

    async def graph(self, execution_id: UUID | str) -> Graph:
        """What it runs, as a graph."""
        return await self._ask(Graph, "GET", f"/api/v1/executions/{_base.quoted(execution_id)}/graph/")

    async def pause(self, execution_id: UUID | str, *, reason: str | Unset = UNSET) -> ExecutionDetail:
        """Pause an execution."""
        return await self._ask(
            ExecutionDetail, "POST", f"/api/v1/executions/{_base.quoted(execution_id)}/pause/", json={"reason": reason}
        )

    async def resume(self, execution_id: UUID | str) -> ExecutionDetail:
        """Resume an execution."""
        return await self._ask(ExecutionDetail, "POST", f"/api/v1/executions/{_base.quoted(execution_id)}/resume/")

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
        melody: UUID | Unset = UNSET,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        parent: UUID | Unset = UNSET,
        project: UUID | Unset = UNSET,
        status: builtins.list[
            Literal["cancelled", "completed", "failed", "paused", "pending", "queued", "running", "timeout"] | str
        ]
        | Unset = UNSET,
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
                "melody": melody,
                "ordering": ordering,
                "page_size": page_size,
                "parent": parent,
                "project": project,
                "status": status,
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
        idempotency_key: str | None = None,
    ) -> ExecutionDetail:
        """Execute a melody."""
        return await self._ask(
            ExecutionDetail,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/executions/",
            json={"input": input, "version": version, "correlation_id": correlation_id, "parent": parent},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def tasks_get(self, task_id: UUID | str) -> TaskDetail:
        """One task with its output."""
        return await self._ask(TaskDetail, "GET", f"/api/v1/tasks/{_base.quoted(task_id)}/")
