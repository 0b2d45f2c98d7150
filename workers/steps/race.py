"""`race`: start several branches at once; the first to complete wins, the others are cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field, ValidationInfo, model_validator

from apps.melodies.definition.kinds import BodyField, StepKind
from workers.contract import KEEP_WAITING, Expand, FrameOutcome, FrameSpec, StepContext, StepFailed, step_kind
from workers.steps.fields import Params, is_rendered, require
from workers.steps.inner import error_of


class Race(Params):
    """What runs against what."""

    branches: dict[str, list[Any]] = Field(
        default_factory=dict, description="A list of steps for each name; all of them start at once."
    )

    @model_validator(mode="after")
    def _has_runners(self, info: ValidationInfo) -> Race:
        require(is_rendered(info) or bool(self.branches), "`branches` is missing: a map from names to lists of steps")
        return self


def collect(params: Race, step: StepContext, frames: Sequence[FrameOutcome]) -> Any:
    """The branch that completed. A branch that failed is out; when all of them have failed, so has the race."""
    for frame in frames:
        if frame.status == "completed":
            return {"success": True, "winner": frame.label, "results": dict(frame.results)}
    if len(frames) < len(params.branches):
        return KEEP_WAITING
    errors = {frame.label: error_of(frame) for frame in frames}
    told = "; ".join(f"{label}: {error.get('message')}" for label, error in errors.items())
    raise StepFailed(f"No branch of race {step.name!r} completed: {told}", code="no_winner", details=errors)


@step_kind(
    StepKind(
        name="race",
        params=Race,
        summary="Start branches together; the first that completes wins and the others are cancelled",
        inline=True,
        bodies=(BodyField("branches", "map"),),
        branches=True,
    ),
    collect=collect,
)
def run(params: Race, step: StepContext) -> Expand:
    """All branches at once."""
    frames = [FrameSpec(number) for number in range(len(params.branches))]
    return Expand(frames, limit=len(frames), stop_on_failure=False, watch=True)
