"""Running an execution again as a new one, that keeps results of the earlier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.billing.entitlements import Quota
from apps.billing.services.quotas import require_room
from apps.core.errors import Invalid
from apps.core.trail import leave_trace
from apps.executions import dispatch, ledger
from apps.executions.carrying import Carried, carry_over, place_nodes
from apps.executions.errors import NothingToRerun, NotOver, StepNotRerunnable, VersionsDiffer
from apps.executions.facts import Facts, facts_to_start
from apps.executions.looking_back import past_of
from apps.executions.models import Execution, PlanNode, Variable
from apps.executions.past import Past
from apps.executions.redo import CannotBegin, How, Redo, Rules, decide
from apps.executions.services.control import require_control
from apps.executions.services.retrying import held
from apps.executions.services.runnable import require_runnable
from apps.executions.services.starting import checked_input, initial_variables, new_execution, one_of_each_correlation
from apps.executions.states import EXECUTION_TERMINAL, RerunMode
from apps.executions.step_addresses import NoSuchStep, find_step
from apps.melodies.errors import MelodyArchived
from apps.melodies.models import MelodyStatus

GLOBAL_SCOPE = UUID(int=0)
_MOST_SHOWN = 100
_WHAT = {
    "missing": "it is not there any more",
    "kind": "it is of another kind now",
    "parameters": "its parameters have changed",
    "inside": "what is inside of it has changed",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for. `input` replaces the earlier run's; `version` is a number, the earlier run's by default."""

    mode: RerunMode
    step: str = ""
    version: int | None = None
    input: Mapping[str, Any] | None = None
    correlation_id: UUID | None = None


def rerun_execution(*, actor: User, execution: Execution, wanted: Wanted) -> Execution:
    """A new execution from one that has ended: what the mode names runs again, the rest keeps its results.

    failed: what failed, or did not come to its end; completed steps behind it are kept. downstream: all that follows as well.
    from_here: the step, or the iteration, that `step` names, with all that follows. What failed elsewhere runs again in
    each. Raises NotOver, NothingToRerun, StepNotRerunnable, VersionsDiffer.
    """
    require_control(actor, execution)
    _check(wanted)
    number = wanted.version or execution.version.number
    facts = facts_to_start(actor_id=actor.pk, melody_id=execution.melody_id, number=number, staff=actor.is_staff)
    if not actor.is_staff:
        facts.require(Action.WRITE)
    if facts.melody.status == MelodyStatus.ARCHIVED:
        raise MelodyArchived
    with transaction.atomic(), one_of_each_correlation(wanted.correlation_id):
        source = held(execution)
        if source.status not in {status.value for status in EXECUTION_TERMINAL}:
            raise NotOver
        past = past_of(source)
        redo, numbers = _decided(source, past, facts, wanted)
        try:
            made = _begin(actor, source, past, facts, wanted, redo, numbers)
        except ledger.TooManySteps as error:
            message = "the steps it would keep are more than its resource_limits.max_total_steps"
            raise VersionsDiffer(errors=[_problem("version", "too_many_steps", message)]) from error
    made.refresh_from_db()
    return made


def _check(wanted: Wanted) -> None:
    if wanted.mode == RerunMode.FROM_HERE and not wanted.step:
        raise Invalid(
            "From where?", errors=[_problem("step", "required", "name the step to run from, such as loop[3].inner")]
        )
    if wanted.mode != RerunMode.FROM_HERE and wanted.step:
        message = f"mode {wanted.mode} takes no step; use from_here"
        raise Invalid("The mode takes no step.", errors=[_problem("step", "invalid", message)])


def _decided(source: Execution, past: Past, facts: Facts, wanted: Wanted) -> tuple[Redo, ledger.Numbers | None]:
    seq, index = _step(past, wanted)
    try:
        redo = decide(past, Rules(strong=wanted.mode == RerunMode.DOWNSTREAM, seq=seq, index=index))
    except CannotBegin as error:
        raise _unusable(wanted, str(error)) from error
    numbers = None
    if facts.version.pk != source.version_id:
        carried = carry_over(past, redo, _placed(source.version_id), _placed(facts.version.pk))
        if not isinstance(carried, Carried):
            raise VersionsDiffer(
                errors=[
                    _problem("version", f"step_{found.what}", f"{found.step}: {_WHAT[found.what]}")
                    for found in carried[:_MOST_SHOWN]
                ]
            )
        redo, numbers = carried.redo, ledger.Numbers(carried.new, carried.before)
    if not redo.again and numbers is None:
        raise NothingToRerun
    return redo, numbers


def _step(past: Past, wanted: Wanted) -> tuple[int | None, int | None]:
    if not wanted.step:
        return None, None
    try:
        return find_step(past, wanted.step)
    except NoSuchStep as error:
        raise _unusable(wanted, str(error)) from error


def _unusable(wanted: Wanted, why: str) -> StepNotRerunnable:
    message = f"{wanted.step[:100]!r}: {why}"
    return StepNotRerunnable(
        f"It cannot be run again from there: {why}.", errors=[_problem("step", "invalid", message)]
    )


def _placed(version_id: UUID) -> Any:
    fields = ("node", "name", "kind", "parent", "params", "condition", "options", "bodies", "successors", "edge_on")
    return place_nodes(list(PlanNode.objects.filter(version=version_id).order_by("node").values(*fields)))


def _begin(
    actor: User, source: Execution, past: Past, facts: Facts, wanted: Wanted, redo: Redo, numbers: ledger.Numbers | None
) -> Execution:
    require_runnable(facts.version)
    require_room(organization_id=source.organization_id, quota=Quota.CONCURRENT_EXECUTIONS)
    given = source.input if wanted.input is None else checked_input(wanted.input)
    made = new_execution(actor, facts, given, wanted.correlation_id or uuid4(), None, source.priority)
    # By its id: the run it was started for may be hidden from the actor.
    made.parent_execution_id = source.parent_execution_id
    made.rerun_of, made.rerun_mode, made.rerun_step = source, wanted.mode, wanted.step
    made.save(force_insert=True)
    variables = {**initial_variables(made, facts), **_set_before(source, past, redo)}
    Variable.objects.bulk_create(
        Variable(organization_id=made.organization_id, execution=made, scope=GLOBAL_SCOPE, name=name, value=value)
        for name, value in variables.items()
    )
    told = {"of": str(source.pk), "mode": wanted.mode, "step": wanted.step, "again": len(redo.again)}
    released = ledger.fork(made.pk, source.pk, redo, numbers, told)
    leave_trace(
        "execution.rerun",
        actor=actor,
        organization=source.organization,
        target=made,
        after=told,
        correlation_id=made.correlation_id,
    )
    dispatch.send_after_commit(released)
    return made


def _set_before(source: Execution, past: Past, redo: Redo) -> dict[str, Any]:
    """Variables of the run as the steps that are kept have left them: the last one that set it counts."""
    kept = [
        seq
        for seq, how in redo.how.items()
        if how in (How.KEEP, How.LATER)
        and past.tasks[seq].kind == "set_variable"
        and past.tasks[seq].status == "completed"
    ]
    found: dict[str, Any] = {}
    if kept:
        own = source.tasks.filter(seq__in=kept, kind="set_variable", output__isnull=False)
        for output in own.order_by("completed_at", "id").values_list("output", flat=True):
            if isinstance(output, Mapping) and output.get("scope") in ("global", "session"):
                found |= output.get("variables") or {}
    return found


def _problem(field: str, code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message, "pointer": f"/{field}"}
