"""One attempt at one task: condition, parameters, the step itself, and what is to be recorded of it."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping, Sequence
from resource import RUSAGE_SELF, getrusage
from time import monotonic, thread_time
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from apps.core import metrics
from apps.executions import ledger
from apps.executions.states import COMPENSATION_KIND, Phase
from apps.melodies.definition.expressions import ExpressionError, compile_condition
from apps.melodies.definition.kinds import StepKind
from workers import caching, deadlines, documents, scopes, workspaces
from workers.contract import (
    Again,
    Collect,
    Expand,
    FrameOutcome,
    KeepWaiting,
    Runnable,
    StepCancelled,
    StepContext,
    StepFailed,
    TimedOut,
    WaitFor,
    WaitForLimit,
    WaitUntil,
    Workflow,
    runnable,
)
from workers.engine import TaskEngine, frames_of
from workers.failing import Failure, after_failure, handled
from workers.insisting import insist
from workers.interpreting import Answer, completed, interpret, skipped
from workers.outcomes import Claimed, Compensation, Effort, Outcome, Result, Waiting
from workers.pit import tracker
from workers.steps.rendering import prepare, render_fields

logger = logging.getLogger(__name__)

_MAXRSS_PER_KB = 1024 if sys.platform == "darwin" else 1
"""macOS counts bytes, Linux kilobytes."""


class Abandoned(Exception):
    """The attempt was cancelled; there is nothing to record."""


def run(claimed: Claimed, cancelled: threading.Event) -> Result:
    """Run a claimed task. Whatever the step does wrong is recorded as an error; only cancellation raises."""
    if cancelled.is_set():
        raise Abandoned
    began, since = thread_time(), monotonic()
    waited = claimed.get("waited")
    if waited is not None:
        metrics.observe(metrics.DISPATCH_SECONDS, waited, claimed["queue"])
    result = _recorded(claimed, cancelled)
    metrics.observe(metrics.STEP_SECONDS, monotonic() - since, claimed["kind"])
    metrics.count(metrics.STEPS, claimed["kind"], result.status if isinstance(result, Outcome) else "waiting")
    if isinstance(result, Outcome):
        result.effort = Effort(
            round((thread_time() - began) * 1000), getrusage(RUSAGE_SELF).ru_maxrss // _MAXRSS_PER_KB
        )
    return result


def _recorded(claimed: Claimed, cancelled: threading.Event) -> Result:
    told: list[tuple[str, dict[str, Any]]] = []
    try:
        return _run(claimed, cancelled, told)
    except StepCancelled as stop:
        raise Abandoned from stop
    except TimedOut:
        failure = deadlines.overdue(claimed)
    except WaitForLimit as full:
        return Waiting(claimed, "limit", full.due_at, key=full.pool, carry=claimed.get("carry"), events=told)
    except StepFailed as error:
        failure = Failure.of(error)
    except ExpressionError as error:
        failure = Failure("expression_error", error.message, {"expression": error.text[:500]}, final=True)
    except (InterfaceError, OperationalError) as error:
        # The step has done nothing wrong: its lease ends, and it begins once more where it was.
        logger.warning("step %s of execution %s lost the database: %s", claimed["name"], claimed["execution"], error)
        connection.close_if_unusable_or_obsolete()
        raise Abandoned from error
    except MemoryError:
        failure = Failure("out_of_memory", "The step needed more memory than the worker has.")
    except Exception as error:
        logger.exception("step %s of execution %s broke", claimed["name"], claimed["execution"])
        failure = Failure("internal_error", f"The step broke with {type(error).__name__}; see the log.")
    return after_failure(claimed, failure, told)


def _run(claimed: Claimed, cancelled: threading.Event, told: list[tuple[str, dict[str, Any]]]) -> Result:
    phase = claimed["phase"]
    if phase == Phase.TIMED_OUT:
        raise TimedOut(claimed["name"])
    if phase == Phase.HANDLED:
        return handled(claimed, frames_of(claimed))
    workflow = documents.workflow_of(claimed["organization"], claimed["version"], claimed["root"])
    context = _context(claimed, workflow, cancelled)
    context.events = told
    if claimed["kind"] == COMPENSATION_KIND:
        return Compensation(claimed) if phase == Phase.RUN else completed(claimed, context, _undone(claimed))
    condition = claimed["condition"] if phase == Phase.RUN else None
    if condition is not None and not compile_condition(condition).holds(context.scope):
        return skipped(claimed)
    _withdraw_rest(claimed)
    return _step(runnable(claimed["kind"]), claimed, context)


def _step(chosen: Runnable, claimed: Claimed, context: StepContext) -> Result:
    fields = _with_bodies(chosen.kind, claimed["params"], claimed["bodies"])
    params = prepare(chosen.kind, fields, context.scope)
    key = None
    if "cache" in claimed["options"]:
        key = caching.key_of(chosen, claimed, render_fields(chosen.kind, fields, context.scope), params, context)
        if key and claimed["phase"] == Phase.RUN and (found := caching.find(claimed, key)) is not None:
            context.emit("cache_hit", {"name": context.name, "task": found[1]})
            return completed(claimed, context, found[0])
    answer = Answer(claimed, context, params, chosen, key)
    if claimed["phase"] == Phase.RUN:
        return interpret(answer, deadlines.in_time(context, chosen.run(params, context)))
    happened = (claimed.get("carry") or {}).get("happened")
    if happened is not None and chosen.resume is not None:
        return interpret(answer, deadlines.in_time(context, chosen.resume(params, context, happened)))
    if chosen.collect is None:
        raise StepFailed(f"Steps of kind {claimed['kind']} cannot collect.", code="internal_error")
    frames = frames_of(claimed)
    context.open_frames = claimed.get("open", 0)
    return interpret(answer, _collected(chosen.collect, params, context, frames), seen=len(frames))


def _collected(collect: Collect, params: Any, context: StepContext, frames: Sequence[FrameOutcome]) -> Any:
    """What the kind makes of its frames. One that was ended early does not go on, and what was cut off is no failure."""
    if not context.ending:
        return collect(params, context, frames)
    try:
        answer = collect(params, context, frames)
    except StepFailed:
        if any(frame.status == "failed" for frame in frames):
            raise
        answer = None
    if answer is not None and not isinstance(answer, Expand | KeepWaiting | WaitUntil | WaitFor | Again):
        return answer
    earlier = context.engine.earlier_frames() if context.engine is not None and context.earlier_frames else ()
    completed = [frame for frame in (*earlier, *frames) if frame.status == "completed"]
    results = dict(completed[-1].results) if completed else {}
    return {"success": True, "ended_early": True, "iterations": len(completed), "results": results}


def _context(claimed: Claimed, workflow: Workflow, cancelled: threading.Event) -> StepContext:
    carry: Any = claimed.get("carry")
    ending = False
    if claimed["phase"] == Phase.RESUME and isinstance(carry, Mapping):
        carry, ending = carry.get("details"), carry.get("ending") is True
    return StepContext(
        name=claimed["name"],
        execution_id=claimed["execution"],
        task_id=claimed["task"],
        attempt=claimed["attempt"],
        scope=scopes.build(claimed, workflow),
        workspace=workspaces.of(claimed["execution"], claimed.get("rerun_of")),
        readable_roots=workspaces.readable_roots(),
        cancelled=cancelled,
        deadline=deadlines.deadline_of(claimed),
        workflow=workflow,
        written=claimed["params"],
        engine=TaskEngine(claimed, workflow),
        carry=carry,
        ending=ending,
        earlier_frames=claimed.get("earlier", 0),
        ancestors=tuple(claimed.get("ancestors") or (claimed["melody"],)),
        depth=claimed.get("depth") or 0,
        retries=claimed.get("retries", 0),
        total_tasks=claimed["tasks"],
    )


def _with_bodies(kind: StepKind, params: Mapping[str, Any], bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The step's fields, and those that hold steps: which bodies there are, not what is in them."""
    whole = dict(params)
    for body_field in kind.bodies:
        labels = [body["label"] for body in bodies if body["field"] == body_field.name]
        if body_field.shape == "map":
            whole[body_field.name] = {label: [] for label in labels}
        elif labels and body_field.shape == "list":
            whole[body_field.name] = []
    return whole


def _withdraw_rest(claimed: Claimed) -> None:
    """A join that started early and wants no more of its other predecessors."""
    rest = claimed["options"].get("withdraw")
    if rest and claimed["phase"] == Phase.RUN:
        tasks = [claimed["shift"] + node for node in rest]
        tracker.release(insist(lambda: ledger.withdraw_rest(claimed, tasks)), at_once=False)


def _undone(claimed: Claimed) -> dict[str, Any]:
    """The result of a compensation: which steps were undone, in the order of undoing."""
    frames = frames_of(claimed)
    return {
        "success": all(frame.status == "completed" for frame in frames),
        "compensated": [
            {"step": frame.label, "status": frame.status, "results": dict(frame.results)}
            | ({"error": dict(frame.error)} if frame.error else {})
            for frame in frames
        ],
    }
