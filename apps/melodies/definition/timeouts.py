"""The timeouts a step may have besides the one for a single attempt (`timeout_seconds`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .fields import read_number
from .problems import ProblemList

LONGEST_TIMEOUT: Final = 366 * 24 * 3600.0

QUEUE: Final = "queue_timeout_seconds"
HEARTBEAT: Final = "heartbeat_timeout_seconds"
TOTAL: Final = "total_timeout_seconds"
TIMEOUT_FIELDS: Final = (QUEUE, HEARTBEAT, TOTAL)
DEFAULT_TIMEOUTS: Final = (QUEUE, TOTAL)
"""Those a workflow may give all of its steps. How often a step gives a sign of life is a matter of that step."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds: from ready to begun, between two signs of life, and from ready to done with every further attempt and
    all waiting. None: no such limit."""

    queue: float | None = None
    heartbeat: float | None = None
    total: float | None = None

    def over(self, defaults: Timeouts) -> Timeouts:
        """These, and where they say nothing the defaults."""
        return Timeouts(
            defaults.queue if self.queue is None else self.queue,
            defaults.heartbeat if self.heartbeat is None else self.heartbeat,
            defaults.total if self.total is None else self.total,
        )


NO_TIMEOUTS: Final = Timeouts()


def read_timeouts(mapping: Mapping[str, Any], names: Collection[str], pointer: str, problems: ProblemList) -> Timeouts:
    """Those of `names` that a step, or the defaults, say."""

    def seconds(name: str) -> float | None:
        return read_number(mapping, name, pointer, problems, most=LONGEST_TIMEOUT) if name in names else None

    return Timeouts(seconds(QUEUE), seconds(HEARTBEAT), seconds(TOTAL))
