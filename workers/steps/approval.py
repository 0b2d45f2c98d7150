"""`approval`: wait until people have decided. No worker is held while they think."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, WaitFor, step_kind
from workers.steps.fields import OrTemplate, Params, TemplatedBool, require
from workers.steps.moments import LONGEST, moment

LONGEST_TITLE = 200
MOST_APPROVERS = 100


class Approval(Params):
    """Who decides about what, until when, and what comes of a refusal."""

    role: Annotated[Literal["owner", "admin", "member"], OrTemplate()] = Field(
        "member", description="Who may decide: people of the organization with at least this role; viewers never."
    )
    title: str | None = Field(None, description="The heading people see; by default the step's name.")
    description: str | None = Field(None, description="What it is about, as text.")
    details: Any = Field(None, description="Anything else that helps to decide; any JSON, templates are filled in.")
    quorum: Annotated[int, Field(ge=1, le=MOST_APPROVERS), OrTemplate()] = Field(
        1, description="How many people must approve. The first rejection ends it."
    )
    exclude_submitter: TemplatedBool = Field(False, description="Whoever started the run may not decide.")
    deadline_seconds: Annotated[float, Field(gt=0, le=LONGEST.total_seconds()), OrTemplate()] | None = Field(
        None, description="How long to wait, at most 366 days; without a deadline for ever."
    )
    deadline: str | None = Field(
        None, description="Instead of it, the moment in ISO 8601 until which to wait; UTC when it names no zone."
    )
    on_reject: Annotated[Literal["fail", "continue"], OrTemplate()] = Field(
        "fail", description="fail: a rejection fails the step. continue: it is a result."
    )
    on_timeout: Annotated[Literal["fail", "approve", "reject"], OrTemplate()] = Field(
        "fail", description="What the deadline means: a failed step, an approval, or a rejection."
    )

    @model_validator(mode="after")
    def _one_deadline(self) -> Approval:
        require(
            self.deadline is None or self.deadline_seconds is None,
            "give `deadline_seconds` or `deadline`, not both",
        )
        if self.deadline is not None and "{{" not in self.deadline:
            require(
                moment(self.deadline) is not None,
                f"`deadline` is not an ISO 8601 date and time: {self.deadline[:80]!r}",
            )
        return self


def resume(params: Approval, step: StepContext, happened: Mapping[str, Any]) -> dict[str, Any]:
    """The decision, with who took part in it."""
    decisions = list(happened.get("decisions") or ())
    rejected = next((decision for decision in decisions if decision.get("decision") == "reject"), None)
    timed_out = bool(happened.get("timed_out"))
    if timed_out and rejected is None:
        return _late(params, step, decisions)
    if rejected is not None and params.on_reject == "fail":
        comment = f": {rejected['comment']}" if rejected.get("comment") else "."
        raise StepFailed(
            f"{_title(params, step)!r} was rejected by {rejected.get('user')}{comment}",
            code="rejected",
            details={"decisions": decisions},
            final=True,
        )
    return _result(decisions, approved=rejected is None, timed_out=False)


def _late(params: Approval, step: StepContext, decisions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if params.on_timeout == "fail" or (params.on_timeout == "reject" and params.on_reject == "fail"):
        code = "approval_timeout" if params.on_timeout == "fail" else "rejected"
        raise StepFailed(
            f"Nobody decided about {_title(params, step)!r} in time: {len(decisions)} of {params.quorum} had approved.",
            code=code,
            details={"decisions": list(decisions), "timed_out": True},
            final=params.on_timeout != "fail",
        )
    return _result(decisions, approved=params.on_timeout == "approve", timed_out=True)


def _result(decisions: Sequence[Mapping[str, Any]], *, approved: bool, timed_out: bool) -> dict[str, Any]:
    return {
        "decision": "approve" if approved else "reject",
        "approved": approved,
        "decisions": list(decisions),
        "timed_out": timed_out,
    }


def _title(params: Approval, step: StepContext) -> str:
    return (params.title or step.name)[:LONGEST_TITLE]


@step_kind(
    StepKind(name="approval", params=Approval, summary="Wait until people have decided", inline=True, waits=True),
    resume=resume,
)
def run(params: Approval, step: StepContext) -> WaitFor:
    """Ask; the engine wakes the step with what was said."""
    due_at = None
    if params.deadline_seconds is not None:
        due_at = datetime.now(UTC) + timedelta(seconds=params.deadline_seconds)
    elif params.deadline is not None:
        due_at = moment(params.deadline)
        if due_at is None:
            raise StepFailed(
                f"`deadline` is not an ISO 8601 date and time: {params.deadline[:80]!r}", code="bad_moment"
            )
    details = {
        "title": _title(params, step),
        "description": params.description,
        "details": params.details,
        "exclude_submitter": params.exclude_submitter,
    }
    return WaitFor(
        "approval", _title(params, step), due_at=due_at, details=details, role=params.role, quorum=params.quorum
    )
