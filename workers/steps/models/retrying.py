"""`retry_config`: which failures are tried again, and after how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.contract import Again, StepContext, StepFailed
from workers.steps.models.options import RetryConfig

CONDITIONS = ("timeout", "rate_limit", "temporary_error")
LONGEST_SECONDS = 3600.0
HISTORY = "error_history"
_KEPT = 101


@dataclass(frozen=True, slots=True)
class Policy:
    """Retry k (from 0) waits `base * 2**k`, `base * (k + 1)` or `base` seconds, an hour at most, and never less than the
    provider asked for."""

    max_retries: int = 3
    strategy: str = "exponential"
    base_seconds: float = 1.0
    most_seconds: float = LONGEST_SECONDS
    conditions: tuple[str, ...] = CONDITIONS

    @classmethod
    def of(cls, *configs: RetryConfig | None) -> Policy | None:
        """The first config that says something; None when none does."""
        config = next((config for config in configs if config is not None), None)
        if config is None:
            return None
        conditions = config.retry_conditions if config.retry_conditions is not None else config.retry_on
        return cls(
            max_retries=3 if config.max_retries is None else config.max_retries,
            strategy=config.backoff_strategy or "exponential",
            base_seconds=1.0 if config.base_delay_ms is None else config.base_delay_ms / 1000,
            most_seconds=min(config.max_delay_ms / 1000, LONGEST_SECONDS) if config.max_delay_ms else LONGEST_SECONDS,
            conditions=CONDITIONS if conditions is None else tuple(conditions),
        )

    def covers(self, failure: StepFailed) -> bool:
        """Whether the failure's code or text contains one of the conditions. `temporary_error` is any failure that may
        pass; `api_error` also one of an overloaded provider."""
        told = _plain(f"{failure.code} {failure}")
        if failure.code == "overloaded":
            told += " api error"
        if failure.transient:
            told += " temporary error"
        return any(_plain(condition) in told for condition in self.conditions)

    def delay(self, retry: int, failure: StepFailed) -> float:
        """Seconds before a retry, counted from 0."""
        grown = {"exponential": 2.0 ** min(retry, 32), "linear": retry + 1.0}.get(self.strategy, 1.0)
        return max(min(self.base_seconds * grown, self.most_seconds), min(failure.retry_after or 0.0, LONGEST_SECONDS))

    def again(self, step: StepContext, failure: StepFailed) -> Again | None:
        """The next attempt, which knows the errors before it; None when there is none."""
        history = history_of(step)
        if len(history) >= self.max_retries or not self.covers(failure):
            return None
        return Again(
            delay=self.delay(len(history), failure),
            carry={HISTORY: [*history, entry(len(history) + 1, failure)]},
            error={"code": failure.code, "message": str(failure)[:1000]},
        )


def history_of(step: StepContext) -> list[dict[str, Any]]:
    """The errors of the attempts before this one, oldest first."""
    carried = step.carry.get(HISTORY) if isinstance(step.carry, Mapping) else None
    return [dict(item) for item in carried if isinstance(item, Mapping)][:_KEPT] if isinstance(carried, list) else []


def entry(attempt: int, failure: StepFailed, **more: Any) -> dict[str, Any]:
    """One failed attempt, as results and events show it."""
    return {"attempt": attempt, "error": str(failure)[:1000], "code": failure.code, **more}


def _plain(text: str) -> str:
    return text.lower().replace("_", " ")
