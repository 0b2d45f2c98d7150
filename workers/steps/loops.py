"""What loops have in common: loop data, iterations in a result, conditions over what an iteration gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from apps.melodies.definition.expressions import ExpressionError, Scope, compile_condition
from workers.contract import FrameOutcome, StepContext, StepFailed

MOST_ITERATIONS = 100_000


def loop_data(iterator: str, item: Any, index: int, total: int, parent: Mapping[str, Any] | None) -> dict[str, Any]:
    """What `loop.…` means in one iteration over a list, under the names of both dialects."""
    first, last = index == 0, index == total - 1
    data: dict[str, Any] = {
        "index": index,
        "total": total,
        "length": total,
        "first": first,
        "last": last,
        "is_first": first,
        "is_last": last,
    }
    return data | _nesting(parent) | {iterator: item}


def pass_data(number: int, parent: Mapping[str, Any] | None) -> dict[str, Any]:
    """What `loop.…` means in one pass of a loop without a list, counted from 0."""
    first = number == 0
    data: dict[str, Any] = {
        "iteration": number,
        "count": number,
        "index": number,
        "first": first,
        "is_first": first,
    }
    return data | _nesting(parent)


def _nesting(parent: Mapping[str, Any] | None) -> dict[str, Any]:
    if not parent:
        return {"level": 0}
    return {"level": int(parent.get("level", 0)) + 1, "parent": dict(parent)}


def with_results(scope: Scope, loop: Mapping[str, Any] | None, results: Mapping[str, Any]) -> Scope:
    """The scope of a loop, where the inner steps' names mean their results of one iteration."""
    return replace(scope, loop=loop, steps={**scope.steps, **results} if results else scope.steps)


def holds(condition: Any, scope: Scope, step: StepContext, field: str) -> bool:
    """Whether a condition of the step holds; one that breaks fails the step by the name of its field."""
    try:
        return compile_condition(condition).holds(scope)
    except ExpressionError as error:
        raise StepFailed(f"{field} of loop {step.name!r}: {error}", code="bad_expression") from error


def iteration(iterator: str, frame: FrameOutcome) -> dict[str, Any]:
    """One iteration over a list, as results show it."""
    loop = frame.loop or {}
    start = {"index": loop.get("index", frame.index), "item": loop.get(iterator)}
    if frame.error is not None or frame.status != "completed":
        return start | {"success": False, "error": dict(frame.error or {"code": frame.status, "message": frame.status})}
    return start | {"success": True, "results": dict(frame.results)}


def ended(frames: Sequence[FrameOutcome]) -> list[FrameOutcome]:
    """The frames that ran to some end of their own."""
    return [frame for frame in frames if frame.status != "cancelled"]
