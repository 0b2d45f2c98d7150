"""`while_loop`: run steps again and again as long as a condition holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, model_validator

from apps.melodies.definition.kinds import BodyField, StepKind
from workers.contract import Expand, FrameOutcome, FrameSpec, StepContext, step_kind
from workers.steps.fields import OrTemplate, Params, is_rendered, require
from workers.steps.inner import failure
from workers.steps.loops import MOST_ITERATIONS, holds, pass_data, with_results


class WhileLoop(Params):
    """As long as what holds, and what to do."""

    condition: Any = Field(
        description="Tested before each pass. Inner steps by name are their results of the pass before; `loop.iteration` "
        "counts from 0."
    )
    steps: list[Any] = Field(
        default_factory=list, description="The steps of one pass.", json_schema_extra={"minItems": 1}
    )
    max_iterations: Annotated[int, Field(ge=1, le=MOST_ITERATIONS), OrTemplate()] = Field(
        100, description="Stop after this many passes, even if the condition still holds."
    )

    @model_validator(mode="after")
    def _sound(self, info: ValidationInfo) -> WhileLoop:
        require(is_rendered(info) or bool(self.steps), "`steps` is missing: what to run in each pass")
        require(self.condition is not None, "`condition` is missing: as long as what holds the loop should go on")
        return self


def collect(params: WhileLoop, step: StepContext, frames: Sequence[FrameOutcome]) -> Any:
    """After a pass: one more, or the result. A pass that failed fails the loop."""
    last = frames[-1]
    done = step.earlier_frames + len(frames)
    if last.status != "completed":
        raise failure(last, f"While loop failed at iteration {done}: ")
    return _go_on(params, step, done, last)


@step_kind(
    StepKind(
        name="while_loop",
        params=WhileLoop,
        summary="Run steps as long as a condition holds",
        inline=True,
        bodies=(BodyField("steps", "list"),),
        expressions=("condition",),
        repeats=True,
    ),
    collect=collect,
)
def run(params: WhileLoop, step: StepContext) -> Any:
    """The first pass, if there is to be one."""
    return _go_on(params, step, 0, None)


def _go_on(params: WhileLoop, step: StepContext, done: int, last: FrameOutcome | None) -> Any:
    results = {} if last is None else last.results
    loop = pass_data(done, step.scope.loop)
    if not holds(params.condition, with_results(step.scope, loop, results), step, "condition"):
        return {"success": True, "iterations": done, "condition_met": False, "results": dict(results)}
    if done >= params.max_iterations:
        return {
            "success": False,
            "iterations": done,
            "max_iterations_reached": True,
            "reason": f"Maximum iterations exceeded: the condition still holds after {done} passes",
            "results": dict(results),
        }
    return Expand([FrameSpec(0, loop | {"previous": dict(results)})])
