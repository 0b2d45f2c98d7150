"""The operations of graphs. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import ConnectionRowRequest, MelodyGraph, StepRowRequest, Version


class GraphsResource(_base.Resource):
    """Graphs."""

    def graph_get(self, melody_id: UUID | str) -> MelodyGraph:
        """Steps and connections."""
        return self._ask(MelodyGraph, "GET", f"/api/v1/melodies/{_base.quoted(melody_id)}/graph/")

    def graph_put(
        self,
        melody_id: UUID | str,
        *,
        steps: list[StepRowRequest],
        workflow: dict[str, Any] | Unset = UNSET,
        beside: dict[str, Any] | Unset = UNSET,
        connections: list[ConnectionRowRequest] | Unset = UNSET,
        if_match: str | None = None,
    ) -> MelodyGraph:
        """Replace steps and connections."""
        return self._ask(
            MelodyGraph,
            "PUT",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/graph/",
            json={"workflow": workflow, "beside": beside, "steps": steps, "connections": connections},
            if_match=if_match,
        )

    def graph_import(
        self, melody_id: UUID | str, *, version: int | Unset = UNSET, idempotency_key: str | None = None
    ) -> MelodyGraph:
        """Start again from a version."""
        return self._ask(
            MelodyGraph,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/graph/import/",
            query={"version": version},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def graph_publish(
        self, melody_id: UUID | str, *, force: bool | Unset = UNSET, idempotency_key: str | None = None
    ) -> Version:
        """Publish what the graph says."""
        return self._ask(
            Version,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/graph/publish/",
            query={"force": force},
            idempotency_key=idempotency_key or _base.new_key(),
        )


class AsyncGraphsResource(_base.AsyncResource):
    """Graphs."""

    async def graph_get(self, melody_id: UUID | str) -> MelodyGraph:
        """Steps and connections."""
        return await self._ask(MelodyGraph, "GET", f"/api/v1/melodies/{_base.quoted(melody_id)}/graph/")

    async def graph_put(
        self,
        melody_id: UUID | str,
        *,
        steps: list[StepRowRequest],
        workflow: dict[str, Any] | Unset = UNSET,
        beside: dict[str, Any] | Unset = UNSET,
        connections: list[ConnectionRowRequest] | Unset = UNSET,
        if_match: str | None = None,
    ) -> MelodyGraph:
        """Replace steps and connections."""
        return await self._ask(
            MelodyGraph,
            "PUT",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/graph/",
            json={"workflow": workflow, "beside": beside, "steps": steps, "connections": connections},
            if_match=if_match,
        )

    async def graph_import(
        self, melody_id: UUID | str, *, version: int | Unset = UNSET, idempotency_key: str | None = None
    ) -> MelodyGraph:
        """Start again from a version."""
        return await self._ask(
            MelodyGraph,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/graph/import/",
            query={"version": version},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def graph_publish(
        self, melody_id: UUID | str, *, force: bool | Unset = UNSET, idempotency_key: str | None = None
    ) -> Version:
        """Publish what the graph says."""
        return await self._ask(
            Version,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/graph/publish/",
            query={"force": force},
            idempotency_key=idempotency_key or _base.new_key(),
        )
