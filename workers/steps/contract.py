"""What a step kind gives to the engine and gets from it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from apps.melodies.definition import kinds
from apps.melodies.definition.expressions import Scope


class StepFailed(Exception):
    """The step cannot give a result: `code` for machines, the message for people."""

    def __init__(self, message: str, *, code: str = "step_failed", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.details = dict(details or {})


class TimedOut(Exception):
    """The step has taken longer than its `timeout_seconds`."""


class StepCancelled(Exception):
    """The execution was cancelled, or another worker holds this task by now; the outcome is not recorded."""


@dataclass(frozen=True, slots=True)
class ProducedFile:
    """Bytes a step wants kept as an artifact."""

    name: str
    data: bytes
    content_type: str
    artifact_type: str


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
    """When the step's timeout ends, on the monotonic clock."""
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    files: list[ProducedFile] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    variable_scope: Literal["global", "loop"] = "global"

    def emit(self, event_type: str, payload: dict[str, Any]) -> None:
        """Record an event with the outcome of this attempt."""
        self.events.append((event_type, payload))

    def keep(self, name: str, data: bytes, *, content_type: str, artifact_type: str) -> None:
        """Keep bytes as an artifact of this step."""
        self.files.append(ProducedFile(name, data, content_type, artifact_type))

    def sleep(self, seconds: float) -> None:
        """Hold the slot, but give it back at once when the task is cancelled, or when its timeout ends."""
        left = seconds if self.deadline is None else min(seconds, self.deadline - monotonic())
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


@dataclass(frozen=True, slots=True)
class Expand:
    """The step goes on as child tasks. At most `limit` frames run at once; `stop_on_failure` holds back the rest after
    a frame failed. When the last frame has ended, the kind's `collect` makes the result."""

    frames: Sequence[FrameSpec]
    limit: int = 1
    stop_on_failure: bool = True


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
    """Run the step: its JSON result, or how it goes on without a worker. Raise `StepFailed` when it cannot."""

    def __call__(self, params: Any, step: StepContext, /) -> Any | Expand | WaitUntil: ...


class Collect(Protocol):
    """Make a composite step's result from its frames, in index order."""

    def __call__(self, params: Any, step: StepContext, frames: Sequence[FrameOutcome], /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Runnable:
    """A registered kind with the code that runs it."""

    kind: kinds.StepKind
    run: Run
    collect: Collect | None = None


_RUNNABLE: dict[str, Runnable] = {}


def step_kind(kind: kinds.StepKind, *, collect: Collect | None = None) -> Callable[[Run], Run]:
    """Register a kind together with its `run` function (a decorator)."""

    def decorate(run: Run) -> Run:
        kinds.register(kind)
        _RUNNABLE[kind.name] = Runnable(kind, run, collect)
        return run

    return decorate


def runnable(name: str) -> Runnable:
    """The code of a kind. A kind that was validated is always found."""
    return _RUNNABLE[name]


__all__ = [
    "BaseModel",
    "Collect",
    "Expand",
    "FrameOutcome",
    "FrameSpec",
    "ProducedFile",
    "Run",
    "Runnable",
    "StepCancelled",
    "StepContext",
    "StepFailed",
    "TimedOut",
    "WaitUntil",
    "runnable",
    "step_kind",
]
