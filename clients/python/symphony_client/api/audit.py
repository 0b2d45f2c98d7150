"""The operations of audit. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import AuditEntry, HistoryEntry


class AuditResource(_base.Resource):
    """Audit."""

    def history_list(
        self,
        kind: Literal[
            "agent",
            "budget",
            "comment",
            "melody",
            "membership",
            "organization",
            "project",
            "project_access",
            "project_variable",
            "subscription",
            "team",
            "team_membership",
            "template",
            "trigger",
        ]
        | str,
        object_id: UUID | str,
        *,
        page_size: int | Unset = UNSET,
    ) -> _base.Pages[HistoryEntry]:
        """History of a thing: all of them, page by page."""
        return self._pages(
            HistoryEntry,
            "GET",
            f"/api/v1/history/{_base.quoted(kind)}/{_base.quoted(object_id)}/",
            query={"page_size": page_size},
        )

    def list(
        self,
        organization_id: UUID | str,
        *,
        action: str | Unset = UNSET,
        actor: UUID | Unset = UNSET,
        actor_kind: Literal["command", "person", "staff", "token", "worker"] | str | Unset = UNSET,
        correlation_id: str | Unset = UNSET,
        occurred_after: datetime | Unset = UNSET,
        occurred_before: datetime | Unset = UNSET,
        page_size: int | Unset = UNSET,
        request_id: str | Unset = UNSET,
        target: str | Unset = UNSET,
        target_type: str | Unset = UNSET,
    ) -> _base.Pages[AuditEntry]:
        """What happened in an organization: all of them, page by page."""
        return self._pages(
            AuditEntry,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/audit/",
            query={
                "action": action,
                "actor": actor,
                "actor_kind": actor_kind,
                "correlation_id": correlation_id,
                "occurred_after": occurred_after,
                "occurred_before": occurred_before,
                "page_size": page_size,
                "request_id": request_id,
                "target": target,
                "target_type": target_type,
            },
        )


class AsyncAuditResource(_base.AsyncResource):
    """Audit."""

    def history_list(
        self,
        kind: Literal[
            "agent",
            "budget",
            "comment",
            "melody",
            "membership",
            "organization",
            "project",
            "project_access",
            "project_variable",
            "subscription",
            "team",
            "team_membership",
            "template",
            "trigger",
        ]
        | str,
        object_id: UUID | str,
        *,
        page_size: int | Unset = UNSET,
    ) -> _base.AsyncPages[HistoryEntry]:
        """History of a thing: all of them, page by page."""
        return self._pages(
            HistoryEntry,
            "GET",
            f"/api/v1/history/{_base.quoted(kind)}/{_base.quoted(object_id)}/",
            query={"page_size": page_size},
        )

    def list(
        self,
        organization_id: UUID | str,
        *,
        action: str | Unset = UNSET,
        actor: UUID | Unset = UNSET,
        actor_kind: Literal["command", "person", "staff", "token", "worker"] | str | Unset = UNSET,
        correlation_id: str | Unset = UNSET,
        occurred_after: datetime | Unset = UNSET,
        occurred_before: datetime | Unset = UNSET,
        page_size: int | Unset = UNSET,
        request_id: str | Unset = UNSET,
        target: str | Unset = UNSET,
        target_type: str | Unset = UNSET,
    ) -> _base.AsyncPages[AuditEntry]:
        """What happened in an organization: all of them, page by page."""
        return self._pages(
            AuditEntry,
            "GET",
            f"/api/v1/organizations/{_base.quoted(organization_id)}/audit/",
            query={
                "action": action,
                "actor": actor,
                "actor_kind": actor_kind,
                "correlation_id": correlation_id,
                "occurred_after": occurred_after,
                "occurred_before": occurred_before,
                "page_size": page_size,
                "request_id": request_id,
                "target": target,
                "target_type": target_type,
            },
        )
