"""`for_loop`: run steps once for each item of a list, one after the other or side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, model_validator

from apps.melodies.definition.expressions import ExpressionError, compile_source
from apps.melodies.definition.kinds import BodyField, StepKind
from workers.contract import (
    KEEP_WAITING,
    Expand,
    FrameOutcome,
    FrameSpec,
    StepContext,
    StepFailed,
    step_kind,
)
from workers.steps.fields import OrTemplate, Params, TemplatedBool, is_rendered, require
from workers.steps.loops import MOST_ITERATIONS, ended, holds, iteration, loop_data, with_results

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
        description="The list: written out, a path (`steps.list.files`), `range(1, 9)`, a template or "
        "`previous_response:STEP.field`."
    )
    steps: list[Any] = Field(
        default_factory=list, description="The steps to run for each item.", json_schema_extra={"minItems": 1}
    )
    parallel: TemplatedBool = Field(False, description="Run iterations side by side.")
    max_parallel: Annotated[int, Field(ge=1, le=1000), OrTemplate()] = Field(
        5, description="With `parallel`: how many iterations run at once, at most 1000."
    )
    break_on_error: TemplatedBool = Field(True, description="Start no further iteration after one has failed.")
    batch_size: Count | None = Field(
        None, description="Accepted for older documents: the result says how many batches it would have been."
    )
    max_iterations: Count | None = Field(None, description="Stop after this many iterations.")
    break_condition: Any = Field(
        None,
        description="Tested after each iteration, over the item and the inner steps' results: when it holds, the loop ends.",
    )
    continue_condition: Any = Field(None, description="Leave out the items for which this holds.")
    complete_after: Count | None = Field(
        None, description="End when this many iterations have completed; those under way are cancelled."
    )
    complete_when: Any = Field(
        None,
        description="End when this holds, over `loop.completed`, `loop.failed`, `iterations` and `results`; those under way "
        "are cancelled.",
    )
    ordered_results: TemplatedBool = Field(True, description="Results are always in the order of the items.")

    @model_validator(mode="after")
    def _sound(self, info: ValidationInfo) -> ForLoop:
        require(is_rendered(info) or bool(self.steps), "`steps` is missing: what to run for each item")
        require(
            self.iterator not in COUNTERS,
            f"the iterator cannot be called {self.iterator!r}: `loop.{self.iterator}` already means something else",
        )
        return self

    @property
    def may_end_early(self) -> bool:
        """Whether it must be asked after each iteration if there is to be another."""
        return self.break_condition is not None or self.complete_after is not None or self.complete_when is not None


def collect(params: ForLoop, step: StepContext, frames: Sequence[FrameOutcome]) -> Any:
    """The iterations that ran. A failed one makes `success` false, but the step itself has done its work."""
    if not params.may_end_early:
        return _result(params, frames, _total(frames))
    if params.parallel:
        reason = _end_reason(params, step, frames, frames)
        if reason is None and step.open_frames:
            return KEEP_WAITING
        return _result(params, frames, _total(frames), reason)
    return _next_round(params, step, frames)


def _next_round(params: ForLoop, step: StepContext, frames: Sequence[FrameOutcome]) -> Any:
    """One after the other, and to be asked in between: a round is one iteration."""
    last = frames[-1]
    counts = params.complete_after is not None or params.complete_when is not None
    known = _all(step, frames) if counts else frames
    reason = _end_reason(params, step, known, frames)
    held = params.break_on_error and last.status != "completed"
    full = params.max_iterations is not None and step.earlier_frames + len(frames) >= params.max_iterations
    if reason is None and not held and not full:
        following = int((last.loop or {}).get("index", last.index)) + 1
        for frame in _frames(params, step, _items(params, step), following, last.results):
            return Expand([frame])
    return _result(params, known if counts else _all(step, frames), _total(frames), reason)


def _all(step: StepContext, frames: Sequence[FrameOutcome]) -> Sequence[FrameOutcome]:
    """The frames of all rounds."""
    if step.engine is None or not step.earlier_frames:
        return frames
    return [*step.engine.earlier_frames(), *frames]


def _end_reason(
    params: ForLoop, step: StepContext, frames: Sequence[FrameOutcome], fresh: Sequence[FrameOutcome]
) -> str | None:
    """The field by which the loop ends now, if it does. `fresh` are those `break_condition` may not have seen yet."""
    completed = [frame for frame in frames if frame.status == "completed"]
    if params.complete_after is not None and len(completed) >= params.complete_after:
        return "complete_after"
    if params.complete_when is not None and _is_complete(params, step, frames, completed):
        return "complete_when"
    if params.break_condition is not None:
        for frame in fresh:
            if frame.status == "completed" and holds(
                params.break_condition, with_results(step.scope, frame.loop, frame.results), step, "break_condition"
            ):
                return "break_condition"
    return None


def _is_complete(
    params: ForLoop, step: StepContext, frames: Sequence[FrameOutcome], completed: Sequence[FrameOutcome]
) -> bool:
    ran = ended(frames)
    loop = {
        "total": _total(frames),
        "completed": len(completed),
        "failed": len(ran) - len(completed),
        "iterations": [iteration(params.iterator, frame) for frame in ran],
        "results": [dict(frame.results) for frame in completed],
    }
    if step.scope.loop:
        loop["parent"] = dict(step.scope.loop)
    return holds(params.complete_when, replace(step.scope, loop=loop), step, "complete_when")


def _result(params: ForLoop, frames: Sequence[FrameOutcome], total: int, ended_by: str | None = None) -> dict[str, Any]:
    iterations = [iteration(params.iterator, frame) for frame in ended(frames)]
    completed = sum(1 for one in iterations if one["success"])
    result: dict[str, Any] = {
        "iterations": iterations,
        "success": completed == len(iterations),
        "total_items": total,
        "completed_items": completed,
    }
    if params.parallel:
        result |= {"parallel": True, "max_parallel": params.max_parallel}
    if params.batch_size is not None:
        result["batches_processed"] = math.ceil(len(iterations) / params.batch_size)
    if ended_by is not None:
        result["ended_by"] = ended_by
    return result


def _total(frames: Sequence[FrameOutcome]) -> int:
    return int((frames[0].loop or {})["total"]) if frames else 0


@step_kind(
    StepKind(
        name="for_loop",
        params=ForLoop,
        summary="Run steps for each item of a list",
        inline=True,
        bodies=(BodyField("steps", "list"),),
        expressions=("break_condition", "continue_condition", "complete_when"),
        sources=("data_source",),
    ),
    collect=collect,
)
def run(params: ForLoop, step: StepContext) -> Any:
    """One frame for each item that is to run; only the first one when the loop must be asked after each."""
    items = _items(params, step)
    wanted = _frames(params, step, items, 0, {})
    one_by_one = params.may_end_early and not params.parallel
    most = 1 if one_by_one else params.max_iterations or len(items)
    frames = [frame for frame, _ in zip(wanted, range(most), strict=False)]
    if not frames:
        return _result(params, (), len(items))
    return Expand(
        frames,
        limit=params.max_parallel if params.parallel else 1,
        stop_on_failure=params.break_on_error,
        watch=params.may_end_early and bool(params.parallel),
    )


def _items(params: ForLoop, step: StepContext) -> list[Any]:
    try:
        source = compile_source(params.data_source).evaluate(step.scope)
    except ExpressionError as error:
        raise StepFailed(f"data_source of loop {step.name!r}: {error}", code="bad_expression") from error
    if not isinstance(source, list):
        found = "nothing" if source is None else type(source).__name__
        raise StepFailed(f"data_source of loop {step.name!r} must be a list; it is {found}", code="not_a_list")
    if len(source) > MOST_ITERATIONS:
        raise StepFailed(
            f"loop {step.name!r} would run {len(source)} times; the limit is {MOST_ITERATIONS}",
            code="too_many_iterations",
        )
    return source


def _frames(
    params: ForLoop, step: StepContext, items: Sequence[Any], first: int, results: Mapping[str, Any]
) -> Iterator[FrameSpec]:
    """A frame for each item from `first` on, without those left out. `results` are those of the iteration before."""
    for index in range(first, len(items)):
        loop = loop_data(params.iterator, items[index], index, len(items), step.scope.loop)
        if params.continue_condition is None or not holds(
            params.continue_condition, with_results(step.scope, loop, results), step, "continue_condition"
        ):
            yield FrameSpec(0, loop)
