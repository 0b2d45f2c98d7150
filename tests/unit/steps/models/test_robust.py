"""claude_robust: which failures are tried again, after how long, and every fallback."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.steps.models.stage import Asker, Memory, params_of, work_of
from workers.contract import Again, StepContext, StepFailed, runnable
from workers.models.errors import PauseForBudget, error_of
from workers.steps import claude_robust
from workers.steps.models.options import RetryConfig
from workers.steps.models.retrying import Policy

MOMENT = "2000-01-01T00:00:00+00:00"


def ask_with(context: StepContext, asker: Asker, **fields: Any) -> Any:
    return work_of(claude_robust.work, "claude_robust", context, asker)(**{"prompt": "Question?", **fields})


def exhausted(context: StepContext, asker: Asker, action: str | None, **fields: Any) -> Any:
    """The outcome when the only attempt has failed."""
    config: dict[str, Any] = {"max_retries": 0} | ({"fallback_action": action} if action else {})
    asker.answers = [error_of("overloaded", "busy"), *asker.answers]
    return ask_with(context, asker, retry_config=config, **fields)


def test_a_first_success(context: StepContext, asker: Asker) -> None:
    result = ask_with(context, asker, retry_config={"max_retries": 2, "backoff_strategy": "linear"})
    assert result["text"].startswith("Mock response for: Question?")
    assert result["robustness_metadata"] == {
        "attempt_number": 1,
        "total_attempts": 3,
        "execution_time_ms": 0,
        "error_history": [],
        "retry_strategy_used": "linear",
        "recovery_successful": False,
    }
    assert result["claude_robust_metadata"] == {
        "step_name": "it",
        "retry_config_used": {
            "max_retries": 2,
            "backoff_strategy": "linear",
            "base_delay_ms": 1000,
            "retry_conditions": ["timeout", "rate_limit", "temporary_error"],
            "fallback_action": "graceful_degradation",
        },
        "robustness_applied": True,
        "error_recovery_enabled": True,
        "fallback_configured": False,
        "circuit_breaker_active": False,
        "robust_execution_timestamp": MOMENT,
    }
    assert asker.last.preset == "production"


def test_attempts_carry_their_errors_and_recover(context: StepContext, asker: Asker) -> None:
    asker.answers = [error_of("timeout", "no answer"), error_of("rate_limit", "slow down", retry_after=30)]
    first = ask_with(context, asker)
    assert isinstance(first, Again)
    history = [{"attempt": 1, "error": "no answer", "code": "timeout", "execution_time_ms": 0, "timestamp": MOMENT}]
    assert (first.delay, first.carry, first.error) == (
        1.0,
        {"error_history": history},
        {"code": "timeout", "message": "no answer"},
    )
    second = ask_with(replace(context, carry=first.carry), asker)
    assert second.delay == 30
    result = ask_with(replace(context, carry=second.carry), asker)
    told = result["robustness_metadata"]
    assert (told["attempt_number"], told["total_attempts"], told["recovery_successful"]) == (3, 4, True)
    assert [item["code"] for item in told["error_history"]] == ["timeout", "rate_limit"]


@pytest.mark.parametrize(
    ("strategy", "expected"), [("exponential", [0.5, 1.0, 2.0]), ("linear", [0.5, 1.0, 1.5]), ("fixed", [0.5] * 3)]
)
def test_delays(strategy: Any, expected: list[float]) -> None:
    policy = Policy.of(RetryConfig(backoff_strategy=strategy, base_delay_ms=500))
    assert policy is not None
    assert [policy.delay(retry, StepFailed("x")) for retry in range(3)] == expected
    assert policy.delay(90, StepFailed("x")) <= 3600


@pytest.mark.parametrize(
    ("conditions", "failure", "expected"),
    [
        (["timeout"], error_of("timeout", "x"), True),
        (["API_Error"], StepFailed("an API error came"), True),
        (["timeout"], error_of("rate_limit", "x"), False),
        (["temporary_error"], error_of("overloaded", "x"), True),
        (["temporary_error"], error_of("auth", "x"), False),
        ([], error_of("timeout", "x"), False),
        (["parsing_error"], StepFailed("a parsing_error"), True),
    ],
)
def test_which_failures_are_tried_again(conditions: list[str], failure: StepFailed, *, expected: bool) -> None:
    policy = Policy.of(RetryConfig(retry_conditions=conditions))
    assert policy is not None
    assert policy.covers(failure) is expected


def test_an_error_outside_the_conditions_falls_back_at_once(context: StepContext, asker: Asker) -> None:
    asker.answers = [error_of("auth", "bad key")]
    result = ask_with(context, asker, retry_config={"max_retries": 5, "retry_conditions": ["timeout"]})
    assert result["degraded_mode"] is True
    assert result["robustness_metadata"]["attempt_number"] == 1


def test_graceful_degradation_is_the_default(context: StepContext, asker: Asker) -> None:
    result = exhausted(context, asker, None)
    assert {key: result[key] for key in result if not key.endswith("_metadata")} == {
        "success": True,
        "text": "No answer could be had (overloaded); the step 'it' goes on without it.",
        "degraded_mode": True,
        "original_error": "busy",
        "fallback_type": "graceful_degradation",
        "cost": 0,
        "duration_ms": 100,
        "requested_fallback": "graceful_degradation",
    }
    assert result["robustness_metadata"]["recovery_successful"] is False
    assert exhausted(context, asker, "do_a_dance")["fallback_type"] == "graceful_degradation"


@pytest.mark.parametrize(
    ("action", "marks"),
    [
        ("emergency_response", {"emergency_mode": True, "requires_attention": True}),
        ("mock_response", {"mock": True, "text": "Mock response for: Question?..."}),
        ("skip", {"skipped": True, "reason": "Every attempt failed: busy"}),
    ],
)
def test_other_fallbacks_are_successes_that_say_so(
    context: StepContext, asker: Asker, action: str, marks: dict[str, Any]
) -> None:
    result = exhausted(context, asker, action)
    assert result.items() >= {"success": True, "fallback_type": action, "original_error": "busy", **marks}.items()


def test_fail_is_a_failure(context: StepContext, asker: Asker) -> None:
    with pytest.raises(StepFailed, match="busy") as caught:
        exhausted(context, asker, "fail")
    assert (caught.value.code, caught.value.transient) == ("overloaded", False)


def test_a_simplified_prompt_is_asked_once(context: StepContext, asker: Asker) -> None:
    asker.answers = ["short answer"]
    result = exhausted(context, asker, "simplified_prompt")
    assert (result["text"], result["simplified_execution"], result["original_error"]) == ("short answer", True, "busy")
    assert asker.last.last_prompt == "Answer as simply and briefly as you can:\n\nQuestion?"


def test_when_the_fallback_fails_too_the_step_fails(context: StepContext, asker: Asker) -> None:
    asker.answers = [error_of("timeout", "still nothing")]
    with pytest.raises(StepFailed, match="both the step and its fallback failed: busy; then still nothing"):
        exhausted(context, asker, "simplified_prompt")


@pytest.mark.parametrize("action", ["cached_response", "use_cached_response"])
def test_a_cached_response_is_the_last_good_answer(
    context: StepContext, asker: Asker, memory: Memory, action: str
) -> None:
    context = replace(context, engine=memory)
    good = ask_with(context, asker, retry_config={"fallback_action": action})
    result = exhausted(context, asker, action)
    assert (result["text"], result["from_cache"], result["cost"]) == (good["text"], True, 0)
    other = exhausted(context, asker, action, prompt="Something else")
    assert other.items() >= {"text": "Mock cached response", "mock": True, "degraded_mode": True}.items()


def test_what_a_robust_step_does_not_hide(context: StepContext, asker: Asker) -> None:
    asker.answers = [PauseForBudget("spent", budget="b")]
    with pytest.raises(PauseForBudget):
        ask_with(context, asker)
    asker.answers = [PauseForBudget("spent", budget="b")]
    with pytest.raises(PauseForBudget):
        exhausted(context, asker, "simplified_prompt")
    asker.answers = [error_of("budget_exceeded", "spent")]
    with pytest.raises(StepFailed, match="spent"):
        ask_with(context, asker)
    with pytest.raises(StepFailed, match="File not found"):
        ask_with(context, asker, prompt=[{"type": "file", "path": "no.txt"}])


def test_it_runs_with_the_mock_provider(context: StepContext) -> None:
    found = runnable("claude_robust")
    prompt = "[mock:rate_limit 1] hello"
    first = found.run(params_of("claude_robust", context, prompt=prompt), context)
    assert isinstance(first, Again)
    context = replace(context, carry=first.carry, retries=1)
    result = found.run(params_of("claude_robust", context, prompt=prompt), context)
    assert result["robustness_metadata"]["recovery_successful"] is True
