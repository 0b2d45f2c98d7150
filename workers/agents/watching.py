"""The step as an adapter sees it: told of updates, which become events, and asked whether to go on."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Any, Final

from django.db import DatabaseError, InterfaceError

from workers.agents.plain import shortened
from workers.contract import StepCancelled, StepContext, TimedOut
from workers.storable import as_far_as_storable

logger = logging.getLogger(__name__)

MOST_UPDATES: Final = 500
LONGEST_UPDATE: Final = 8_000
"""Characters of JSON."""


class StepWatch:
    """Records up to 500 updates of a call as events while it runs; the rest is counted."""

    def __init__(self, step: StepContext, *, stream: bool) -> None:
        self._step = step
        self._stream = stream
        self._number = 0

    @property
    def left_out(self) -> int:
        return max(self._number - MOST_UPDATES, 0) if self._stream else self._number

    def update(self, kind: str, data: Any) -> None:
        self._number += 1
        engine = self._step.engine
        if not self._stream or engine is None or self._number > MOST_UPDATES:
            return
        told = {"step": self._step.name, "number": self._number, "kind": kind, "data": as_far_as_storable(data)}
        try:
            engine.progress("agent_update", shortened(told, LONGEST_UPDATE))
            engine.release_database()
        except (DatabaseError, InterfaceError) as error:
            # The result is worth more than the way to it.
            logger.warning("an update of an agent could not be recorded: %s", error)

    def check(self) -> None:
        if self._step.cancelled.is_set():
            raise StepCancelled(self._step.name)
        if self._step.deadline is not None and monotonic() >= self._step.deadline:
            raise TimedOut(self._step.name)


__all__ = ["StepWatch"]
