"""The operations of triggers. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import (
    Backfill,
    Delivery,
    DryRun,
    Firing,
    FiringDetail,
    HookSecret,
    MisfirePolicyEnum,
    NamedEvent,
    OverlapEnum,
    Preview,
    SourceStatusesEnum,
    Trigger,
    TriggerKind,
)


class TriggersResource(_base.Resource):
    """Triggers."""

    def backfills_get(self, backfill_id: UUID | str) -> Backfill:
        """One backfill."""
        return self._ask(Backfill, "GET", f"/api/v1/backfills/{_base.quoted(backfill_id)}/")

    def backfills_cancel(self, backfill_id: UUID | str, *, cancel_runs: bool | Unset = UNSET) -> Backfill:
        """Cancel a backfill."""
        return self._ask(
            Backfill,
            "POST",
            f"/api/v1/backfills/{_base.quoted(backfill_id)}/cancel/",
            json={"cancel_runs": cancel_runs},
        )

    def events_list(
        self,
        *,
        key: str | Unset = UNSET,
        name: str | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
    ) -> _base.Pages[NamedEvent]:
        """Events my organizations were told: all of them, page by page."""
        return self._pages(
            NamedEvent,
            "GET",
            "/api/v1/events/",
            query={"key": key, "name": name, "organization": organization, "page_size": page_size},
        )

    def events_send(
        self,
        *,
        name: str,
        organization: str | Unset = UNSET,
        payload: Any = UNSET,
        key: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> NamedEvent:
        """Tell an organization of an event."""
        return self._ask(
            NamedEvent,
            "POST",
            "/api/v1/events/",
            json={"organization": organization, "name": name, "payload": payload, "key": key},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def events_get(self, named_event_id: UUID | str) -> NamedEvent:
        """One event."""
        return self._ask(NamedEvent, "GET", f"/api/v1/events/{_base.quoted(named_event_id)}/")

    def firings_list(
        self,
        *,
        backfill: UUID | Unset = UNSET,
        due_after: datetime | Unset = UNSET,
        due_before: datetime | Unset = UNSET,
        execution: UUID | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        source: builtins.list[Literal["backfill", "chain", "cron", "event", "manual", "webhook"] | str] | Unset = UNSET,
        state: builtins.list[Literal["failed", "pending", "skipped", "started"] | str] | Unset = UNSET,
        trigger: UUID | Unset = UNSET,
    ) -> _base.Pages[Firing]:
        """What triggers of my organizations fired: all of them, page by page."""
        return self._pages(
            Firing,
            "GET",
            "/api/v1/firings/",
            query={
                "backfill": backfill,
                "due_after": due_after,
                "due_before": due_before,
                "execution": execution,
                "melody": melody,
                "page_size": page_size,
                "source": source,
                "state": state,
                "trigger": trigger,
            },
        )

    def firings_get(self, firing_id: UUID | str) -> FiringDetail:
        """One firing."""
        return self._ask(FiringDetail, "GET", f"/api/v1/firings/{_base.quoted(firing_id)}/")

    def hooks_deliver(self, public_id: str, *, body: Any) -> Delivery:
        """Deliver to a webhook."""
        return self._ask(Delivery, "POST", f"/api/v1/hooks/{_base.quoted(public_id)}/", content=body)

    def melody_triggers_list(
        self,
        melody_id: UUID | str,
        *,
        failing: bool | Unset = UNSET,
        kind: builtins.list[Literal["chain", "cron", "event", "manual", "webhook"] | str] | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        ordering: str | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        state: builtins.list[Literal["active", "ended", "paused", "stopped"] | str] | Unset = UNSET,
    ) -> _base.Pages[Trigger]:
        """Triggers of a melody: all of them, page by page."""
        return self._pages(
            Trigger,
            "GET",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/triggers/",
            query={
                "failing": failing,
                "kind": kind,
                "melody": melody,
                "ordering": ordering,
                "organization": organization,
                "page_size": page_size,
                "state": state,
            },
        )

    def create(
        self,
        melody_id: UUID | str,
        *,
        name: str,
        kind: TriggerKind,
        description: str | Unset = UNSET,
        version: int | None | Unset = UNSET,
        input: dict[str, Any] | Unset = UNSET,
        mapping: dict[str, Any] | Unset = UNSET,
        filter: str | Unset = UNSET,
        priority: int | Unset = UNSET,
        cron: builtins.list[str] | Unset = UNSET,
        timezone: str | Unset = UNSET,
        starts_at: datetime | None | Unset = UNSET,
        ends_at: datetime | None | Unset = UNSET,
        jitter_seconds: int | Unset = UNSET,
        misfire_policy: MisfirePolicyEnum | Unset = UNSET,
        misfire_grace_seconds: int | Unset = UNSET,
        misfire_limit: int | Unset = UNSET,
        overlap: OverlapEnum | Unset = UNSET,
        concurrency_key: str | Unset = UNSET,
        debounce_seconds: float | None | Unset = UNSET,
        queue_limit: int | Unset = UNSET,
        event: str | Unset = UNSET,
        source_melody: UUID | Unset = UNSET,
        source_statuses: builtins.list[SourceStatusesEnum] | Unset = UNSET,
        max_depth: int | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Trigger:
        """Create a trigger."""
        return self._ask(
            Trigger,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/triggers/",
            json={
                "name": name,
                "description": description,
                "version": version,
                "input": input,
                "mapping": mapping,
                "filter": filter,
                "priority": priority,
                "cron": cron,
                "timezone": timezone,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "jitter_seconds": jitter_seconds,
                "misfire_policy": misfire_policy,
                "misfire_grace_seconds": misfire_grace_seconds,
                "misfire_limit": misfire_limit,
                "overlap": overlap,
                "concurrency_key": concurrency_key,
                "debounce_seconds": debounce_seconds,
                "queue_limit": queue_limit,
                "event": event,
                "source_melody": source_melody,
                "source_statuses": source_statuses,
                "max_depth": max_depth,
                "kind": kind,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def list(
        self,
        *,
        failing: bool | Unset = UNSET,
        kind: builtins.list[Literal["chain", "cron", "event", "manual", "webhook"] | str] | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        ordering: str | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        state: builtins.list[Literal["active", "ended", "paused", "stopped"] | str] | Unset = UNSET,
    ) -> _base.Pages[Trigger]:
        """Triggers of my organizations: all of them, page by page."""
        return self._pages(
            Trigger,
            "GET",
            "/api/v1/triggers/",
            query={
                "failing": failing,
                "kind": kind,
                "melody": melody,
                "ordering": ordering,
                "organization": organization,
                "page_size": page_size,
                "state": state,
            },
        )

    def schedules_preview(
        self,
        *,
        cron: builtins.list[str],
        timezone: str | Unset = UNSET,
        starts_at: datetime | None | Unset = UNSET,
        ends_at: datetime | None | Unset = UNSET,
        after: datetime | Unset = UNSET,
        count: int | Unset = UNSET,
    ) -> Preview:
        """When a schedule would be due."""
        return self._ask(
            Preview,
            "POST",
            "/api/v1/triggers/preview/",
            json={
                "cron": cron,
                "timezone": timezone,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "after": after,
                "count": count,
            },
        )

    def get(self, trigger_id: UUID | str) -> Trigger:
        """One trigger."""
        return self._ask(Trigger, "GET", f"/api/v1/triggers/{_base.quoted(trigger_id)}/")

    def change(
        self,
        trigger_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        version: int | None | Unset = UNSET,
        input: dict[str, Any] | Unset = UNSET,
        mapping: dict[str, Any] | Unset = UNSET,
        filter: str | Unset = UNSET,
        priority: int | Unset = UNSET,
        cron: builtins.list[str] | Unset = UNSET,
        timezone: str | Unset = UNSET,
        starts_at: datetime | None | Unset = UNSET,
        ends_at: datetime | None | Unset = UNSET,
        jitter_seconds: int | Unset = UNSET,
        misfire_policy: MisfirePolicyEnum | Unset = UNSET,
        misfire_grace_seconds: int | Unset = UNSET,
        misfire_limit: int | Unset = UNSET,
        overlap: OverlapEnum | Unset = UNSET,
        concurrency_key: str | Unset = UNSET,
        debounce_seconds: float | None | Unset = UNSET,
        queue_limit: int | Unset = UNSET,
        event: str | Unset = UNSET,
        source_melody: UUID | Unset = UNSET,
        source_statuses: builtins.list[SourceStatusesEnum] | Unset = UNSET,
        max_depth: int | Unset = UNSET,
        if_match: str | None = None,
    ) -> Trigger:
        """Change a trigger."""
        return self._ask(
            Trigger,
            "PATCH",
            f"/api/v1/triggers/{_base.quoted(trigger_id)}/",
            json={
                "name": name,
                "description": description,
                "version": version,
                "input": input,
                "mapping": mapping,
                "filter": filter,
                "priority": priority,
                "cron": cron,
                "timezone": timezone,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "jitter_seconds": jitter_seconds,
                "misfire_policy": misfire_policy,
                "misfire_grace_seconds": misfire_grace_seconds,
                "misfire_limit": misfire_limit,
                "overlap": overlap,
                "concurrency_key": concurrency_key,
                "debounce_seconds": debounce_seconds,
                "queue_limit": queue_limit,
                "event": event,
                "source_melody": source_melody,
                "source_statuses": source_statuses,
                "max_depth": max_depth,
            },
            if_match=if_match,
        )

    def delete(self, trigger_id: UUID | str, *, if_match: str | None = None) -> None:
        """Delete a trigger."""
        self._tell("DELETE", f"/api/v1/triggers/{_base.quoted(trigger_id)}/", if_match=if_match)

    def backfills_list(self, trigger_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.Pages[Backfill]:
        """Backfills of a trigger: all of them, page by page."""
        return self._pages(
            Backfill, "GET", f"/api/v1/triggers/{_base.quoted(trigger_id)}/backfills/", query={"page_size": page_size}
        )

    def backfills_create(
        self,
        trigger_id: UUID | str,
        *,
        since: datetime,
        until: datetime,
        parallel: int | Unset = UNSET,
        again: bool | Unset = UNSET,
        dry_run: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> DryRun:
        """Make up for due times of the past."""
        return self._ask(
            DryRun,
            "POST",
            f"/api/v1/triggers/{_base.quoted(trigger_id)}/backfills/",
            json={"since": since, "until": until, "parallel": parallel, "again": again, "dry_run": dry_run},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def fire(
        self,
        trigger_id: UUID | str,
        *,
        input: dict[str, Any] | Unset = UNSET,
        payload: Any = UNSET,
        key: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> FiringDetail:
        """Fire a trigger now."""
        return self._ask(
            FiringDetail,
            "POST",
            f"/api/v1/triggers/{_base.quoted(trigger_id)}/fire/",
            json={"input": input, "payload": payload, "key": key},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def firings(
        self,
        trigger_id: UUID | str,
        *,
        backfill: UUID | Unset = UNSET,
        due_after: datetime | Unset = UNSET,
        due_before: datetime | Unset = UNSET,
        execution: UUID | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        source: builtins.list[Literal["backfill", "chain", "cron", "event", "manual", "webhook"] | str] | Unset = UNSET,
        state: builtins.list[Literal["failed", "pending", "skipped", "started"] | str] | Unset = UNSET,
        trigger: UUID | Unset = UNSET,
    ) -> _base.Pages[Firing]:
        """What a trigger has fired: all of them, page by page."""
        return self._pages(
            Firing,
            "GET",
            f"/api/v1/triggers/{_base.quoted(trigger_id)}/firings/",
            query={
                "backfill": backfill,
                "due_after": due_after,
                "due_before": due_before,
                "execution": execution,
                "melody": melody,
                "page_size": page_size,
                "source": source,
                "state": state,
                "trigger": trigger,
            },
        )

    def pause(self, trigger_id: UUID | str, *, reason: str | Unset = UNSET) -> Trigger:
        """Pause a trigger."""
        return self._ask(
            Trigger, "POST", f"/api/v1/triggers/{_base.quoted(trigger_id)}/pause/", json={"reason": reason}
        )

    def preview(self, trigger_id: UUID | str, *, after: str | Unset = UNSET, count: int | Unset = UNSET) -> Preview:
        """When a trigger is due next."""
        return self._ask(
            Preview,
            "GET",
            f"/api/v1/triggers/{_base.quoted(trigger_id)}/preview/",
            query={"after": after, "count": count},
        )

    def resume(self, trigger_id: UUID | str) -> Trigger:
        """Resume a trigger."""
        return self._ask(Trigger, "POST", f"/api/v1/triggers/{_base.quoted(trigger_id)}/resume/")

    def rotate_secret(self, trigger_id: UUID | str, *, overlap_seconds: int | Unset = UNSET) -> HookSecret:
        """Give a webhook a new secret."""
        return self._ask(
            HookSecret,
            "POST",
            f"/api/v1/triggers/{_base.quoted(trigger_id)}/rotate-secret/",
            json={"overlap_seconds": overlap_seconds},
        )

    def take_over(self, trigger_id: UUID | str) -> Trigger:
        """Become the owner of a trigger."""
        return self._ask(Trigger, "POST", f"/api/v1/triggers/{_base.quoted(trigger_id)}/take-over/")


class AsyncTriggersResource(_base.AsyncResource):
    """Triggers."""

    async def backfills_get(self, backfill_id: UUID | str) -> Backfill:
        """One backfill."""
        return await self._ask(Backfill, "GET", f"/api/v1/backfills/{_base.quoted(backfill_id)}/")

    async def backfills_cancel(self, backfill_id: UUID | str, *, cancel_runs: bool | Unset = UNSET) -> Backfill:
        """Cancel a backfill."""
        return await self._ask(
            Backfill,
            "POST",
            f"/api/v1/backfills/{_base.quoted(backfill_id)}/cancel/",
            json={"cancel_runs": cancel_runs},
        )

    def events_list(
        self,
        *,
        key: str | Unset = UNSET,
        name: str | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
    ) -> _base.AsyncPages[NamedEvent]:
        """Events my organizations were told: all of them, page by page."""
        return self._pages(
            NamedEvent,
            "GET",
            "/api/v1/events/",
            query={"key": key, "name": name, "organization": organization, "page_size": page_size},
        )

    async def events_send(
        self,
        *,
        name: str,
        organization: str | Unset = UNSET,
        payload: Any = UNSET,
        key: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> NamedEvent:
        """Tell an organization of an event."""
        return await self._ask(
            NamedEvent,
            "POST",
            "/api/v1/events/",
            json={"organization": organization, "name": name, "payload": payload, "key": key},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def events_get(self, named_event_id: UUID | str) -> NamedEvent:
        """One event."""
        return await self._ask(NamedEvent, "GET", f"/api/v1/events/{_base.quoted(named_event_id)}/")

    def firings_list(
        self,
        *,
        backfill: UUID | Unset = UNSET,
        due_after: datetime | Unset = UNSET,
        due_before: datetime | Unset = UNSET,
        execution: UUID | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        source: builtins.list[Literal["backfill", "chain", "cron", "event", "manual", "webhook"] | str] | Unset = UNSET,
        state: builtins.list[Literal["failed", "pending", "skipped", "started"] | str] | Unset = UNSET,
        trigger: UUID | Unset = UNSET,
    ) -> _base.AsyncPages[Firing]:
        """What triggers of my organizations fired: all of them, page by page."""
        return self._pages(
            Firing,
            "GET",
            "/api/v1/firings/",
            query={
                "backfill": backfill,
                "due_after": due_after,
                "due_before": due_before,
                "execution": execution,
                "melody": melody,
                "page_size": page_size,
                "source": source,
                "state": state,
                "trigger": trigger,
            },
        )

    async def firings_get(self, firing_id: UUID | str) -> FiringDetail:
        """One firing."""
        return await self._ask(FiringDetail, "GET", f"/api/v1/firings/{_base.quoted(firing_id)}/")

    async def hooks_deliver(self, public_id: str, *, body: Any) -> Delivery:
        """Deliver to a webhook."""
        return await self._ask(Delivery, "POST", f"/api/v1/hooks/{_base.quoted(public_id)}/", content=body)

    def melody_triggers_list(
        self,
        melody_id: UUID | str,
        *,
        failing: bool | Unset = UNSET,
        kind: builtins.list[Literal["chain", "cron", "event", "manual", "webhook"] | str] | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        ordering: str | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        state: builtins.list[Literal["active", "ended", "paused", "stopped"] | str] | Unset = UNSET,
    ) -> _base.AsyncPages[Trigger]:
        """Triggers of a melody: all of them, page by page."""
        return self._pages(
            Trigger,
            "GET",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/triggers/",
            query={
                "failing": failing,
                "kind": kind,
                "melody": melody,
                "ordering": ordering,
                "organization": organization,
                "page_size": page_size,
                "state": state,
            },
        )

    async def create(
        self,
        melody_id: UUID | str,
        *,
        name: str,
        kind: TriggerKind,
        description: str | Unset = UNSET,
        version: int | None | Unset = UNSET,
        input: dict[str, Any] | Unset = UNSET,
        mapping: dict[str, Any] | Unset = UNSET,
        filter: str | Unset = UNSET,
        priority: int | Unset = UNSET,
        cron: builtins.list[str] | Unset = UNSET,
        timezone: str | Unset = UNSET,
        starts_at: datetime | None | Unset = UNSET,
        ends_at: datetime | None | Unset = UNSET,
        jitter_seconds: int | Unset = UNSET,
        misfire_policy: MisfirePolicyEnum | Unset = UNSET,
        misfire_grace_seconds: int | Unset = UNSET,
        misfire_limit: int | Unset = UNSET,
        overlap: OverlapEnum | Unset = UNSET,
        concurrency_key: str | Unset = UNSET,
        debounce_seconds: float | None | Unset = UNSET,
        queue_limit: int | Unset = UNSET,
        event: str | Unset = UNSET,
        source_melody: UUID | Unset = UNSET,
        source_statuses: builtins.list[SourceStatusesEnum] | Unset = UNSET,
        max_depth: int | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> Trigger:
        """Create a trigger."""
        return await self._ask(
            Trigger,
            "POST",
            f"/api/v1/melodies/{_base.quoted(melody_id)}/triggers/",
            json={
                "name": name,
                "description": description,
                "version": version,
                "input": input,
                "mapping": mapping,
                "filter": filter,
                "priority": priority,
                "cron": cron,
                "timezone": timezone,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "jitter_seconds": jitter_seconds,
                "misfire_policy": misfire_policy,
                "misfire_grace_seconds": misfire_grace_seconds,
                "misfire_limit": misfire_limit,
                "overlap": overlap,
                "concurrency_key": concurrency_key,
                "debounce_seconds": debounce_seconds,
                "queue_limit": queue_limit,
                "event": event,
                "source_melody": source_melody,
                "source_statuses": source_statuses,
                "max_depth": max_depth,
                "kind": kind,
            },
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def list(
        self,
        *,
        failing: bool | Unset = UNSET,
        kind: builtins.list[Literal["chain", "cron", "event", "manual", "webhook"] | str] | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        ordering: str | Unset = UNSET,
        organization: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        state: builtins.list[Literal["active", "ended", "paused", "stopped"] | str] | Unset = UNSET,
    ) -> _base.AsyncPages[Trigger]:
        """Triggers of my organizations: all of them, page by page."""
        return self._pages(
            Trigger,
            "GET",
            "/api/v1/triggers/",
            query={
                "failing": failing,
                "kind": kind,
                "melody": melody,
                "ordering": ordering,
                "organization": organization,
                "page_size": page_size,
                "state": state,
            },
        )

    async def schedules_preview(
        self,
        *,
        cron: builtins.list[str],
        timezone: str | Unset = UNSET,
        starts_at: datetime | None | Unset = UNSET,
        ends_at: datetime | None | Unset = UNSET,
        after: datetime | Unset = UNSET,
        count: int | Unset = UNSET,
    ) -> Preview:
        """When a schedule would be due."""
        return await self._ask(
            Preview,
            "POST",
            "/api/v1/triggers/preview/",
            json={
                "cron": cron,
                "timezone": timezone,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "after": after,
                "count": count,
            },
        )

    async def get(self, trigger_id: UUID | str) -> Trigger:
        """One trigger."""
        return await self._ask(Trigger, "GET", f"/api/v1/triggers/{_base.quoted(trigger_id)}/")

    async def change(
        self,
        trigger_id: UUID | str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        version: int | None | Unset = UNSET,
        input: dict[str, Any] | Unset = UNSET,
        mapping: dict[str, Any] | Unset = UNSET,
        filter: str | Unset = UNSET,
        priority: int | Unset = UNSET,
        cron: builtins.list[str] | Unset = UNSET,
        timezone: str | Unset = UNSET,
        starts_at: datetime | None | Unset = UNSET,
        ends_at: datetime | None | Unset = UNSET,
        jitter_seconds: int | Unset = UNSET,
        misfire_policy: MisfirePolicyEnum | Unset = UNSET,
        misfire_grace_seconds: int | Unset = UNSET,
        misfire_limit: int | Unset = UNSET,
        overlap: OverlapEnum | Unset = UNSET,
        concurrency_key: str | Unset = UNSET,
        debounce_seconds: float | None | Unset = UNSET,
        queue_limit: int | Unset = UNSET,
        event: str | Unset = UNSET,
        source_melody: UUID | Unset = UNSET,
        source_statuses: builtins.list[SourceStatusesEnum] | Unset = UNSET,
        max_depth: int | Unset = UNSET,
        if_match: str | None = None,
    ) -> Trigger:
        """Change a trigger."""
        return await self._ask(
            Trigger,
            "PATCH",
            f"/api/v1/triggers/{_base.quoted(trigger_id)}/",
            json={
                "name": name,
                "description": description,
                "version": version,
                "input": input,
                "mapping": mapping,
                "filter": filter,
                "priority": priority,
                "cron": cron,
                "timezone": timezone,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "jitter_seconds": jitter_seconds,
                "misfire_policy": misfire_policy,
                "misfire_grace_seconds": misfire_grace_seconds,
                "misfire_limit": misfire_limit,
                "overlap": overlap,
                "concurrency_key": concurrency_key,
                "debounce_seconds": debounce_seconds,
                "queue_limit": queue_limit,
                "event": event,
                "source_melody": source_melody,
                "source_statuses": source_statuses,
                "max_depth": max_depth,
            },
            if_match=if_match,
        )

    async def delete(self, trigger_id: UUID | str, *, if_match: str | None = None) -> None:
        """Delete a trigger."""
        await self._tell("DELETE", f"/api/v1/triggers/{_base.quoted(trigger_id)}/", if_match=if_match)

    def backfills_list(self, trigger_id: UUID | str, *, page_size: int | Unset = UNSET) -> _base.AsyncPages[Backfill]:
        """Backfills of a trigger: all of them, page by page."""
        return self._pages(
            Backfill, "GET", f"/api/v1/triggers/{_base.quoted(trigger_id)}/backfills/", query={"page_size": page_size}
        )

    async def backfills_create(
        self,
        trigger_id: UUID | str,
        *,
        since: datetime,
        until: datetime,
        parallel: int | Unset = UNSET,
        again: bool | Unset = UNSET,
        dry_run: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> DryRun:
        """Make up for due times of the past."""
        return await self._ask(
            DryRun,
            "POST",
            f"/api/v1/triggers/{_base.quoted(trigger_id)}/backfills/",
            json={"since": since, "until": until, "parallel": parallel, "again": again, "dry_run": dry_run},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    async def fire(
        self,
        trigger_id: UUID | str,
        *,
        input: dict[str, Any] | Unset = UNSET,
        payload: Any = UNSET,
        key: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> FiringDetail:
        """Fire a trigger now."""
        return await self._ask(
            FiringDetail,
            "POST",
            f"/api/v1/triggers/{_base.quoted(trigger_id)}/fire/",
            json={"input": input, "payload": payload, "key": key},
            idempotency_key=idempotency_key or _base.new_key(),
        )

    def firings(
        self,
        trigger_id: UUID | str,
        *,
        backfill: UUID | Unset = UNSET,
        due_after: datetime | Unset = UNSET,
        due_before: datetime | Unset = UNSET,
        execution: UUID | Unset = UNSET,
        melody: UUID | Unset = UNSET,
        page_size: int | Unset = UNSET,
        source: builtins.list[Literal["backfill", "chain", "cron", "event", "manual", "webhook"] | str] | Unset = UNSET,
        state: builtins.list[Literal["failed", "pending", "skipped", "started"] | str] | Unset = UNSET,
        trigger: UUID | Unset = UNSET,
    ) -> _base.AsyncPages[Firing]:
        """What a trigger has fired: all of them, page by page."""
        return self._pages(
            Firing,
            "GET",
            f"/api/v1/triggers/{_base.quoted(trigger_id)}/firings/",
            query={
                "backfill": backfill,
                "due_after": due_after,
                "due_before": due_before,
                "execution": execution,
                "melody": melody,
                "page_size": page_size,
                "source": source,
                "state": state,
                "trigger": trigger,
            },
        )

    async def pause(self, trigger_id: UUID | str, *, reason: str | Unset = UNSET) -> Trigger:
        """Pause a trigger."""
        return await self._ask(
            Trigger, "POST", f"/api/v1/triggers/{_base.quoted(trigger_id)}/pause/", json={"reason": reason}
        )

    async def preview(
        self, trigger_id: UUID | str, *, after: str | Unset = UNSET, count: int | Unset = UNSET
    ) -> Preview:
        """When a trigger is due next."""
        return await self._ask(
            Preview,
            "GET",
            f"/api/v1/triggers/{_base.quoted(trigger_id)}/preview/",
            query={"after": after, "count": count},
        )

    async def resume(self, trigger_id: UUID | str) -> Trigger:
        """Resume a trigger."""
        return await self._ask(Trigger, "POST", f"/api/v1/triggers/{_base.quoted(trigger_id)}/resume/")

    async def rotate_secret(self, trigger_id: UUID | str, *, overlap_seconds: int | Unset = UNSET) -> HookSecret:
        """Give a webhook a new secret."""
        return await self._ask(
            HookSecret,
            "POST",
            f"/api/v1/triggers/{_base.quoted(trigger_id)}/rotate-secret/",
            json={"overlap_seconds": overlap_seconds},
        )

    async def take_over(self, trigger_id: UUID | str) -> Trigger:
        """Become the owner of a trigger."""
        return await self._ask(Trigger, "POST", f"/api/v1/triggers/{_base.quoted(trigger_id)}/take-over/")
