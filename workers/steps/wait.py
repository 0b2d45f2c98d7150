"""`wait`: a durable timer. No worker is held while it runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, model_validator

from apps.melodies.definition.expressions import may_hold_templates
from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, WaitUntil, step_kind
from workers.steps.fields import OrTemplate, Params, require

LONGEST = timedelta(days=366)


class Wait(Params):
    """Until when."""

    seconds: Annotated[float, Field(ge=0, le=LONGEST.total_seconds()), OrTemplate()] | None = Field(
        None, description="How long to wait, at most 366 days."
    )
    until: str | None = Field(
        None,
        description="The moment to wait for, in ISO 8601 (`2030-01-31T09:00:00+01:00`); UTC when it names no zone. "
        "A moment in the past is over at once.",
    )
    output: Any = Field(None, description="The result; without it, `{waited_until}`.")

    @model_validator(mode="after")
    def _one_end(self) -> Wait:
        require((self.seconds is None) != (self.until is None), "give exactly one of `seconds` and `until`")
        if self.until is not None and not may_hold_templates(self.until):
            require(_moment(self.until) is not None, f"`until` is not an ISO 8601 date and time: {self.until[:80]!r}")
        return self


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


@step_kind(
    StepKind(name="wait", params=Wait, summary="Wait for a time without holding a worker", inline=True, waits=True)
)
def run(params: Wait, step: StepContext) -> WaitUntil:
    """Name the moment; the engine wakes the step then."""
    now = datetime.now(UTC)
    if params.seconds is not None:
        due = now + timedelta(seconds=params.seconds)
    else:
        moment = _moment(params.until or "")
        if moment is None:
            raise StepFailed(f"`until` is not an ISO 8601 date and time: {params.until!r}", code="bad_moment")
        due = moment
    if due - now > LONGEST:
        raise StepFailed(f"cannot wait until {due.isoformat()}: more than {LONGEST.days} days away", code="too_long")
    result = params.output if "output" in params.model_fields_set else {"waited_until": due.isoformat()}
    return WaitUntil(due, result)
