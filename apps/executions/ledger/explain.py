"""Why tasks are not running; see sql/explain.sql. Reads only, and only what the caller may see."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from apps.core.db.rows import rows_of


def explain(task_id: UUID) -> dict[str, Any] | None:
    """{task, name, state, reasons, predicted_start, …}; None when there is no such task to be seen."""
    return _object_of("SELECT ledger_explain(%s)", [task_id])


def explain_run(execution_id: UUID, limit: int) -> dict[str, Any] | None:
    """The run as a whole, and at most `limit` of its steps that are under way or wait."""
    return _object_of("SELECT ledger_explain_run(%s, %s)", [execution_id, limit])


def gauges(*, with_names: bool = False) -> dict[str, Any]:
    """What can be counted of all runs, workers and queues just now; see sql/gauges.sql. `with_names`: of tenants too."""
    return _object_of("SELECT ledger_gauges(%s)", [with_names]) or {}


def _object_of(sql: str, parameters: list[Any]) -> dict[str, Any] | None:
    found = rows_of(sql, parameters)[0][0]
    value: dict[str, Any] | None = json.loads(found) if isinstance(found, str) else found
    return value
