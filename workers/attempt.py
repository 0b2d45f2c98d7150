"""One attempt at one task: condition, parameters, the step itself, and what is to be recorded of it."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from apps.executions import ledger
from apps.melodies.definition.expressions import ExpressionError, compile_condition, compile_template
from apps.melodies.definition.kinds import StepKind
from workers import scopes, workspaces
from workers.pit import store
from workers.steps.contract import (
    Expand,
    FrameOutcome,
    StepCancelled,
    StepContext,
    StepFailed,
    TimedOut,
    WaitUntil,
    runnable,
)
from workers.steps.files.content import artifact_type, as_bytes, content_type
from workers.steps.files.jail import Jail, parts_of
from workers.steps.rendering import prepare

logger = logging.getLogger(__name__)

MAX_ROW_BYTES = 64_000
"""Results up to this size live in the task's row, larger ones in the blob store."""


_UNSTORABLE = re.compile(r"[\ud800-\udfff]|(?<!\\)(?:\\\\)*\\u0000")
"""In JSON text: half a surrogate pair, or an escaped NUL (but not a backslash followed by the letters u0000)."""


class Abandoned(Exception):
    """The attempt was cancelled; there is nothing to record."""


@dataclass(slots=True)
class Outcome:
    """How an attempt ended."""

    claimed: Mapping[str, Any]
    status: str
    output: Any = None
    ref: str | None = None
    error: Mapping[str, Any] | None = None
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    variables: Mapping[str, Any] = field(default_factory=dict)
    scope: str | None = None

    def as_row(self) -> dict[str, Any]:
        """The outcome as ledger_finish reads it."""
        row: dict[str, Any] = {
            "task": self.claimed["task"],
            "attempt": self.claimed["attempt"],
            "lease": self.claimed["lease"],
            "status": self.status,
            "output": self.output,
            "ref": self.ref,
            "error": self.error,
            "events": self.events,
        }
        if self.artifacts:
            row["artifacts"] = self.artifacts
        if self.variables:
            row["variables"] = dict(self.variables)
            row["scope"] = self.scope
        return row


@dataclass(frozen=True, slots=True)
class Expansion:
    """The task goes on as frames; `frames` as ledger_expand reads them."""

    claimed: Mapping[str, Any]
    frames: Sequence[Mapping[str, Any]]
    limit: int
    stop_on_failure: bool


@dataclass(frozen=True, slots=True)
class Timer:
    """The task waits as a row."""

    claimed: Mapping[str, Any]
    due_at: datetime
    output: Any


def run(claimed: Mapping[str, Any], cancelled: threading.Event) -> Outcome | Expansion | Timer:
    """Run a claimed task. Whatever the step does wrong is an `Outcome` with an error; only cancellation raises."""
    try:
        return _run(claimed, cancelled)
    except StepCancelled as stop:
        raise Abandoned from stop
    except TimedOut:
        seconds = claimed["options"]["timeout_seconds"]
        return _failed(claimed, "timeout", f"The step took longer than its timeout of {seconds:g} s.", {})
    except StepFailed as failure:
        return _failed(claimed, failure.code, str(failure), failure.details)
    except ExpressionError as error:
        return _failed(claimed, "expression_error", error.message, {"expression": error.text[:500]})
    except MemoryError:
        return _failed(claimed, "out_of_memory", "The step needed more memory than the worker has.", {})
    except Exception as error:
        logger.exception("step %s of execution %s broke", claimed["name"], claimed["execution"])
        return _failed(claimed, "internal_error", f"The step broke with {type(error).__name__}; see the log.", {})


def _run(claimed: Mapping[str, Any], cancelled: threading.Event) -> Outcome | Expansion | Timer:
    chosen = runnable(claimed["kind"])
    scope = scopes.build(claimed)
    first = claimed["phase"] == 0
    if first and claimed["condition"] is not None and not compile_condition(claimed["condition"]).holds(scope):
        return _skipped(claimed)
    context = StepContext(
        name=claimed["name"],
        execution_id=claimed["execution"],
        task_id=claimed["task"],
        attempt=claimed["attempt"],
        scope=scope,
        workspace=workspaces.of(claimed["execution"]),
        readable_roots=workspaces.readable_roots(),
        cancelled=cancelled,
        deadline=_deadline(claimed),
    )
    params = prepare(chosen.kind, _with_bodies(chosen.kind, claimed["params"], claimed["bodies"]), scope)
    if first:
        result = _in_time(context, chosen.run(params, context))
    elif chosen.collect is not None:
        result = chosen.collect(params, context, _frames(claimed))
    else:
        raise StepFailed(f"Steps of kind {claimed['kind']} cannot collect.", code="internal_error")
    if isinstance(result, Expand):
        return _expand(chosen.collect, params, context, claimed, result)
    if isinstance(result, WaitUntil):
        return Timer(claimed, result.due_at, _jsonable(result.result))
    return _completed(claimed, context, result)


def _deadline(claimed: Mapping[str, Any]) -> float | None:
    timeout = claimed["options"].get("timeout_seconds")
    return None if timeout is None else monotonic() + timeout


def _in_time(context: StepContext, result: Any) -> Any:
    """A step that computes cannot be stopped from outside; when it comes back too late, it has timed out all the same."""
    if context.deadline is not None:
        late = isinstance(result, WaitUntil) and result.due_at > datetime.now(UTC) + timedelta(
            seconds=context.deadline - monotonic()
        )
        if late or monotonic() > context.deadline:
            raise TimedOut(context.name)
    return result


def _with_bodies(kind: StepKind, params: Mapping[str, Any], bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The step's fields, and those that hold steps: which bodies there are, not what is in them."""
    whole = dict(params)
    for body_field in kind.bodies:
        labels = [body["label"] for body in bodies if body["field"] == body_field.name]
        if body_field.shape == "map":
            whole[body_field.name] = {label: [] for label in labels}
        elif labels:
            whole[body_field.name] = []
    return whole


def _expand(
    collect: Any, params: Any, context: StepContext, claimed: Mapping[str, Any], result: Expand
) -> Outcome | Expansion:
    """Frames with nothing in them are over at once; with no other frame there is nothing to wait for."""
    sizes = [body["size"] for body in claimed["bodies"]]
    filled = [frame for frame in result.frames if sizes[frame.body]]
    if filled:
        frames = [{"body": frame.body, "loop": _jsonable(frame.loop)} for frame in filled]
        return Expansion(claimed, frames, max(1, result.limit), result.stop_on_failure)
    outcomes = [
        FrameOutcome(index, frame.body, claimed["bodies"][frame.body]["label"], "completed", frame.loop, {}, None)
        for index, frame in enumerate(result.frames)
    ]
    return _completed(claimed, context, collect(params, context, outcomes))


def _frames(claimed: Mapping[str, Any]) -> list[FrameOutcome]:
    return [
        FrameOutcome(
            index,
            body,
            label,
            status,
            loop,
            {name: store.value_of(claimed, cell) for name, cell in results.items()},
            error,
        )
        for index, body, label, status, loop, error, results in ledger.frames(claimed["organization"], claimed["task"])
    ]


def _completed(claimed: Mapping[str, Any], context: StepContext, result: Any) -> Outcome:
    output = _jsonable(result)
    if "output_to_file" in claimed["options"]:
        _write_output(claimed, context, output)
    outcome = Outcome(claimed, "completed", output)
    outcome.events.extend((kind, _jsonable(payload)) for kind, payload in context.events)
    outcome.artifacts.extend(store.keep(claimed, context.files))
    outcome.events.extend(("artifact_produced", _told(artifact)) for artifact in outcome.artifacts)
    text = json.dumps(output)
    if len(text) > MAX_ROW_BYTES:
        kept = store.keep_result(claimed, text.encode())
        outcome.output, outcome.ref = None, kept["sha256"]
        outcome.artifacts.append(kept)
    outcome.events.append(("task_completed", {"name": claimed["name"], "kind": claimed["kind"]}))
    outcome.variables = {name: _jsonable(value) for name, value in context.variables.items()}
    outcome.scope = claimed["frame"] if context.variable_scope == "loop" else None
    return outcome


def _told(artifact: Mapping[str, Any]) -> dict[str, Any]:
    return {key: artifact[key] for key in ("id", "name", "artifact_type", "content_type", "sha256", "size")}


def _write_output(claimed: Mapping[str, Any], context: StepContext, output: Any) -> None:
    """`output_to_file`: strings as they are, everything else as JSON, in the workspace and as an artifact."""
    name = str(compile_template(claimed["options"]["output_to_file"]).render(context.scope))
    data = as_bytes(output)
    parts = parts_of(name)
    with Jail(context.workspace) as jail:
        jail.write(parts, data)
    path = "/".join(parts)
    context.keep(path, data, content_type=content_type(path), artifact_type=artifact_type(path))


def _skipped(claimed: Mapping[str, Any]) -> Outcome:
    output = {"success": True, "skipped": True, "reason": f"Condition not met: {_short(claimed['condition'])}"}
    events: list[tuple[str, Mapping[str, Any]]] = [("task_skipped", {"name": claimed["name"], "reason": "condition"})]
    return Outcome(claimed, "skipped", output, events=events)


def _short(condition: Any) -> str:
    text = condition if isinstance(condition, str) else json.dumps(condition)
    return text[:200]


def _failed(claimed: Mapping[str, Any], code: str, message: str, details: Mapping[str, Any]) -> Outcome:
    message = _storable(message)
    error = {"code": code, "message": message[:10_000]} | ({"details": _jsonable(details)} if details else {})
    told = {"name": claimed["name"], "kind": claimed["kind"], "code": code, "message": message[:1000]}
    return Outcome(claimed, "failed", error=error, events=[("error_occurred", told)])


def refused(row: Mapping[str, Any], error: Exception) -> dict[str, Any]:
    """The outcome instead of one the database cannot store."""
    message = _storable(f"The result cannot be stored: {str(error).splitlines()[0]}")
    told = {"code": "result_refused", "message": message}
    kept = {key: row[key] for key in ("task", "attempt", "lease")}
    return {**kept, "status": "failed", "output": None, "error": told, "events": [["error_occurred", told]]}


def _storable(text: str) -> str:
    """Text without what PostgreSQL cannot hold: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _jsonable(value: Any) -> Any:
    """The value as JSON knows it; NUL characters, which PostgreSQL cannot store, are refused."""
    try:
        text = json.dumps(value, allow_nan=False, default=_plain, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise StepFailed(f"The result cannot be kept as JSON: {error}.", code="result_not_json") from error
    if _UNSTORABLE.search(text):
        raise StepFailed(
            "The result holds a NUL or half a surrogate pair, which cannot be stored.", code="result_not_json"
        )
    return json.loads(text)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
