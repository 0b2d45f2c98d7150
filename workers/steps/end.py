"""`end`: end the whole run here, whatever else is under way."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import Finish, StepContext, step_kind
from workers.steps.fields import OrTemplate, Params


class End(Params):
    """How the run ends."""

    status: Annotated[Literal["completed", "failed", "cancelled"], OrTemplate()] = Field(
        "completed", description="How the run ends. Inside a nested melody: how that one ends."
    )
    message: str = Field("", max_length=2000, description="Why, for people.")
    output: Any = Field(None, description="Kept in the step's result.")


@step_kind(StepKind(name="end", params=End, summary="End the whole run at once", inline=True))
def run(params: End, step: StepContext) -> Finish:
    """The rest of the run is cancelled by the engine."""
    return Finish({"status": params.status, "message": params.message, "output": params.output}, run=params.status)
