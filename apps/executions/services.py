"""Starting and cancelling runs, and storing the plan of a version."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from apps.accounts.models import User
from apps.accounts.permissions import Action, require
from apps.executions import dispatch, ledger
from apps.executions.errors import ExecutionOver, InvalidInput
from apps.executions.models import Conversation, Execution, Variable
from apps.executions.queries import latest_version
from apps.melodies.definition.expressions import ExpressionError, expand_environment
from apps.melodies.definition.model import REMEMBERED_VARIABLES
from apps.melodies.definition.problems import ProblemList
from apps.melodies.definition.workflow_limits import read_limits
from apps.melodies.models import Melody, MelodyVersion

MAX_INPUT_BYTES = 1_000_000
GLOBAL_SCOPE = "00000000-0000-0000-0000-000000000000"

_PLAN_COLUMNS: Mapping[str, str] = {
    "node": "int",
    "name": "text",
    "kind": "text",
    "queue": "text",
    "inline": "boolean",
    "parent": "int",
    "depth": "smallint",
    "params": "jsonb",
    "condition": "jsonb",
    "successors": "int[]",
    "edge_on": "smallint[]",
    "open": "int",
    "need": "int",
    "wants": "int",
    "tolerates": "boolean",
    "handled": "boolean",
    "ends": "boolean",
    "compensates": "boolean",
    "exclusive": "text",
    "reads": "jsonb",
    "variables": "text[]",
    "options": "jsonb",
    "bodies": "jsonb",
    "rank": "float8",
    "ahead": "jsonb",
    "stripes": "int[]",
}
_PLAN_BATCH = 5000


def start_execution(
    *,
    actor: User,
    melody: Melody,
    version: MelodyVersion | None = None,
    input: Mapping[str, Any] | None = None,  # noqa: A002 - the seeds' and the API's word
) -> Execution:
    """Begin a run of a version (the latest by default). Its first steps are sent after the commit."""
    require(actor=actor, organization=melody.organization, action=Action.WRITE)
    version = version or latest_version(melody)
    given = _checked_input(input)
    workflow = version.document.get("workflow", version.document)
    limits = read_limits(workflow, "", ProblemList(1))
    allowed = limits.max_execution_time_s
    with transaction.atomic():
        execution = Execution.objects.create(
            organization_id=melody.organization_id,
            melody=melody,
            version=version,
            version_sha256=version.sha256,
            input=given,
            created_by=actor,
            max_tasks=limits.max_total_steps,
            max_parallel=limits.max_parallel_steps,
            deadline_at=None if allowed is None else datetime.now(UTC) + timedelta(seconds=allowed),
        )
        _set_initial_variables(execution, workflow)
        releases = ledger.start(execution.id)
        dispatch.send_after_commit(releases)
    execution.refresh_from_db()
    return execution


def cancel_execution(*, actor: User, execution: Execution, reason: str = "") -> Execution:
    """Cancel a run: nothing new starts, running steps are told to stop, late results change nothing.

    Staff need no role in the organization; in the admin the database lets them see it.
    """
    if not actor.is_staff:
        require(actor=actor, organization=execution.organization, action=Action.WRITE)
    if ledger.cancel(execution.id, reason or f"Cancelled by {actor.email}.") is None:
        raise ExecutionOver
    execution.refresh_from_db()
    return execution


def store_plan(*, version: MelodyVersion, nodes: Iterable[Mapping[str, Any]]) -> None:
    """Store a version's plan, in batches; the keys of a node are the columns of `PlanNode`."""
    columns = ", ".join(f'"{name}"' for name in _PLAN_COLUMNS)
    types = ", ".join(f'"{name}" {kind}' for name, kind in _PLAN_COLUMNS.items())
    # json, not jsonb: the batch is read once, column by column.
    sql = (
        f"INSERT INTO executions_plannode (organization_id, version_id, {columns}) "
        f"SELECT %s, %s, {columns} FROM json_to_recordset(%s) AS r({types})"
    )
    with connection.cursor() as cursor:
        for batch in _batches(nodes, _PLAN_BATCH):
            cursor.execute(sql, [version.organization_id, version.id, json.dumps(batch)])


def _batches(nodes: Iterable[Mapping[str, Any]], size: int) -> Iterable[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    for node in nodes:
        batch.append(node)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _checked_input(given: Mapping[str, Any] | None) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInput("`input` must be an object of names and values.")
    if len(json.dumps(given)) > MAX_INPUT_BYTES:
        raise InvalidInput(f"`input` is larger than {MAX_INPUT_BYTES} bytes; keep large data in files.")
    return dict(given)


def _remembered(execution: Execution) -> Mapping[str, Any]:
    """Variables of scope `session` that earlier runs of the melody have set."""
    record = Conversation.objects.filter(
        organization_id=execution.organization_id, scope=execution.melody_id, name=REMEMBERED_VARIABLES
    ).values_list("record", flat=True)
    return record.first() or {}


def _set_initial_variables(execution: Execution, workflow: Mapping[str, Any]) -> None:
    written = {**(workflow.get("global_vars") or {}), **(workflow.get("variables") or {})}
    exposed = {name: os.environ[name] for name in settings.SYMPHONY_MELODY_ENVIRONMENT if name in os.environ}
    try:
        initial = {**expand_environment(written, exposed), **_remembered(execution)}
    except ExpressionError as error:
        raise InvalidInput(f"The melody's variables cannot be set: {error}") from error
    Variable.objects.bulk_create(
        Variable(
            organization_id=execution.organization_id, execution=execution, scope=GLOBAL_SCOPE, name=name, value=value
        )
        for name, value in initial.items()
    )


__all__ = ["cancel_execution", "start_execution", "store_plan"]
