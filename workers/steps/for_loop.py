"""`for_loop`: run steps once for each item of a list, one after the other or side by side.

Not covered: `break_condition` and `continue_condition` are tested before any iteration starts, from the item, the loop's
counters, variables and earlier steps. They cannot look at results of iterations of the same loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, model_validator

from apps.melodies.definition.expressions import ExpressionError, compile_condition, compile_source
from apps.melodies.definition.kinds import BodyField, StepKind
from workers.steps.contract import Expand, FrameOutcome, FrameSpec, StepContext, StepFailed, step_kind
from workers.steps.fields import OrTemplate, Params, TemplatedBool, is_rendered, require

MOST_ITEMS = 100_000
COUNTERS = frozenset({"index", "total", "length", "first", "last", "is_first", "is_last", "level", "parent"})

Count = Annotated[int, Field(ge=1), OrTemplate()]


class ForLoop(Params):
    """The list, the name of its item, and the steps for each."""

    iterator: str = Field(
        min_length=1,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="The item's name: `{{loop.NAME}}` inside the loop.",
    )
    data_source: Any = Field(
        description="The list: written out, a path (`steps.list.files`), a template or `previous_response:STEP.field`."
    )
    steps: list[Any] = Field(
        default_factory=list, description="The steps to run for each item.", json_schema_extra={"minItems": 1}
    )
    parallel: TemplatedBool = Field(False, description="Run iterations side by side.")
    max_parallel: Annotated[int, Field(ge=1, le=1000), OrTemplate()] = Field(
        5, description="With `parallel`: how many iterations run at once, at most 1000."
    )
    break_on_error: TemplatedBool = Field(True, description="Start no further iteration after one has failed.")
    batch_size: Count | None = Field(None, description="Accepted for older documents; batches are not needed here.")
    max_iterations: Count | None = Field(None, description="Stop after this many iterations.")
    break_condition: Any = Field(None, description="Stop before the first item for which this holds.")
    continue_condition: Any = Field(None, description="Leave out the items for which this holds.")
    ordered_results: TemplatedBool = Field(True, description="Results are always in the order of the items.")

    @model_validator(mode="after")
    def _sound(self, info: ValidationInfo) -> ForLoop:
        require(is_rendered(info) or bool(self.steps), "`steps` is missing: what to run for each item")
        require(
            self.iterator not in COUNTERS,
            f"the iterator cannot be called {self.iterator!r}: `loop.{self.iterator}` already means something else",
        )
        return self


def _items(params: ForLoop, step: StepContext) -> list[Any]:
    try:
        source = compile_source(params.data_source).evaluate(step.scope)
    except ExpressionError as error:
        raise StepFailed(f"data_source of loop {step.name!r}: {error}", code="bad_expression") from error
    if not isinstance(source, list):
        found = "nothing" if source is None else type(source).__name__
        raise StepFailed(f"data_source of loop {step.name!r} must be a list; it is {found}", code="not_a_list")
    if len(source) > MOST_ITEMS:
        raise StepFailed(
            f"loop {step.name!r} would run {len(source)} times; the limit is {MOST_ITEMS}", code="too_many_iterations"
        )
    return source


def loop_data(iterator: str, item: Any, index: int, total: int, parent: Mapping[str, Any] | None) -> dict[str, Any]:
    """What `loop.…` means in one iteration, under the names of both dialects."""
    first, last = index == 0, index == total - 1
    data: dict[str, Any] = {
        "index": index,
        "total": total,
        "length": total,
        "first": first,
        "last": last,
        "is_first": first,
        "is_last": last,
        "level": int(parent.get("level", 0)) + 1 if parent else 0,
    }
    if parent:
        data["parent"] = dict(parent)
    data[iterator] = item
    return data


def collect(params: ForLoop, step: StepContext, frames: Sequence[FrameOutcome]) -> dict[str, Any]:
    """The iterations that ran. A failed one makes `success` false, but the step itself has done its work."""
    iterations = [_iteration(params, frame) for frame in frames if frame.status != "cancelled"]
    completed = sum(1 for iteration in iterations if iteration["success"])
    result: dict[str, Any] = {
        "iterations": iterations,
        "success": completed == len(iterations),
        "total_items": int((frames[0].loop or {})["total"]) if frames else 0,
        "completed_items": completed,
    }
    if params.parallel:
        result |= {"parallel": True, "max_parallel": params.max_parallel}
    return result


def _iteration(params: ForLoop, frame: FrameOutcome) -> dict[str, Any]:
    loop = frame.loop or {}
    start = {"index": loop.get("index", frame.index), "item": loop.get(params.iterator)}
    if frame.error is not None or frame.status != "completed":
        return start | {"success": False, "error": dict(frame.error or {"code": frame.status, "message": frame.status})}
    return start | {"success": True, "results": dict(frame.results)}


@step_kind(
    StepKind(
        name="for_loop",
        params=ForLoop,
        summary="Run steps for each item of a list",
        inline=True,
        bodies=(BodyField("steps", "list"),),
        expressions=("break_condition", "continue_condition"),
        sources=("data_source",),
    ),
    collect=collect,
)
def run(params: ForLoop, step: StepContext) -> Any:
    """One frame for each item that is to run."""
    items = _items(params, step)
    try:
        frames = _frames(params, step, items)
    except ExpressionError as error:
        raise StepFailed(f"condition of loop {step.name!r}: {error}", code="bad_expression") from error
    if not frames:
        return collect(params, step, ()) | {"total_items": len(items)}
    return Expand(frames, limit=params.max_parallel if params.parallel else 1, stop_on_failure=params.break_on_error)


def _frames(params: ForLoop, step: StepContext, items: Sequence[Any]) -> list[FrameSpec]:
    stop = compile_condition(params.break_condition) if params.break_condition is not None else None
    leave_out = compile_condition(params.continue_condition) if params.continue_condition is not None else None
    frames: list[FrameSpec] = []
    for index, item in enumerate(items):
        if params.max_iterations is not None and len(frames) >= params.max_iterations:
            break
        loop = loop_data(params.iterator, item, index, len(items), step.scope.loop)
        scope = replace(step.scope, loop=loop)
        if stop is not None and stop.holds(scope):
            break
        if leave_out is None or not leave_out.holds(scope):
            frames.append(FrameSpec(0, loop))
    return frames
