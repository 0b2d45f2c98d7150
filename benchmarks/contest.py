"""What a system under test must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from benchmarks.spans import Span
from symphony.supervisor import ProcessSpec

THREADS = 16
"""Slots of every worker of waiting steps, Symphony's and Celery's alike."""
LENGTH = 100
WIDTH = 1000


def deadline(tasks: int) -> float:
    """Seconds one run of so many tasks may take before it counts as stuck."""
    return 60.0 + tasks * 0.05


class System(Protocol):
    @property
    def name(self) -> str: ...

    def processes(self, *, events: bool) -> Sequence[ProcessSpec]: ...

    def chain(self, length: int) -> Sequence[Span]: ...

    def fan(self, width: int) -> Sequence[Span]: ...
