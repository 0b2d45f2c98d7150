"""`simulate`: take as long as real work would, and give a prepared result. For planning and load tests."""

from __future__ import annotations

from time import monotonic
from typing import Annotated, Any

from pydantic import Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, step_kind
from workers.steps.fields import OrTemplate, Params, TemplatedBool

DAY = 86_400


class Simulate(Params):
    """How long, and what comes of it."""

    seconds: Annotated[float, Field(ge=0, le=DAY), OrTemplate()] = Field(
        0.0, description="How long to hold a worker slot, at most a day."
    )
    compute: TemplatedBool = Field(
        False,
        description="Compute all the time instead of waiting. A step that computes does not hear that it is to stop.",
    )
    heartbeat_seconds: Annotated[float, Field(gt=0, le=DAY), OrTemplate()] | None = Field(
        None, description="How often to give a sign of life; without it never."
    )
    output: Any = Field(None, description="The result.")
    fail: str | None = Field(None, description="When given and not empty, the step fails with this message at the end.")


@step_kind(
    StepKind(
        name="simulate", params=Simulate, summary="Hold a worker slot for a while, then give `output`", queue="calls"
    )
)
def run(params: Simulate, step: StepContext) -> Any:
    """Unless it computes, give the slot back at once when the run is cancelled."""
    end = monotonic() + params.seconds
    turn = params.heartbeat_seconds or params.seconds
    if params.compute:
        step.release_database(params.seconds)
    while (left := end - monotonic()) > 0:
        if params.compute:
            _compute(min(turn, left))
        else:
            step.sleep(min(turn, left))
        if params.heartbeat_seconds is not None:
            step.heartbeat()
    if params.fail:
        raise StepFailed(params.fail, code="simulated_failure")
    return params.output


def _compute(seconds: float) -> None:
    end, number = monotonic() + seconds, 0
    while monotonic() < end:
        number = (number * 1_103_515_245 + 12_345) % 2**31
