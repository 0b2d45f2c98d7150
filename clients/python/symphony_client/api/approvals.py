"""The operations of approvals. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import Approval, Decision, DecisionEnum, MadeDecision


class ApprovalsResource(_base.Resource):
    """Approvals."""

    def list(
        self,
        *,
        execution: UUID | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
    ) -> _base.Pages[Approval]:
        """What waits for my decision: all of them, page by page."""
        return self._pages(
            Approval,
            "GET",
            "/api/v1/approvals/",
            query={"execution": execution, "melody": melody, "organization": organization, "page_size": page_size},
        )

    def tasks_decide(
        self,
        task_id: UUID | str,
        *,
        decision: DecisionEnum,
        comment: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> MadeDecision:
        """Approve or reject."""
        return self._ask(
            MadeDecision,
            "POST",
            f"/api/v1/tasks/{_base.quoted(task_id)}/decision/",
            json={"decision": decision, "comment": comment},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def tasks_decisions(self, task_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.Pages[Decision]:
        """What was said about a task: all of them, page by page."""
        return self._pages(
            Decision, "GET", f"/api/v1/tasks/{_base.quoted(task_id)}/decisions/", query={"page_size": page_size}
        )


class AsyncApprovalsResource(_base.AsyncResource):
    """Approvals."""

    def list(
        self,
        *,
        execution: UUID | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
    ) -> _base.AsyncPages[Approval]:
        """What waits for my decision: all of them, page by page."""
        return self._pages(
            Approval,
            "GET",
            "/api/v1/approvals/",
            query={"execution": execution, "melody": melody, "organization": organization, "page_size": page_size},
        )

    async def tasks_decide(
        self,
        task_id: UUID | str,
        *,
        decision: DecisionEnum,
        comment: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> MadeDecision:
        """Approve or reject."""
        return await self._ask(
            MadeDecision,
            "POST",
            f"/api/v1/tasks/{_base.quoted(task_id)}/decision/",
            json={"decision": decision, "comment": comment},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def tasks_decisions(self, task_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[Decision]:
        """What was said about a task: all of them, page by page."""
        return self._pages(
            Decision, "GET", f"/api/v1/tasks/{_base.quoted(task_id)}/decisions/", query={"page_size": page_size}
        )
