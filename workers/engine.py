"""The engine as a running step sees it: the port of `workers.contract`, for one claimed task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import inf
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db import connection
from django.db.models import Q

from apps.core.tenancy import working_for
from apps.executions import ledger, queries
from apps.executions.models import Conversation, Execution
from apps.executions.services import runnable
from apps.executions.states import EXECUTION_TERMINAL
from apps.melodies.definition.model import REMEMBERED_VARIABLES
from apps.melodies.models import Melody, MelodyStatus
from apps.melodies.paths import PathError, normal_path
from apps.projects.errors import NoSecretKeys, SecretUnreadable
from apps.projects.models import ProjectAccessMode
from apps.projects.services import reveal
from workers.contract import FrameOutcome, MelodyRef, StepFailed, Workflow
from workers.heart import heart
from workers.outcomes import Claimed
from workers.pit import store, tracker
from workers.storable import storable

LONGEST_CONVERSATION = 4_000_000
"""Bytes of JSON."""
LONG_SECONDS = 0.25
"""Who waits for less keeps the database connection, if there are enough: taking one again costs a round trip."""


class TaskEngine:
    """What the engine does for one step while it runs. Never shown: it knows the way to secrets."""

    def __init__(self, claimed: Claimed, workflow: Workflow) -> None:
        self._claimed = claimed
        self._workflow = workflow
        self._organization: str = claimed["organization"]

    def progress(self, event_type: str, payload: Mapping[str, Any]) -> None:
        ledger.progress(self._claimed, event_type, storable(payload))

    def heartbeat(self) -> None:
        heart.beat(self._claimed["lease"])

    def secret(self, name: str) -> str | None:
        try:
            found = reveal(self._organization, self._workflow.project_id or None, name)
        except (SecretUnreadable, NoSecretKeys) as error:
            raise StepFailed(error.detail, code=error.code, final=True) from None
        return None if found is None else found.reveal()

    def melody_at(self, path: str, version: int | None) -> MelodyRef | None:
        try:
            normal = normal_path(path)
        except PathError:
            return None
        return self._melody(Q(path=normal), version)

    def melody_named(self, name: str, version: int | None) -> MelodyRef | None:
        try:
            found = self._melody(Q(pk=UUID(name)), version)
        except ValueError:
            found = None
        return found or self._melody(Q(name=name) & ~Q(status=MelodyStatus.ARCHIVED), version)

    def _melody(self, meant: Q, version: int | None) -> MelodyRef | None:
        with working_for(self._organization):
            found = Melody.objects.filter(meant, organization_id=self._organization).exclude(self._kept_from())
            melody_id = found.order_by("-pk").values_list("pk", flat=True).first()
            ref = None if melody_id is None else ledger.melody(self._organization, name=str(melody_id), number=version)
            if ref is not None and (never := ledger.not_runnable(UUID(ref[0]))):
                raise StepFailed(runnable.why_not(never[0]), code="not_runnable", final=True)
        return _ref(ref)

    def _kept_from(self) -> Q:
        """What is in a restricted project, except for runs of that project: who starts this one need not see it."""
        restricted = Q(project__access=ProjectAccessMode.RESTRICTED)
        return restricted & ~Q(project_id=self._workflow.project_id) if self._workflow.project_id else restricted

    def release_database(self, seconds: float = inf) -> None:
        """Only where connections are pooled: elsewhere the slot has one for itself."""
        pooled = settings.SYMPHONY_DATABASE_POOL and not connection.in_atomic_block
        if pooled and (seconds >= LONG_SECONDS or getattr(connection, "is_wanted", True)):
            connection.close()

    def session(self, name: str, *, persistent: bool) -> dict[str, Any] | None:
        with working_for(self._organization):
            found = Conversation.objects.filter(**self._conversation(name, persistent=persistent)).first()
        return None if found is None else dict(found.record)

    def save_session(self, name: str, record: Mapping[str, Any], *, persistent: bool) -> None:
        kept = storable(record)
        if len(json.dumps(kept)) > LONGEST_CONVERSATION:
            raise ValueError(f"The conversation {name!r} is longer than {LONGEST_CONVERSATION} bytes.")
        with working_for(self._organization):
            Conversation.objects.update_or_create(
                **self._conversation(name, persistent=persistent),
                defaults={"record": kept, "updated_at": datetime.now(UTC)},
            )

    def _conversation(self, name: str, *, persistent: bool) -> dict[str, Any]:
        scope = self._workflow.melody_id if persistent else self._claimed["execution"]
        return {"organization_id": self._organization, "scope": UUID(scope), "name": name}

    def remember(self, variables: Mapping[str, Any]) -> None:
        ledger.remember(self._organization, self._workflow.melody_id, REMEMBERED_VARIABLES, storable(variables))

    def started_tasks(self, kind: str) -> int:
        with working_for(self._organization):
            own = queries.tasks_of(UUID(self._claimed["execution"])).filter(kind=kind, started_at__isnull=False)
            return own.order_by().count()

    def earlier_frames(self) -> Sequence[FrameOutcome]:
        return frames_of(self._claimed, earlier=True)

    def variables(self) -> Mapping[str, Any]:
        return ledger.variables(self._claimed)

    def tell(self, signal: str, payload: Any, execution_id: str | None) -> bool:
        target = execution_id or self._claimed["execution"]
        try:
            identifier = UUID(target)
        except ValueError:
            return False
        over = {status.value for status in EXECUTION_TERMINAL}
        with working_for(self._organization):
            run = Execution.objects.filter(pk=identifier, organization_id=self._organization).exclude(status__in=over)
            if execution_id is not None:
                run = run.exclude(self._kept_from())
            found = run.only("id", "created_by_id").first()
            if found is None:
                return False
            once = uuid5(UUID(self._claimed["task"]), f"{identifier} {signal}")
            released = ledger.signal(
                self._organization, found.pk, signal, storable(payload), found.created_by_id, identifier=once
            )
        tracker.release(released, at_once=False)
        return True


def _ref(found: tuple[str, str, str, int] | None) -> MelodyRef | None:
    return None if found is None else MelodyRef(*found)


def frames_of(claimed: Claimed, *, earlier: bool = False) -> list[FrameOutcome]:
    """How the frames of the last round ended, or those of the rounds before it."""
    return [
        FrameOutcome(
            index,
            body,
            label,
            status,
            loop,
            {name: _inner(claimed, cell) for name, cell in (results or {}).items()},
            error,
        )
        for index, body, label, status, loop, error, results in ledger.frames(
            claimed["organization"], claimed["task"], earlier=earlier
        )
    ]


def _inner(claimed: Claimed, cell: Mapping[str, Any]) -> Any:
    """A step's result as its siblings would read it."""
    if cell["status"] == "failed":
        return {"success": False, "error": cell["error"]}
    return store.value_of(claimed, cell)
