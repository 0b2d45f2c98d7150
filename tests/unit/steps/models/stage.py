"""Asking models the way the engine does, with an engine that only remembers sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from apps.melodies.definition.expressions import Scope
from apps.melodies.definition.kinds import DerivedBody
from workers.contract import (
    Expand,
    FrameOutcome,
    MelodyRef,
    StepContext,
    StepFailed,
    runnable,
)
from workers.models import mock
from workers.models.request import ModelRequest
from workers.steps.models.asking import Ask, Asked
from workers.steps.rendering import prepare

Ran = Callable[..., Any]


@dataclass
class Memory:
    """The engine's port, as far as sessions go."""

    kept: dict[tuple[str, bool], dict[str, Any]] = field(default_factory=dict)

    def session(self, name: str, *, persistent: bool) -> dict[str, Any] | None:
        return deepcopy(self.kept.get((name, persistent)))

    def save_session(self, name: str, record: Mapping[str, Any], *, persistent: bool) -> None:
        self.kept[name, persistent] = deepcopy(dict(record))

    def progress(self, event_type: str, payload: Mapping[str, Any]) -> None: ...

    def secret(self, name: str) -> str | None:
        return None

    def melody_at(self, path: str, version: int | None) -> MelodyRef | None:
        return None

    def melody_named(self, name: str, version: int | None) -> MelodyRef | None:
        return None

    def release_database(self, seconds: float = 0) -> None: ...

    def remember(self, variables: Mapping[str, Any]) -> None: ...

    def started_tasks(self, kind: str) -> int:
        return 0

    def earlier_frames(self) -> Sequence[FrameOutcome]:
        return ()

    def variables(self) -> Mapping[str, Any]:
        return {}

    def tell(self, signal: str, payload: Any, execution_id: str | None) -> bool:
        return False


@dataclass
class Asker:
    """Asks the mock provider and remembers the requests; `answers` are given instead, in this order: a text, or an
    error to raise."""

    answers: list[str | Exception] = field(default_factory=list)
    requests: list[ModelRequest] = field(default_factory=list)

    def __call__(self, request: ModelRequest) -> Asked:
        self.requests.append(request)
        prepared = self.answers.pop(0) if self.answers else None
        if isinstance(prepared, Exception):
            raise prepared
        answer = mock.answer(request)
        if prepared is not None:
            answer = replace(answer, text=prepared, structured=None)
        return Asked(answer, 0)

    @property
    def last(self) -> ModelRequest:
        return self.requests[-1]


def params_of(kind: str, context: StepContext, **fields: Any) -> Any:
    """A step's rendered, validated fields."""
    return prepare(runnable(kind).kind, fields, context.scope)


def work_of(work: Callable[[Any, StepContext, Ask], Any], kind: str, context: StepContext, ask: Ask) -> Ran:
    """`run(field=…)` does a kind's work with somebody to ask."""
    return lambda **fields: work(params_of(kind, context, **fields), context, ask)


def run_tasks(
    kind: str, context: StepContext, *, failing: Mapping[str, StepFailed] | None = None, **fields: Any
) -> Any:
    """Run a step that expands, each frame with the steps its derived body has; `failing` fails bodies by their label."""
    found = runnable(kind)
    assert found.kind.derive is not None
    assert found.collect is not None
    written = {"name": context.name, "type": kind, **fields}
    params = prepare(found.kind, fields, context.scope)
    expanded = found.run(params, context)
    if not isinstance(expanded, Expand):
        return expanded
    bodies = found.kind.derive(written)
    frames = [
        _frame(index, bodies[spec.body], spec.body, spec.loop, context, failing or {})
        for index, spec in enumerate(expanded.frames)
    ]
    return found.collect(params, context, frames)


def _frame(
    index: int,
    body: DerivedBody,
    number: int,
    loop: Mapping[str, Any] | None,
    context: StepContext,
    failing: Mapping[str, StepFailed],
) -> FrameOutcome:
    scope = replace(context.scope, loop=loop) if loop is not None else context.scope
    error = failing.get(body.label)
    if error is not None:
        told = {"step": body.steps[0]["name"], "code": error.code, "message": str(error)}
        return FrameOutcome(index, number, body.label, "failed", loop, {}, told)
    results = {}
    for step in body.steps:
        inner = replace(context, name=step["name"], scope=scope, task_id=f"{context.task_id}.{index}")
        own = {key: value for key, value in step.items() if key in runnable("claude").kind.params.model_fields}
        results[step["name"]] = runnable("claude").run(prepare(runnable("claude").kind, own, scope), inner)
    return FrameOutcome(index, number, body.label, "completed", loop, results, None)


def scope_with(context: StepContext, **results: Any) -> StepContext:
    """The context where these steps have given these results."""
    context.scope = Scope(steps=results)
    return context
