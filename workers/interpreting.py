"""What a step kind's answer means for its task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from apps.executions.states import Phase
from apps.melodies.definition.expressions import compile_template, expand_environment
from workers import caching, documents
from workers.conforming import check_result
from workers.contract import (
    Again,
    Expand,
    Finish,
    FrameOutcome,
    FrameSpec,
    KeepWaiting,
    Runnable,
    StepContext,
    StepFailed,
    WaitFor,
    WaitUntil,
)
from workers.failing import for_good
from workers.outcomes import Claimed, Expansion, Outcome, Result, Waiting, Watching, error_of
from workers.pit import store
from workers.scopes import exposed_environment
from workers.steps.files.storing import store as store_file
from workers.storable import storable

MAX_ROW_BYTES = 64_000
"""Results up to this size live in the task's row, larger ones in the blob store."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An attempt that has come back; `key` is where its result is cached."""

    claimed: Claimed
    context: StepContext
    params: Any
    chosen: Runnable
    key: str | None


def interpret(answer: Answer, result: Any, *, seen: int = 0) -> Result:
    """What to record. `seen` is how many frames the step's `collect` was shown."""
    claimed, context = answer.claimed, answer.context
    if isinstance(result, Expand):
        return _expand(answer, result)
    if isinstance(result, KeepWaiting):
        if not context.open_frames:
            told = f"Step {context.name!r} waits for more although everything in it has ended."
            raise StepFailed(told, code="internal_error")
        return Watching(claimed, seen, _due(context, None)[0])
    if isinstance(result, WaitUntil):
        return Waiting(claimed, "timer", result.due_at, output=storable(result.result), events=_events(context))
    if isinstance(result, WaitFor):
        return _wait_for(claimed, context, result)
    if isinstance(result, Again):
        due = datetime.now(UTC) + timedelta(seconds=max(0.0, result.delay))
        error = error_of(str(result.error.get("code")), str(result.error.get("message")), {})
        return Waiting(claimed, "retry", due, carry=storable(result.carry), error=error, events=_events(context))
    outcome = _finish(claimed, context, result) if isinstance(result, Finish) else completed(claimed, context, result)
    if isinstance(outcome, Outcome):
        outcome.below = context.open_frames > 0
        if answer.key is not None and outcome.status == "completed":
            caching.keep(outcome, answer.key)
    return outcome


def completed(claimed: Claimed, context: StepContext, result: Any) -> Outcome:
    output = storable(result)
    if "output_schema" in claimed["options"]:
        check_result(claimed["options"]["output_schema"], output)
    if "output_to_file" in claimed["options"]:
        _write_output(claimed, context, output)
    text = json.dumps(output)
    _check_size(context, len(text))
    outcome = Outcome(claimed, "completed", output)
    outcome.events.extend(_events(context))
    outcome.artifacts.extend(store.keep(claimed, context.files))
    outcome.events.extend(("artifact_produced", _told(artifact)) for artifact in outcome.artifacts)
    if len(text) > MAX_ROW_BYTES:
        kept = store.keep_result(claimed, text.encode())
        outcome.output, outcome.ref = None, kept["sha256"]
        outcome.artifacts.append(kept)
    outcome.events.append(("task_completed", {"name": claimed["name"], "kind": claimed["kind"]}))
    outcome.variables = {name: storable(value) for name, value in context.variables.items()}
    outcome.scope = claimed.get("frame") if context.variable_scope == "loop" else claimed.get("home")
    return outcome


def skipped(claimed: Claimed) -> Outcome:
    condition = claimed["condition"]
    short = (condition if isinstance(condition, str) else json.dumps(condition))[:200]
    output = {"success": True, "skipped": True, "reason": f"Condition not met: {short}"}
    events: list[tuple[str, Mapping[str, Any]]] = [("task_skipped", {"name": claimed["name"], "reason": "condition"})]
    return Outcome(claimed, "skipped", output, events=events)


def _events(context: StepContext) -> list[tuple[str, Mapping[str, Any]]]:
    return [(kind, storable(payload)) for kind, payload in context.events]


def _expand(answer: Answer, result: Expand) -> Result:
    """Frames with nothing in them are over at once: a step that watches is shown them, and with no other frame there is
    nothing to wait for."""
    claimed, context = answer.claimed, answer.context
    bodies = claimed["bodies"]
    filled = [frame for frame in result.frames if frame.melody or bodies[frame.body]["size"]]
    if not filled or (result.watch and len(filled) < len(result.frames)):
        ended = _collect_empty(answer, result.frames, len(filled))
        if not (filled and isinstance(ended, KeepWaiting)):
            return interpret(answer, ended)
    frames = [_frame(claimed, frame) for frame in filled]
    due, _ = _due(context, None)
    return Expansion(
        claimed,
        frames,
        max(1, result.limit),
        result.stop_on_failure,
        watch=result.watch,
        due_at=due,
        events=_events(context),
    )


def _collect_empty(answer: Answer, frames: Sequence[FrameSpec], others: int) -> Any:
    """What the kind makes of the frames that have nothing in them."""
    claimed, context, collect = answer.claimed, answer.context, answer.chosen.collect
    if collect is None:
        raise StepFailed(f"Steps of kind {claimed['kind']} cannot collect.", code="internal_error")
    bodies = claimed["bodies"]
    outcomes = [
        FrameOutcome(index, frame.body, bodies[frame.body]["label"], "completed", frame.loop, {}, None)
        for index, frame in enumerate(frames)
        if not (frame.melody or bodies[frame.body]["size"])
    ]
    context.open_frames = others
    try:
        return collect(answer.params, context, outcomes)
    finally:
        context.open_frames = 0


def _frame(claimed: Claimed, frame: FrameSpec) -> dict[str, Any]:
    """A frame as ledger_expand reads it. Unless it says otherwise, its loop is the one around the step."""
    if not frame.isolated and frame.melody is None:
        return {"body": frame.body, "loop": storable(frame.loop if frame.loop is not None else claimed.get("loop"))}
    row: dict[str, Any] = {"body": frame.body, "loop": None, "isolated": True, "inputs": storable(frame.inputs or {})}
    variables = dict(frame.variables)
    if frame.melody is not None:
        variables |= _own_variables(claimed, frame.melody.version_id, given=frame.inputs or {})
    if variables:
        row["variables"] = storable(variables)
    if frame.melody is not None:
        row |= {"version": frame.melody.version_id, "size": frame.melody.size, "melody": frame.melody.melody_id}
    return row


def _own_variables(claimed: Claimed, version_id: str, *, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a stored melody starts with: the variables of the run's project, and over them its own."""
    organization = claimed["organization"]
    fields = documents.workflow_of(organization, version_id, version_id).fields
    written = {**(fields.get("global_vars") or {}), **(fields.get("variables") or {})}
    project = documents.project_variables(
        organization, documents.workflow_of(organization, claimed["root"], claimed["root"]).project_id
    )
    beneath = {name: value for name, value in project.items() if name not in given}
    return {**beneath, **expand_environment(written, exposed_environment())}


def _due(context: StepContext, own: datetime | None) -> tuple[datetime | None, bool]:
    """When a waiting step is looked at again, and whether that is because its timeout has passed then."""
    if context.deadline is None:
        return own, False
    end = datetime.now(UTC) + timedelta(seconds=context.deadline - monotonic())
    return (end, True) if own is None or end < own else (own, False)


def _wait_for(claimed: Claimed, context: StepContext, result: WaitFor) -> Waiting:
    due, timed_out = _due(context, result.due_at)
    carry = {"details": storable(result.details), "role": result.role, "quorum": result.quorum}
    if not result.buffered:
        carry["buffered"] = False
    if timed_out:
        carry["on_due"] = Phase.TIMED_OUT.value
    return Waiting(claimed, result.reason, due, key=result.name, carry=carry, events=_events(context))


def _finish(claimed: Claimed, context: StepContext, result: Finish) -> Result:
    named = claimed["options"].get("named", {})
    unknown = [name for name in (*result.cancel, *result.complete) if name not in named]
    if unknown:
        raise StepFailed(f"There is no step {unknown[0]!r} beside {context.name!r}.", code="unknown_step")
    message = result.result.get("message") if isinstance(result.result, Mapping) else None
    if result.run == "failed":
        ended = for_good(claimed, error_of("ended", str(message or "The run was ended as failed."), {}))
        if isinstance(ended, Outcome):
            ended.run = "failed"
        return ended
    outcome = completed(claimed, context, result.result)
    outcome.cancel = [claimed["shift"] + named[name] for name in result.cancel]
    outcome.complete = [claimed["shift"] + named[name] for name in result.complete]
    outcome.run = result.run
    outcome.message = str(message or "")
    return outcome


def _check_size(context: StepContext, size: int) -> None:
    most = context.workflow.section("resource_limits").get("max_output_size_mb")
    if isinstance(most, int | float) and size > most * 1_000_000:
        raise StepFailed(
            f"The result has {size / 1_000_000:.1f} MB; resource_limits.max_output_size_mb allows {most:g}.",
            code="output_too_large",
        )


def _told(artifact: Mapping[str, Any]) -> dict[str, Any]:
    return {key: artifact[key] for key in ("id", "name", "artifact_type", "content_type", "sha256", "size")}


def _write_output(claimed: Claimed, context: StepContext, output: Any) -> None:
    """`output_to_file`: strings as they are, everything else as JSON, in the workspace and as an artifact."""
    name = str(compile_template(claimed["options"]["output_to_file"]).render(context.scope))
    folder = claimed["options"].get("output_dir")
    store_file(context, f"{folder}/{name}" if folder else name, output)


__all__ = ["Answer", "completed", "interpret", "skipped"]
