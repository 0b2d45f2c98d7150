"""Metrics in Prometheus' text format: what this process (and the children of a worker) counted, and what the database says.

The children of a worker share files in the folder that `PROMETHEUS_MULTIPROC_DIR` names. Nothing imports `prometheus_client`
before somebody wants to show metrics.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final

from apps.core import metrics
from apps.core.metrics import METRICS, Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"


class PrometheusSink:
    """Counts with prometheus_client. `registry` has this process's numbers, `text` those of the whole worker."""

    def __init__(self, *, shared: bool = False) -> None:
        """`shared`: this process will have children whose numbers belong to its own."""
        if shared:
            _share()
        self._client: Any = import_module("prometheus_client")
        self.registry = self._client.CollectorRegistry()
        self._shared = shared
        self._made = {metric: self._make(metric) for metric in METRICS}

    def _make(self, metric: Metric) -> Any:
        given: dict[str, Any] = {"labelnames": metric.labels, "registry": self.registry}
        if metric.kind == "histogram":
            return self._client.Histogram(metric.name, metric.help, buckets=metric.buckets, **given)
        if metric.kind == "level":
            return self._client.Gauge(metric.name, metric.help, multiprocess_mode="livesum", **given)
        return self._client.Counter(metric.name, metric.help, **given)

    def add(self, metric: Metric, amount: float, labels: tuple[str, ...]) -> None:
        made = self._made[metric]
        (made.labels(*labels) if labels else made).inc(amount)

    def observe(self, metric: Metric, value: float, labels: tuple[str, ...]) -> None:
        made = self._made[metric]
        (made.labels(*labels) if labels else made).observe(value)

    def forget_child(self, pid: int) -> None:
        """A child has ended: its levels count no longer, its counters stay."""
        if self._shared:
            _multiprocess().mark_process_dead(pid)

    def text(self, *, collectors: Iterable[Any] = ()) -> bytes:
        """All of it, with what these collectors find besides."""
        client = self._client
        own = client.CollectorRegistry()
        if self._shared:
            _multiprocess().MultiProcessCollector(own)
        for collector in collectors:
            own.register(collector)
        told: bytes = client.generate_latest(own)
        return told if self._shared else client.generate_latest(self.registry) + told


def _multiprocess() -> Any:
    return import_module("prometheus_client.multiprocess")


def _share() -> None:
    folder = tempfile.mkdtemp(prefix="symphony-metrics-")
    os.environ[_SHARED] = folder
    # Whoever imported it before (the command line of Celery loads Flower, and Flower does) made it choose without the folder.
    values: Any = import_module("prometheus_client.values")
    values.ValueClass = values.get_value_class()
    owner = os.getpid()

    def tidy() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(tidy)


def show(*, shared: bool = False) -> PrometheusSink:
    """Count from now on in this process."""
    sink = PrometheusSink(shared=shared)
    metrics.install(sink)
    return sink
