"""What a step kind gives to the engine and gets from it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from apps.melodies.definition import kinds
from apps.melodies.definition.expressions import Scope


class StepFailed(Exception):
    """The step cannot give a result: `code` for machines, the message for people.

    `transient` says that the same attempt may well succeed later (a rate limit, an overloaded service): it is tried again
    a few times even if the step has no `retry` of its own, never before `retry_after` seconds have passed. `final` says
    that no other attempt can succeed: it is not tried again even if the step has a `retry`.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "step_failed",
        details: Mapping[str, Any] | None = None,
        transient: bool = False,
        final: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.details = dict(details or {})
        self.transient = transient
        self.final = final
        self.retry_after = retry_after


class TimedOut(Exception):
    """The step has taken longer than it may."""


class WaitForLimit(Exception):
    """A pool has no room: the step waits as a row until `due_at` and begins anew, and no attempt counts as failed."""

    def __init__(self, pool: str, reason: str, due_at: datetime) -> None:
        super().__init__(f"The pool {pool} has no room: {reason}.")
        self.pool, self.reason, self.due_at = pool, reason, due_at


class StepCancelled(Exception):
    """The execution was cancelled, or another worker holds this task by now; the outcome is not recorded."""


@dataclass(frozen=True, slots=True)
class ProducedFile:
    """Bytes a step wants kept as an artifact."""

    name: str
    data: bytes
    content_type: str
    artifact_type: str


@dataclass(frozen=True, slots=True)
class Workflow:
    """What a step may know of the document it stands in: its fields without the steps, and whose it is.

    `organization_id`, `melody_id` and `project_id` are "" where there is none (a step run outside the engine).
    """

    name: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    organization_id: str = ""
    melody_id: str = ""
    project_id: str = ""
    version_id: str = ""

    def section(self, name: str) -> Mapping[str, Any]:
        """A mapping of the document (`safety`, `resource_limits`, `environment`, `defaults`), empty when absent."""
        value = self.fields.get(name)
        return value if isinstance(value, Mapping) else {}


@dataclass(frozen=True, slots=True)
class MelodyRef:
    """A published version that a nested `pipeline` step may run: `size` counts the plan nodes of its own body."""

    version_id: str
    melody_id: str
    name: str
    size: int


class Engine(Protocol):
    """What a running step may ask of the engine around it. All of it acts for the step's own organization."""

    def progress(self, event_type: str, payload: Mapping[str, Any]) -> None:
        """Record an event now, while the step runs (others are recorded with its outcome)."""

    def heartbeat(self) -> None:
        """A sign of life, for the step's heartbeat timeout; costs nothing. `progress` is one as well."""

    def secret(self, name: str) -> str | None:
        """A secret of the project, else of the organization; None when there is none. Never record or return it."""

    def melody_at(self, path: str, version: int | None) -> MelodyRef | None:
        """The melody stored under this path; its latest version unless one is named."""

    def melody_named(self, name: str, version: int | None) -> MelodyRef | None:
        """The melody of this name or id."""

    def release_database(self, seconds: float = inf) -> None:
        """Give the database connection back before waiting so long for somebody else; it is taken again when needed. For a
        moment it is kept, unless others wait for one."""

    def session(self, name: str, *, persistent: bool) -> dict[str, Any] | None:
        """The record of a conversation: of this run, or (persistent) of this melody over all runs."""

    def save_session(self, name: str, record: Mapping[str, Any], *, persistent: bool) -> None:
        """Store the record of a conversation (JSON)."""

    def remember(self, variables: Mapping[str, Any]) -> None:
        """Keep variables for later runs of the melody, beside those that are kept already."""

    def started_tasks(self, kind: str) -> int:
        """How many tasks of a kind this run has begun, the one asking included."""

    def earlier_frames(self) -> Sequence[FrameOutcome]:
        """In `collect`: the frames of the rounds before the one at hand, in index order."""

    def variables(self) -> Mapping[str, Any]:
        """Every variable visible to the step, also those it does not name."""

    def tell(self, signal: str, payload: Any, execution_id: str | None) -> bool:
        """Tell a run of the same organization (by default this one) a signal; False when it is over or not there."""


@dataclass(slots=True)
class StepContext:
    """One attempt at one task, as its kind sees it.

    `scope` gives templates and expressions their values. `workspace` is the execution's own folder (exists; nothing
    outside may be touched). Set `cancelled` means: stop soon.
    """

    name: str
    execution_id: str
    task_id: str
    attempt: int
    scope: Scope
    workspace: Path
    readable_roots: tuple[Path, ...] = ()
    cancelled: threading.Event = field(default_factory=threading.Event)
    deadline: float | None = None
    """When the step's timeout, or all of its time, ends, on the monotonic clock."""
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    files: list[ProducedFile] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    variable_scope: Literal["global", "loop"] = "global"
    workflow: Workflow = field(default_factory=Workflow)
    written: Mapping[str, Any] = field(default_factory=dict)
    """The step's own fields before templates were filled in: tells what its author wrote from what came in by values."""
    engine: Engine | None = None
    """None only where no engine is around (unit tests of kinds that do not need one)."""
    carry: Any = None
    """What an earlier attempt of this step, or its waiting, left for this one (`Again`, `WaitFor`)."""
    earlier_frames: int = 0
    """In `collect`: how many frames ended in earlier rounds."""
    open_frames: int = 0
    """In `collect` of a watched round: how many of its frames have not ended. 0: `collect` must come to a result now."""
    ending: bool = False
    """In `collect`: somebody ended the step early (`Finish.complete`). What it then answers is its result if it is one;
    else the engine makes one of what there is."""
    ancestors: tuple[str, ...] = ()
    """Melody ids of the documents this step is nested in, outermost first, its own last."""
    depth: int = 0
    """How many nested melodies are around this step; 0 in the document itself."""
    retries: int = 0
    """How many attempts have failed before this one."""
    total_tasks: int = 0
    """How many tasks the run has so far, those of nested melodies and iterations included."""

    def emit(self, event_type: str, payload: dict[str, Any]) -> None:
        """Record an event with the outcome of this attempt."""
        self.events.append((event_type, payload))

    def keep(self, name: str, data: bytes, *, content_type: str, artifact_type: str) -> None:
        """Keep bytes as an artifact of this step."""
        self.files.append(ProducedFile(name, data, content_type, artifact_type))

    def heartbeat(self) -> None:
        """A sign of life of a step that takes long, for its `heartbeat_timeout_seconds`."""
        if self.engine is not None:
            self.engine.heartbeat()

    def release_database(self, seconds: float) -> None:
        """Others may need the database connection while this step is busy with something else."""
        if self.engine is not None:
            self.engine.release_database(seconds)

    def sleep(self, seconds: float) -> None:
        """Hold the slot, but give it back at once when the task is cancelled, or when its timeout ends."""
        left = seconds if self.deadline is None else min(seconds, self.deadline - monotonic())
        self.release_database(left)
        if self.cancelled.wait(left):
            raise StepCancelled(self.name)
        if left < seconds:
            raise TimedOut(self.name)


@dataclass(frozen=True, slots=True)
class FrameSpec:
    """One instance of a body to run: `body` is the index into the step's bodies; `item` its loop data (any JSON).

    `loop` is what `loop.…` means inside: it holds the item under the iterator's name, index, total, length, first, last,
    is_first, is_last, level and parent.
    """

    body: int
    loop: Mapping[str, Any] | None = None
    isolated: bool = False
    """A namespace of its own (a nested melody): inside, no outer result, variable or loop is visible."""
    inputs: Mapping[str, Any] | None = None
    """Of an isolated frame: what `inputs.…` means inside."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """Of an isolated frame: the variables it starts with."""
    melody: MelodyRef | None = None
    """Run the steps of this published version instead of a body of the step; always isolated."""


@dataclass(frozen=True, slots=True)
class Expand:
    """The step goes on as child tasks. At most `limit` frames run at once; `stop_on_failure` holds back the rest after
    a frame failed. When the last frame has ended, the kind's `collect` is called with the frames of this round; it makes
    the result, or answers `Expand` once more (a further round: the next pass of a while_loop).

    With `watch`, `collect` is called after every frame that ends, with those of the round that have ended so far. It then
    answers a result (what still runs is cancelled), or `KEEP_WAITING`.
    """

    frames: Sequence[FrameSpec]
    limit: int = 1
    stop_on_failure: bool = True
    watch: bool = False


class KeepWaiting:
    """`collect` has not seen enough yet."""


KEEP_WAITING = KeepWaiting()


@dataclass(frozen=True, slots=True)
class WaitFor:
    """The step is a row until somebody decides (`approval`), something is told (`signal`), or `due_at` passes.

    Then the kind's `resume` is called with what happened: for a signal `{"payload": …}`, for an approval `{"decisions":
    [{"user", "role", "decision", "comment", "at"}]}`, or `{"timed_out": true}` beside them. `details` is JSON that is
    shown to whoever decides, and comes back as `step.carry`. `name` is the signal's name, or a heading for the approval.
    An approval also needs `role` (owner, admin or member: those of at least this role may decide) and `quorum`;
    the first rejection ends it.
    """

    reason: Literal["approval", "signal"]
    name: str
    due_at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    role: str = "member"
    quorum: int = 1
    buffered: bool = True
    """A signal that was told before the step waited counts as well."""


@dataclass(frozen=True, slots=True)
class Again:
    """Run the step once more after `delay` seconds, as a further attempt; `carry` (JSON) is its `step.carry` then."""

    delay: float
    carry: Any
    error: Mapping[str, Any]
    """Why: `{"code", "message"}`, recorded as an event."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The step is done with `result`, and with it something else: `cancel` names steps of the same list of steps whose
    tasks are cancelled if they have not ended; `complete` names composite ones to be ended early with what they have;
    `run` ends the whole run (or the nested melody) with that status."""

    result: Any
    cancel: Sequence[str] = ()
    complete: Sequence[str] = ()
    run: Literal["completed", "failed", "cancelled"] | None = None


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """The step is done at this moment; until then it is a row, not a worker. `result` is its result then."""

    due_at: datetime
    result: Any


@dataclass(frozen=True, slots=True)
class FrameOutcome:
    """How one frame ended. `results` maps the step names of the body to their results (None for skipped ones).

    `error` is the first failed step's `{"step", "code", "message"}`, or None. `status` is completed, failed or
    cancelled (held back, or its loop was stopped before it began).
    """

    index: int
    body: int
    label: str
    status: str
    loop: Mapping[str, Any] | None
    results: Mapping[str, Any]
    error: Mapping[str, Any] | None


class Run(Protocol):
    """Run the step: its JSON result, or how it goes on (`Expand`, `WaitUntil`, `WaitFor`, `Again`, `Finish`). Raise
    `StepFailed` when it cannot."""

    def __call__(self, params: Any, step: StepContext, /) -> Any: ...


class Collect(Protocol):
    """Make a composite step's result from its frames, in index order; or go on, as `run` may."""

    def __call__(self, params: Any, step: StepContext, frames: Sequence[FrameOutcome], /) -> Any: ...


class Resume(Protocol):
    """What becomes of a step whose waiting (`WaitFor`) is over; `happened` says how. Answers what `run` may answer."""

    def __call__(self, params: Any, step: StepContext, happened: Mapping[str, Any], /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Runnable:
    """A registered kind with the code that runs it."""

    kind: kinds.StepKind
    run: Run
    collect: Collect | None = None
    resume: Resume | None = None


_RUNNABLE: dict[str, Runnable] = {}


def step_kind(
    kind: kinds.StepKind, *, collect: Collect | None = None, resume: Resume | None = None
) -> Callable[[Run], Run]:
    """Register a kind together with its `run` function (a decorator)."""

    def decorate(run: Run) -> Run:
        kinds.register(kind)
        _RUNNABLE[kind.name] = Runnable(kind, run, collect, resume)
        return run

    return decorate


def runnable(name: str) -> Runnable:
    """The code of a kind. A kind that was validated is always found."""
    return _RUNNABLE[name]


__all__ = [
    "KEEP_WAITING",
    "Again",
    "BaseModel",
    "Collect",
    "Engine",
    "Expand",
    "Finish",
    "FrameOutcome",
    "FrameSpec",
    "KeepWaiting",
    "MelodyRef",
    "ProducedFile",
    "Resume",
    "Run",
    "Runnable",
    "StepCancelled",
    "StepContext",
    "StepFailed",
    "TimedOut",
    "WaitFor",
    "WaitUntil",
    "Workflow",
    "runnable",
    "step_kind",
]
