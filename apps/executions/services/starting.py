"""Starting runs of a version."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.billing.entitlements import Quota
from apps.billing.services.quotas import require_room
from apps.executions import dispatch, ledger
from apps.executions.errors import (
    CorrelationTaken,
    InvalidInput,
    ParentElsewhere,
)
from apps.executions.models import Conversation, Execution, PlanNode, Variable
from apps.executions.queries import latest_version
from apps.melodies.definition.expressions import ExpressionError, expand_environment
from apps.melodies.definition.model import REMEMBERED_VARIABLES
from apps.melodies.definition.problems import ProblemList
from apps.melodies.definition.workflow_limits import read_limits
from apps.melodies.errors import MelodyArchived
from apps.melodies.models import Melody, MelodyStatus, MelodyVersion
from apps.melodies.permissions import require_for
from apps.projects.queries import variables_for_run

MAX_INPUT_BYTES = 1_000_000


GLOBAL_SCOPE = "00000000-0000-0000-0000-000000000000"


def start_execution(
    *,
    actor: User,
    melody: Melody,
    version: MelodyVersion | None = None,
    input: Mapping[str, Any] | None = None,  # noqa: A002 - the seeds' and the API's word
    correlation_id: UUID | None = None,
    parent: Execution | None = None,
) -> Execution:
    """Begin a run of a version (the latest by default). Its first steps are sent after the commit.

    `correlation_id` is the caller's name for it, one of its own for each run; `parent` the run it was started for.
    """
    require_for(actor=actor, melody=melody, action=Action.WRITE)
    if melody.status == MelodyStatus.ARCHIVED:
        raise MelodyArchived
    version = version or latest_version(melody)
    given = _checked_input(input)
    workflow = version.document.get("workflow", version.document)
    limits = read_limits(workflow, "", ProblemList(1))
    allowed = limits.max_execution_time_s
    if parent is not None and parent.organization_id != melody.organization_id:
        raise ParentElsewhere
    with transaction.atomic(), _one_of_each_correlation(correlation_id):
        require_room(organization_id=melody.organization_id, quota=Quota.CONCURRENT_EXECUTIONS)
        execution = Execution.objects.create(
            organization_id=melody.organization_id,
            project_id=melody.project_id,
            agent_id=melody.agent_id,
            correlation_id=correlation_id or uuid4(),
            parent_execution=parent,
            melody=melody,
            version=version,
            version_sha256=version.sha256,
            input=given,
            created_by=actor,
            max_tasks=limits.max_total_steps,
            max_parallel=limits.max_parallel_steps,
            deadline_at=None if allowed is None else datetime.now(UTC) + timedelta(seconds=allowed),
        )
        _set_initial_variables(execution, version, workflow)
        releases = ledger.start(execution.id)
        dispatch.send_after_commit(releases)
    execution.refresh_from_db()
    return execution


@contextmanager
def _one_of_each_correlation(correlation_id: UUID | None) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if "execution_correlation" not in str(error):
            raise
        raise CorrelationTaken(f"There is an execution with the correlation id {correlation_id} already.") from error


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


def _variables_of_project(execution: Execution, version: MelodyVersion) -> Mapping[str, Any]:
    """The layer beneath the document's own; a name that means an input or a step in it stays what it is."""
    if execution.project_id is None:
        return {}
    steps = PlanNode.objects.filter(version=version).order_by().values_list("name", flat=True)
    return variables_for_run(execution.project_id, hidden_by={*execution.input, *steps})


def _set_initial_variables(execution: Execution, version: MelodyVersion, workflow: Mapping[str, Any]) -> None:
    written = {**(workflow.get("global_vars") or {}), **(workflow.get("variables") or {})}
    exposed = {name: os.environ[name] for name in settings.SYMPHONY_MELODY_ENVIRONMENT if name in os.environ}
    try:
        initial = {
            **_variables_of_project(execution, version),
            **expand_environment(written, exposed),
            **_remembered(execution),
        }
    except ExpressionError as error:
        raise InvalidInput(f"The melody's variables cannot be set: {error}") from error
    Variable.objects.bulk_create(
        Variable(
            organization_id=execution.organization_id, execution=execution, scope=GLOBAL_SCOPE, name=name, value=value
        )
        for name, value in initial.items()
    )
