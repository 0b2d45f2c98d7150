"""Starting runs of a version."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.db.models.expressions import DatabaseDefault

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.billing.entitlements import Quota
from apps.billing.services.quotas import require_room
from apps.core.storable import problems_of as unstorable
from apps.executions import dispatch, ledger
from apps.executions.errors import (
    CorrelationTaken,
    InvalidInput,
    ParentElsewhere,
)
from apps.executions.facts import Facts, facts_to_start
from apps.executions.models import Execution, PlanNode
from apps.executions.services.runnable import require_runnable
from apps.executions.services.standing import standing_of
from apps.melodies.definition.expressions import ExpressionError, expand_environment
from apps.melodies.definition.problems import ProblemList
from apps.melodies.definition.workflow_limits import read_limits
from apps.melodies.errors import MelodyArchived
from apps.melodies.models import Melody, MelodyStatus, MelodyVersion
from apps.projects.queries import variables_for_run

MAX_INPUT_BYTES = 1_000_000


def start_execution(
    *,
    actor: User,
    melody: Melody | UUID,
    version: MelodyVersion | int | None = None,
    input: Mapping[str, Any] | None = None,  # noqa: A002 - the seeds' and the API's word
    correlation_id: UUID | None = None,
    parent: Execution | None = None,
    trigger_id: UUID | None = None,
    priority: int = 0,
) -> Execution:
    """Begin a run of a version (the latest by default). Its first steps are sent after the commit.

    `correlation_id` is the caller's name for it, one of its own for each run; `parent` the run it was started for,
    `trigger_id` the trigger that started it. `priority` orders it among the runs of its organization.
    The melody may be given by its id, the version by its number: two statements and a commit are all it takes then.
    """
    facts = facts_to_start(
        actor_id=actor.pk,
        melody_id=melody if isinstance(melody, UUID) else melody.pk,
        number=version.number if isinstance(version, MelodyVersion) else version,
    )
    facts.require(Action.WRITE)
    if facts.melody.status == MelodyStatus.ARCHIVED:
        raise MelodyArchived
    if parent is not None and parent.organization_id != facts.melody.organization_id:
        raise ParentElsewhere
    execution = new_execution(actor, facts, checked_input(input), correlation_id or uuid4(), parent, priority)
    execution.trigger_id = trigger_id
    with transaction.atomic(savepoint=False), one_of_each_correlation(correlation_id):
        if facts.particular:
            require_runnable(facts.version)
        if facts.entitlements.limit(Quota.CONCURRENT_EXECUTIONS) is not None:
            require_room(organization_id=execution.organization_id, quota=Quota.CONCURRENT_EXECUTIONS)
        releases = _begin(execution, initial_variables(execution, facts))
        dispatch.send_after_commit(releases)
    return execution


def new_execution(
    actor: User, facts: Facts, given: dict[str, Any], correlation_id: UUID, parent: Execution | None, priority: int = 0
) -> Execution:
    limits = read_limits(facts.workflow, "", ProblemList(1))
    allowed = limits.max_execution_time_s
    now = datetime.now(UTC)
    # So precise does it come to the ledger: the answer says what is read afterwards.
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    execution = Execution(
        organization=facts.melody.organization,
        project_id=facts.melody.project_id,
        agent_id=facts.melody.agent_id,
        correlation_id=correlation_id,
        parent_execution=parent,
        melody=facts.melody,
        version=facts.version,
        version_sha256=facts.version.sha256,
        input=given,
        created_by=actor,
        created_at=now,
        updated_at=now,
        paused_seconds=0,
        max_tasks=limits.max_total_steps,
        max_parallel=limits.max_parallel_steps,
        **standing_of(facts.entitlements.tier, priority),
        deadline_at=None if allowed is None else now + timedelta(seconds=allowed),
    )
    _settle_defaults(execution)
    return execution


def _settle_defaults(execution: Execution) -> None:
    """Give it the values of its columns' own defaults: it is told of before it is read again."""
    for name in _with_defaults():
        value = getattr(execution, name)
        if isinstance(value, DatabaseDefault):
            setattr(execution, name, value.expression.value)  # type: ignore[attr-defined]


@cache
def _with_defaults() -> list[str]:
    """Columns the database has a default for."""
    return [field.attname for field in Execution._meta.concrete_fields if field.has_db_default()]  # noqa: SLF001 - public by its documentation


def _begin(execution: Execution, variables: Mapping[str, Any]) -> list[ledger.Release]:
    """Insert it with its tasks, as its row then says; what is to be sent."""
    begun = ledger.begin(json.dumps(_columns(execution), cls=DjangoJSONEncoder), json.dumps(variables))
    execution.status, execution.status_message = begun.standing["status"], begun.standing["status_message"]
    execution.updated_at = datetime.fromisoformat(begun.standing["updated_at"])
    execution.next_seq, execution.compensation = begun.standing["next_seq"], begun.standing["compensation"]
    execution.begun = (begun.standing["steps"], begun.standing["released"])
    execution._state.adding = False  # noqa: SLF001 - as Django itself does after an insert
    return begun.released


def _columns(execution: Execution) -> dict[str, Any]:
    return {
        str(field.column): getattr(execution, field.attname)
        for field in Execution._meta.concrete_fields  # noqa: SLF001 - public by its documentation
    }


@contextmanager
def one_of_each_correlation(correlation_id: UUID | None) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if "execution_correlation" not in str(error):
            raise
        raise CorrelationTaken(f"There is an execution with the correlation id {correlation_id} already.") from error


def checked_input(given: Mapping[str, Any] | None) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInput("`input` must be an object of names and values.")
    said = json.dumps(given)
    if len(said) > MAX_INPUT_BYTES:
        raise InvalidInput(f"`input` is larger than {MAX_INPUT_BYTES} bytes; keep large data in files.")
    if problems := unstorable(given, "/input", said):
        raise InvalidInput("`input` holds what cannot be stored.", errors=problems)
    return dict(given)


def _variables_of_project(execution: Execution) -> Mapping[str, Any]:
    """The layer beneath the document's own; a name that means an input or a step in it stays what it is."""
    if execution.project_id is None:
        return {}
    steps = PlanNode.objects.filter(version_id=execution.version_id).order_by().values_list("name", flat=True)
    return variables_for_run(execution.project_id, hidden_by={*execution.input, *steps})


def initial_variables(execution: Execution, facts: Facts) -> dict[str, Any]:
    written = {**(facts.workflow.get("global_vars") or {}), **(facts.workflow.get("variables") or {})}
    exposed = {name: os.environ[name] for name in settings.SYMPHONY_MELODY_ENVIRONMENT if name in os.environ}
    try:
        return {
            **_variables_of_project(execution),
            **expand_environment(written, exposed),
            **facts.remembered,
        }
    except ExpressionError as error:
        raise InvalidInput(f"The melody's variables cannot be set: {error}") from error
