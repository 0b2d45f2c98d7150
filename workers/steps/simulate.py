"""`simulate`: take as long as real work would, and give a prepared result. For planning and load tests."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, step_kind
from workers.steps.fields import OrTemplate, Params

DAY = 86_400


class Simulate(Params):
    """How long, and what comes of it."""

    seconds: Annotated[float, Field(ge=0, le=DAY), OrTemplate()] = Field(
        0.0, description="How long to hold a worker slot, at most a day."
    )
    output: Any = Field(None, description="The result.")
    fail: str | None = Field(None, description="When given and not empty, the step fails with this message at the end.")


@step_kind(
    StepKind(
        name="simulate", params=Simulate, summary="Hold a worker slot for a while, then give `output`", queue="calls"
    )
)
def run(params: Simulate, step: StepContext) -> Any:
    """Give the slot back at once when the run is cancelled."""
    step.sleep(params.seconds)
    if params.fail:
        raise StepFailed(params.fail, code="simulated_failure")
    return params.output
