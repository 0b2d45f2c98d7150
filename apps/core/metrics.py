"""What this process counts and measures of itself, by name. Whoever shows it installs a sink; without one it costs a look.

Labels have few values, all known to whoever wrote the code or set the server up: kinds of steps, names of queues and of
routes, outcomes. Nothing of a tenant, no ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, Protocol

_MOMENTS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_STEPS: Final = (0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """`levels` go up and down and are summed over the processes of a worker."""

    name: str
    help: str
    kind: Literal["counter", "histogram", "level"]
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


STEP_SECONDS: Final = Metric(
    "symphony_step_seconds", "Time in which a worker ran a step, by kind.", "histogram", ("kind",), _STEPS
)
STEPS: Final = Metric(
    "symphony_steps", "Claims of steps that ended, by kind and outcome.", "counter", ("kind", "outcome")
)
DISPATCH_SECONDS: Final = Metric(
    "symphony_dispatch_seconds", "From the release of a step to its claim.", "histogram", ("queue",), _MOMENTS
)
HOP_SECONDS: Final = Metric(
    "symphony_hop_seconds", "From sending a message to a slot taking it up.", "histogram", ("queue",), _MOMENTS
)
SLOTS_BUSY: Final = Metric("symphony_slots_busy", "Slots of this worker that work on a message.", "level")
LEASES_LOST: Final = Metric(
    "symphony_leases_lost",
    "Leases of this worker that could not be prolonged: cancelled, or given to another.",
    "counter",
)
WORKERS_LOST: Final = Metric(
    "symphony_worker_processes_lost", "Processes of this worker's pool that died at work.", "counter"
)
SWEEP_SECONDS: Final = Metric(
    "symphony_sweep_seconds", "How long one pass of the sweep took.", "histogram", (), _MOMENTS
)
SWEEP_MOVED: Final = Metric("symphony_sweep_moved", "Steps that the sweep released or sent again.", "counter")
SWEEP_FAILURES: Final = Metric("symphony_sweep_failures", "Passes of the sweep that failed.", "counter")
SENT: Final = Metric("symphony_steps_sent", "Steps that were sent to the broker.", "counter")
SEND_FAILURES: Final = Metric(
    "symphony_send_failures", "Sendings that found no broker; the sweep does them again.", "counter"
)
HTTP_SECONDS: Final = Metric(
    "symphony_http_seconds", "Answers of the web, by route.", "histogram", ("method", "route", "status"), _MOMENTS
)
STREAMS: Final = Metric("symphony_streams", "Live streams that are open.", "level")

METRICS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))


class Sink(Protocol):
    def add(self, metric: Metric, amount: float, labels: tuple[str, ...]) -> None:
        """To a counter or a level."""

    def observe(self, metric: Metric, value: float, labels: tuple[str, ...]) -> None: ...


_sink: Sink | None = None


def install(sink: Sink | None) -> None:
    """From now on, what is counted goes there; None: nowhere."""
    global _sink  # noqa: PLW0603 - one look at a global is all it costs when nobody shows anything
    _sink = sink


def enabled() -> bool:
    return _sink is not None


def count(metric: Metric, *labels: str, amount: float = 1) -> None:
    if _sink is not None:
        _sink.add(metric, amount, labels)


def observe(metric: Metric, seconds: float, *labels: str) -> None:
    """Clocks of two hosts may disagree: less than nothing is nothing."""
    if _sink is not None:
        _sink.observe(metric, max(seconds, 0.0), labels)


@contextmanager
def inside(metric: Metric, *labels: str) -> Iterator[None]:
    """One more of a level for the block."""
    count(metric, *labels)
    try:
        yield
    finally:
        count(metric, *labels, amount=-1)


__all__ = ["METRICS", "Metric", "Sink", "count", "enabled", "inside", "install", "observe"]
