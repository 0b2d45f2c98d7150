"""The Pit's journal: operations, and events nobody waits for, are collected in the process and written in batches.

They explain and measure, nothing depends on them: a process that is killed loses its last half second of them.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import Error, connection

from apps.core.tenancy import working_for

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
MOST_KEPT = 10_000

_OPERATIONS = """
    INSERT INTO executions_pitoperation
      (organization_id, execution_id, task_id, operation_type, operation_context, resource_allocations, performed_at)
    SELECT t.organization_id, t.execution_id, t.id, r.kind, r.context, r.resources, r.at
    FROM json_to_recordset(%s) AS r(task uuid, kind text, context jsonb, resources jsonb, at timestamptz)
    JOIN executions_task t ON t.id = r.task
"""
_EVENTS = """
    INSERT INTO executions_event
      (organization_id, execution_id, task_id, position, event_type, payload, occurred_at)
    SELECT t.organization_id, t.execution_id, t.id, pg_current_xact_id()::text::bigint, r.kind, r.context, r.at
    FROM json_to_recordset(%s) AS r(task uuid, kind text, context jsonb, at timestamptz)
    JOIN executions_task t ON t.id = r.task
"""


class Journal:
    """A buffer and the thread that empties it twice a second."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        self._count = 0
        self._lock = threading.Lock()
        self._process = 0

    def record(
        self,
        organization_id: UUID | str,
        *,
        task_id: UUID | str,
        kind: str,
        context: Mapping[str, Any],
        resources: Mapping[str, Any] | None = None,
    ) -> None:
        """Remember an operation of the Pit on a task."""
        self._remember(_OPERATIONS, organization_id, task_id, kind, context, resources or {})

    def event(
        self, organization_id: UUID | str, *, task_id: UUID | str, event_type: str, payload: Mapping[str, Any]
    ) -> None:
        """Remember an event of a task's life."""
        self._remember(_EVENTS, organization_id, task_id, event_type, payload, {})

    def flush(self) -> None:
        """Write what is collected."""
        with self._lock:
            rows, self._rows, self._count = self._rows, defaultdict(list), 0
        for (sql, organization_id), batch in rows.items():
            with working_for(organization_id), connection.cursor() as cursor:
                cursor.execute(sql, [json.dumps(batch)])

    def _remember(
        self,
        sql: str,
        organization_id: UUID | str,
        task_id: UUID | str,
        kind: str,
        context: Mapping[str, Any],
        resources: Mapping[str, Any],
    ) -> None:
        """When the database is away for long, the newest are dropped."""
        at = datetime.now(UTC).isoformat()
        row = {"task": str(task_id), "kind": str(kind), "context": context, "resources": resources, "at": at}
        with self._lock:
            if self._count < MOST_KEPT:
                self._rows[sql, str(organization_id)].append(row)
                self._count += 1
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(target=self._keep_flushing, name="symphony-journal", daemon=True).start()

    def _keep_flushing(self) -> None:
        pause = threading.Event()
        while not pause.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except Error as error:
                logger.warning("pit operations were not written: %s", error)
                connection.close_if_unusable_or_obsolete()
            except Exception:
                # Whatever it was: what is remembered from now on is to be written all the same.
                logger.exception("pit operations were not written")


journal = Journal()
