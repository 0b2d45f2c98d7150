"""Putting a request to a model, and what a step does when a budget or a failure stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from workers.contract import Resume, StepContext, StepFailed, WaitFor
from workers.models import calling, errors, providers
from workers.models.request import ModelAnswer, ModelRequest, ProviderName
from workers.steps.models.retrying import Policy

ROLE = "admin"
"""Who may let a step go over a budget."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer, and how long it took: 0 when it is the mock provider's, so that its results are always the same."""

    answer: ModelAnswer
    duration_ms: int


Ask = Callable[[ModelRequest], Asked]
Work = Callable[[Any, StepContext, Ask], Any]
"""What a step kind does with its parameters, its context and somebody to ask."""


def _asker(step: StepContext, *, override: bool) -> Ask:
    def ask(request: ModelRequest) -> Asked:
        started = monotonic()
        answer = calling.ask(step, request, override=override)
        return Asked(answer, 0 if answer.mock else round((monotonic() - started) * 1000))

    return ask


def is_mocked(step: StepContext, provider: ProviderName) -> bool:
    """Whether the mock provider answers this step."""
    try:
        return providers.key_for(step, provider) is None
    except StepFailed:
        return False


def attempt(work: Work, params: Any, step: StepContext, *, override: bool = False) -> Any:
    """Run a step kind's work. When a budget asks a person first, the step waits for that person; when the step has
    rules of its own for failures (`claude_options.retry_config`), they decide whether it tries again."""
    try:
        return work(params, step, _asker(step, override=override))
    except errors.PauseForBudget as pause:
        told = f"{pause} Approving lets this call through beyond the budget; rejecting fails the step."
        details = {"budget": pause.budget, "description": told, "message": str(pause), "carry": step.carry}
        return WaitFor("approval", name=f"Budget {pause.budget}", details=details, role=ROLE)
    except StepFailed as failure:
        policy = Policy.of(_retry_config(params))
        again = policy.again(step, failure) if policy is not None else None
        if again is not None:
            return again
        if policy is not None and policy.covers(failure):
            # The step has said how often; the engine's own retries do not come on top.
            failure.transient = False
        raise


def _retry_config(params: Any) -> Any:
    """The rules a step itself gives in its options; those of presets are left to the engine's own retries."""
    options = getattr(params, "claude_options", None) or getattr(params, "options", None)
    return getattr(options, "retry_config", None)


def once_approved(work: Work) -> Resume:
    """The `resume` of a kind: its work once more, now allowed to go over the budget; or the refusal."""

    def resume(params: Any, step: StepContext, happened: Mapping[str, Any]) -> Any:
        asked = step.carry if isinstance(step.carry, Mapping) else {}
        about = str(asked.get("message") or "the call would exceed a budget")
        if happened.get("timed_out"):
            raise StepFailed(f"Nobody decided in time: {about}", code="approval_timeout", final=True)
        decisions = [item for item in happened.get("decisions") or () if isinstance(item, Mapping)]
        refused = [item for item in decisions if not str(item.get("decision", "")).startswith("approve")]
        if refused or not decisions:
            comment = str(refused[0].get("comment") or "") if refused else ""
            raise StepFailed(
                f"Going over the budget was refused{f' ({comment[:200]})' if comment else ''}: {about}",
                code="budget_exceeded",
                final=True,
            )
        step.carry = asked.get("carry")
        return attempt(work, params, step, override=True)

    return resume
