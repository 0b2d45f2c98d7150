"""`claude_robust`: ask Claude again and again if need be, and have something to fall back on.

Every attempt is an attempt of the task, so what has failed survives a crash of its worker. Unless `fallback_action` is
`fail`, the step ends in success even when every attempt has failed: look at `degraded_mode`.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

from pydantic import Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import Again, StepContext, StepFailed, step_kind
from workers.models import errors
from workers.steps.models import presets
from workers.steps.models.answers import now
from workers.steps.models.asking import Ask, attempt, is_mocked, once_approved
from workers.steps.models.claude_call import put, question
from workers.steps.models.fallbacks import DEFAULT, Failed, fall_back, remember
from workers.steps.models.fields import PresetStep
from workers.steps.models.options import RetryConfig
from workers.steps.models.retrying import HISTORY, Policy, entry, history_of
from workers.steps.prompts.references import of_step


class ClaudeRobust(PresetStep):
    """What to ask, how often, and what to do when there is no answer."""

    retry_config: RetryConfig = Field(
        default_factory=lambda: RetryConfig.model_validate({}),
        description="max_retries, backoff_strategy, base_delay_ms, retry_conditions, and fallback_action: "
        "graceful_degradation, cached_response, simplified_prompt, emergency_response, mock_response, skip or fail.",
    )


def policy_of(params: ClaudeRobust) -> Policy:
    """The step's own rules; where it says nothing, those in its options, else three retries."""
    config = params.retry_config
    options = params.claude_options or params.options
    given = config if config.model_fields_set else None
    return Policy.of(given, options.retry_config if options else None) or Policy()


def work(params: ClaudeRobust, step: StepContext, ask: Ask) -> Any:
    """One attempt; when it fails, the next one or the fallback."""
    preset = presets.chosen(params.preset, step.workflow, fallback="production")
    asked = question(params, step, preset=preset)
    policy, history = policy_of(params), history_of(step)
    started = monotonic()
    try:
        result = put(asked, step, ask)
    except errors.PauseForBudget:
        raise
    except StepFailed as failure:
        if failure.code == "budget_exceeded":
            raise
        mock = is_mocked(step, "anthropic")
        took = 0 if mock else round((monotonic() - started) * 1000)
        told = entry(len(history) + 1, failure, execution_time_ms=took, timestamp=now(mock=mock))
        history = [*history, told]
        again = policy.again(step, failure)
        if again is not None:
            return Again(again.delay, {HISTORY: history}, again.error)
        action = params.retry_config.fallback_action or DEFAULT
        fallback = fall_back(action, Failed(failure, asked, step, ask))
        return fallback | _metadata(params, step, policy, history, fallback, recovered=False)
    remember(params.retry_config.fallback_action, asked, step, result)
    return result | _metadata(params, step, policy, history, result, recovered=bool(history))


def _metadata(
    params: ClaudeRobust,
    step: StepContext,
    policy: Policy,
    history: list[dict[str, Any]],
    result: Mapping[str, Any],
    *,
    recovered: bool,
) -> dict[str, Any]:
    made = len(history) if result.get("fallback_type") else len(history) + 1
    spent = sum(item.get("execution_time_ms", 0) for item in history)
    return {
        "robustness_metadata": {
            "attempt_number": made,
            "total_attempts": policy.max_retries + 1,
            "execution_time_ms": spent + int(result.get("duration_ms", 0)),
            "error_history": history,
            "retry_strategy_used": policy.strategy,
            "recovery_successful": recovered,
        },
        "claude_robust_metadata": {
            "step_name": step.name,
            "retry_config_used": {
                "max_retries": policy.max_retries,
                "backoff_strategy": policy.strategy,
                "base_delay_ms": round(policy.base_seconds * 1000),
                "retry_conditions": list(policy.conditions),
                "fallback_action": params.retry_config.fallback_action or DEFAULT,
            },
            "robustness_applied": True,
            "error_recovery_enabled": True,
            "fallback_configured": params.retry_config.fallback_action is not None,
            "circuit_breaker_active": False,
            "robust_execution_timestamp": now(mock=is_mocked(step, "anthropic")),
        },
    }


@step_kind(
    StepKind(
        name="claude_robust",
        params=ClaudeRobust,
        summary="Ask Claude with retries and a fallback",
        queue="calls",
        expressions=("prompt.*.condition",),
        per_item=("prompt.*.filter",),
        literals=("output_schema",),
        references=of_step,
        retries_itself=True,
    ),
    resume=once_approved(work),
)
def run(params: ClaudeRobust, step: StepContext) -> Any:
    """One attempt; a budget may make it wait."""
    return attempt(work, params, step)
