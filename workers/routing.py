"""Queues. `steps` is served by process workers, `calls` (steps that mostly wait) by thread workers."""

from __future__ import annotations

STEPS = "steps"
CALLS = "calls"
QUEUES = (STEPS, CALLS)
