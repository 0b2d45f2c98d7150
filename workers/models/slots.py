"""Room for one call: slots and tokens in the pools of its model, asked for before it and given back after."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final

from apps.executions import ledger
from workers.contract import StepContext, WaitForLimit

logger = logging.getLogger(__name__)

PATIENCE: Final = 2.0
"""Seconds a step waits with its slot for a call: longer than that it waits as a row, and begins anew."""
LONGEST_NAME: Final = 120


class Room:
    """What one call has of its model's pools. Give it back once; a second time is nothing."""

    def __init__(self, step: StepContext, names: Sequence[str], tokens: int) -> None:
        self._step = step
        self._names = names
        self._tokens = tokens
        self._open = True

    def give_back(self, used: int, *, healthy: bool | None) -> None:
        """The call took so many tokens; `healthy`: whether the model gave an answer, None says nothing of it."""
        if self._open:
            self._open = False
            ledger.end_call(
                self._step.workflow.organization_id,
                self._step.task_id,
                self._names,
                self._tokens,
                used,
                healthy=healthy,
            )


def take(
    step: StepContext, *, provider: str, model: str, tokens: int, seconds: float, mock: bool = False
) -> Room | None:
    """Room for a call of at most `tokens` tokens and `seconds`, None where nothing is limited. Raises WaitForLimit when there will be none for a while.

    The mock provider costs nobody anything: it takes of the organization's own pools, never of those all organizations share.
    """
    names = [model[:LONGEST_NAME], f"{provider}/{model}"[:LONGEST_NAME], provider[:LONGEST_NAME]]
    until = monotonic() + PATIENCE
    while True:
        refusal = ledger.reserve_call(
            step.workflow.organization_id, step.task_id, step.attempt, names, tokens, seconds, shared=not mock
        )
        if refusal is None:
            return Room(step, names, tokens)
        if refusal.pool is None:
            return None
        logger.info("step %s waits for the pool %s: %s", step.name, refusal.pool, refusal.reason)
        if monotonic() + refusal.seconds > until:
            raise WaitForLimit(refusal.pool, refusal.reason, datetime.now(UTC) + timedelta(seconds=refusal.seconds))
        step.sleep(refusal.seconds)
