"""`signal`: wait until the run is told something by name. No worker is held meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from apps.executions.payloads import SchemaBroken, problems_of
from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, WaitFor, step_kind
from workers.steps.fields import OrTemplate, Params, TemplatedBool, require
from workers.steps.moments import LONGEST, moment

Seconds = Annotated[float, Field(gt=0, le=LONGEST.total_seconds()), OrTemplate()]


class Signal(Params):
    """What to wait for, and how long."""

    model_config = ConfigDict(extra="forbid")

    signal: str | None = Field(
        None, min_length=1, max_length=200, description="The signal's name; by default the step's name."
    )
    timeout_seconds: Seconds | None = Field(
        None, description="How long to wait, at most 366 days; without it for ever."
    )
    timeout: Seconds | None = Field(None, description="The same.")
    on_timeout: Annotated[Literal["fail", "continue"], OrTemplate()] = Field(
        "fail", description="fail: the step fails with code signal_timeout. continue: it has a result without payload."
    )
    buffered: TemplatedBool = Field(
        True, description="A signal that came before the step waited counts as well. false: only later ones."
    )
    payload_schema: dict[str, Any] | bool | None = Field(
        None, alias="schema", description="A JSON Schema. A payload that does not fit is refused and wakes nobody."
    )

    @model_validator(mode="after")
    def _sound(self) -> Signal:
        require(self.timeout is None or self.timeout_seconds is None, "give `timeout_seconds` or `timeout`, not both")
        if self.payload_schema is not None:
            try:
                problems_of(self.payload_schema, None)
            except SchemaBroken as error:
                require(False, f"`schema` is not a JSON Schema: {error}")
        return self


def resume(params: Signal, step: StepContext, happened: Mapping[str, Any]) -> Any:
    """What was told. A payload that came early and does not fit is told of in an event, and the step waits on."""
    name = params.signal or step.name
    if happened.get("timed_out"):
        if params.on_timeout == "fail":
            raise StepFailed(f"No signal {name!r} came in time.", code="signal_timeout")
        return {"signal": name, "payload": None, "received_at": None, "timed_out": True}
    payload = happened.get("payload")
    problems = problems_of(params.payload_schema, payload) if params.payload_schema is not None else []
    if problems:
        step.emit("signal_refused", {"signal": name, "problems": problems})
        return _wait(params, step, _due_before(step))
    received_at = happened.get("received_at") or datetime.now(UTC).isoformat()
    return {"signal": name, "payload": payload, "received_at": received_at, "timed_out": False}


@step_kind(
    StepKind(
        name="signal",
        params=Signal,
        summary="Wait until the run is told something by name",
        inline=True,
        waits=True,
        literals=("schema",),
    ),
    resume=resume,
)
def run(params: Signal, step: StepContext) -> WaitFor:
    """Listen; the engine wakes the step with what was told."""
    seconds = params.timeout_seconds if params.timeout_seconds is not None else params.timeout
    return _wait(params, step, None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds))


def _wait(params: Signal, step: StepContext, due_at: datetime | None) -> WaitFor:
    details = {"schema": params.payload_schema, "due_at": None if due_at is None else due_at.isoformat()}
    return WaitFor("signal", params.signal or step.name, due_at=due_at, details=details, buffered=bool(params.buffered))


def _due_before(step: StepContext) -> datetime | None:
    """The deadline of the waiting that was just interrupted."""
    written = step.carry.get("due_at") if isinstance(step.carry, Mapping) else None
    return moment(written) if isinstance(written, str) else None
