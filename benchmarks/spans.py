"""When tasks began and ended, and the figures that follow. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Span(NamedTuple):
    """Begin and end of one task, in seconds since the epoch."""

    started: float
    ended: float


def hop_ms(spans: Sequence[Span]) -> float:
    """Median time from the start of a task to the start of the next."""
    starts = sorted(span.started for span in spans)
    return statistics.median(later - earlier for earlier, later in pairwise(starts)) * 1000


def mean_hop_ms(spans: Sequence[Span]) -> float:
    starts = sorted(span.started for span in spans)
    return (starts[-1] - starts[0]) / (len(starts) - 1) * 1000


def makespan(spans: Sequence[Span]) -> float:
    """Seconds from the first start to the last end."""
    return max(span.ended for span in spans) - min(span.started for span in spans)


def throughput(spans: Sequence[Span]) -> float:
    """Tasks per second of the makespan."""
    return len(spans) / makespan(spans)
