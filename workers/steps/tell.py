"""`tell`: send a signal to this run, or to another one of the same organization."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, step_kind
from workers.steps.fields import Params


class Tell(Params):
    """What is told to whom."""

    signal: str = Field(min_length=1, max_length=200, description="The signal's name, as `signal` steps wait for it.")
    payload: Any = Field(None, description="Whatever goes with it; any JSON.")
    execution: str | None = Field(None, description="The id of the run that is told; this run if left out.")


@step_kind(StepKind(name="tell", params=Tell, summary="Send a signal to this or another run", inline=True))
def run(params: Tell, step: StepContext) -> dict[str, Any]:
    """A signal nobody waits for yet is kept for the first who will."""
    if params.execution is not None and not _is_id(params.execution):
        raise StepFailed(
            f"`execution` is not the id of a run: {params.execution[:80]!r}", code="bad_params", final=True
        )
    if step.engine is None:
        raise StepFailed("There is no engine around this step to carry the signal.", code="internal_error")
    if not step.engine.tell(params.signal, params.payload, params.execution):
        raise StepFailed(
            f"Signal {params.signal!r} was not told: there is no run {params.execution} here that still goes on.",
            code="signal_not_told",
            final=True,
        )
    return {"told": True, "signal": params.signal}


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
