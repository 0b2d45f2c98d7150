"""`cancel`: call off other steps of the same list, or let composite ones end with what they have."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import Finish, StepContext, step_kind
from workers.steps.fields import OrTemplate, Params


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Cancel(Params):
    """Which steps, and how."""

    steps: Annotated[
        list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str]), Field(min_length=1)
    ] = Field(description="Names of steps of the same list. Those that have ended already stay as they are.")
    mode: Annotated[Literal["cancel", "complete"], OrTemplate()] = Field(
        "cancel",
        description="cancel: they are called off. complete: loops and other composite steps complete with what has ended "
        "inside them.",
    )


@step_kind(
    StepKind(
        name="cancel", params=Cancel, summary="Call off other steps of the same list", inline=True, steps=("steps",)
    )
)
def run(params: Cancel, step: StepContext) -> Finish:
    """Name them; the engine does it in the same transaction."""
    result = {"success": True, "mode": params.mode, "steps": params.steps}
    if params.mode == "complete":
        return Finish(result, complete=params.steps)
    return Finish(result, cancel=params.steps)
