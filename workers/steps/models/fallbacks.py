"""What claude_robust does when every attempt has failed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workers.contract import StepContext, StepFailed
from workers.models import errors
from workers.steps.content.written import dumped
from workers.steps.models.asking import Ask, is_mocked
from workers.steps.models.claude_call import Question, put, with_prompt

DEFAULT = "graceful_degradation"
CACHED = frozenset({"cached_response", "use_cached_response"})
_SIMPLE_CHARACTERS = 1000
_LONGEST_CACHED = 200_000


@dataclass(frozen=True, slots=True)
class Failed:
    """The last failure, what was asked, and a way to ask once more."""

    failure: StepFailed
    asked: Question
    step: StepContext
    ask: Ask

    @property
    def error(self) -> str:
        return str(self.failure)[:1000]


def fall_back(action: str, failed: Failed) -> dict[str, Any]:
    """The result instead of an answer. An action nobody knows degrades gracefully. Raises StepFailed when the action is
    to fail, or when it fails itself."""
    return ACTIONS.get(action, _degrade)(failed) | {"requested_fallback": action}


def _told(failed: Failed, kind: str, text: str, **more: Any) -> dict[str, Any]:
    return {"success": True, "text": text, **more, "original_error": failed.error, "fallback_type": kind, "cost": 0}


def _degrade(failed: Failed) -> dict[str, Any]:
    text = f"No answer could be had ({failed.failure.code}); the step {failed.step.name!r} goes on without it."
    return _told(failed, DEFAULT, text, degraded_mode=True) | {"duration_ms": 100}


def _emergency(failed: Failed) -> dict[str, Any]:
    text = f"The step {failed.step.name!r} failed for good ({failed.failure.code}) and needs somebody's attention."
    return _told(failed, "emergency_response", text, emergency_mode=True, requires_attention=True)


def _mock(failed: Failed) -> dict[str, Any]:
    text = f"Mock response for: {failed.asked.request.last_prompt[:50]}..."
    return _told(failed, "mock_response", text, mock=True, degraded_mode=True)


def _skip(failed: Failed) -> dict[str, Any]:
    reason = f"Every attempt failed: {failed.error}"
    return _told(failed, "skip", "", skipped=True, reason=reason)


def _fail(failed: Failed) -> dict[str, Any]:
    failure = failed.failure
    raise StepFailed(str(failure), code=failure.code, details=failure.details) from failure


def _simplify(failed: Failed) -> dict[str, Any]:
    """One short question instead. When that fails too, the step fails."""
    wanted = failed.asked.request.last_prompt[:_SIMPLE_CHARACTERS]
    simple = with_prompt(failed.asked, f"Answer as simply and briefly as you can:\n\n{wanted}")
    try:
        result = put(simple, failed.step, failed.ask)
    except errors.PauseForBudget:
        raise
    except StepFailed as second:
        raise StepFailed(
            f"both the step and its fallback failed: {failed.error}; then {str(second)[:500]}", code=second.code
        ) from second
    return result | {
        "fallback_type": "simplified_prompt",
        "original_error": failed.error,
        "simplified_execution": True,
    }


def _cached(failed: Failed) -> dict[str, Any]:
    """The last good answer to the same question; under the mock provider a made-up one when there is none."""
    record = (
        failed.step.engine.session(_key(failed.asked, failed.step), persistent=True) if failed.step.engine else None
    )
    response = record.get("response") if isinstance(record, Mapping) else None
    more = {"fallback_type": "cached_response", "original_error": failed.error, "from_cache": True}
    if isinstance(response, Mapping):
        return {**response, **more, "cost": 0}
    if is_mocked(failed.step, "anthropic"):
        return _told(failed, "cached_response", "Mock cached response", mock=True, from_cache=True, degraded_mode=True)
    raise StepFailed(
        f"there is no cached answer to fall back on; the step failed with: {failed.error}", code=failed.failure.code
    )


def remember(action: str | None, asked: Question, step: StepContext, result: Mapping[str, Any]) -> None:
    """Keep a good answer where a later failure of the same step, asking the same, falls back on it."""
    if action in CACHED and step.engine is not None and len(dumped(dict(result))) <= _LONGEST_CACHED:
        step.engine.save_session(_key(asked, step), {"response": dict(result)}, persistent=True)


def _key(asked: Question, step: StepContext) -> str:
    digest = hashlib.sha256(f"{step.name}\n{asked.request.system}\n{asked.request.last_prompt}".encode()).hexdigest()
    return f"cached_response/{digest[:32]}"


ACTIONS: dict[str, Callable[[Failed], dict[str, Any]]] = {
    DEFAULT: _degrade,
    "emergency_response": _emergency,
    "mock_response": _mock,
    "skip": _skip,
    "fail": _fail,
    "simplified_prompt": _simplify,
    **dict.fromkeys(CACHED, _cached),
}
