"""Why a model gave no answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.contract import StepFailed

PASSING = frozenset({"rate_limit", "overloaded", "api_error", "timeout"})
"""Codes of errors that may be gone a little later."""
AWAY = PASSING - {"rate_limit"}
"""Of these, codes that say that the model is not well."""
REPEATABLE = frozenset({"output_schema"})
"""Codes of errors that are the answer's own: another attempt, if the step has a `retry`, may do better."""


class ModelError(StepFailed):
    """The provider gave no answer.

    Codes: rate_limit, overloaded, api_error, timeout (these may pass: `transient`); auth, bad_request, refused,
    no_provider, budget_exceeded (these will not: `final`); output_schema (another attempt may do better).
    """


class PauseForBudget(StepFailed):
    """The call would exceed a budget whose rule is to ask a person first.

    Caught by the step kinds, which then wait for an approval; whatever does not catch it fails with `budget_exceeded`.
    `budget` is that budget's name.
    """

    def __init__(self, message: str, *, budget: str) -> None:
        super().__init__(message, code="budget_exceeded", final=True, details={"budget": budget})
        self.budget = budget


def error_of(
    code: str, message: str, *, retry_after: float | None = None, details: Mapping[str, Any] | None = None
) -> ModelError:
    """An error that is transient or final as its code says."""
    return ModelError(
        message,
        code=code,
        transient=code in PASSING,
        final=code not in PASSING | REPEATABLE,
        retry_after=retry_after,
        details=details,
    )
