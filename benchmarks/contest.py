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
DEADLINE_SECONDS = 60.0
"""For one run of one workload."""


class System(Protocol):
    @property
    def name(self) -> str: ...

    def processes(self, *, events: bool) -> Sequence[ProcessSpec]: ...

    def chain(self, length: int) -> Sequence[Span]: ...

    def fan(self, width: int) -> Sequence[Span]: ...
