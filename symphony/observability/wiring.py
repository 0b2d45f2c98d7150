"""What each process shows of itself, and how it begins: the web on its own address, workers and sweeps on a port of theirs."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final

from celery import signals
from django.conf import settings

from symphony.observability import checks, pulse
from symphony.observability.access import Access
from symphony.observability.prometheus import PrometheusSink, show
from symphony.observability.serving import Shown, serve
from symphony.observability.tracing import sender
from workers.pit import stale
from workers.routing import served_queues

LOOPBACK: Final = ("127.0.0.0/8", "::1/128")


class Web:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sink: PrometheusSink | None = None
        self._collectors: Sequence[Any] = ()

    def begin(self) -> None:
        with self._lock:
            if self._sink is None:
                self._sink = show()
                self._collectors = _collectors(database=True)

    def text(self) -> bytes:
        self.begin()
        if self._sink is None:
            raise AssertionError("begin has made it")
        return self._sink.text(collectors=self._collectors)


web: Final = Web()


def _collectors(*, database: bool) -> list[Any]:
    # It imports prometheus_client, which a worker may do only when its folder is named.
    collecting: Any = import_module("symphony.observability.collecting")
    own: list[Any] = [collecting.PoolCollector()]
    if database:
        own += [collecting.DatabaseCollector(), collecting.BrokerCollector(served_queues)]
    return own


def web_access() -> Access:
    return Access(settings.SYMPHONY_METRICS_TOKEN, tuple(settings.SYMPHONY_METRICS_ALLOW))


def begin_web() -> None:
    """Count from the first request on, if anybody may ever read it."""
    if web_access().is_open:
        web.begin()


def _serve(sink: PrometheusSink, *, database: bool, alive: Callable[[], str | None], kind: str) -> None:
    """Without a token or list, whoever is on this machine may read."""
    access = Access(settings.SYMPHONY_METRICS_TOKEN, tuple(settings.SYMPHONY_METRICS_ALLOW) or LOOPBACK)
    collectors = _collectors(database=database)
    shown = Shown(
        metrics=lambda: sink.text(collectors=collectors),
        alive=lambda: {kind: alive()},
        ready=lambda: {kind: alive(), **checks.of_worker()},
        access=access,
    )
    serve(settings.SYMPHONY_METRICS_HOST, settings.SYMPHONY_METRICS_PORT, shown)


# -- workers ---------------------------------------------------------------------------------------------------------

_worker: list[Any] = []


@signals.worker_init.connect
def _show_worker(sender: Any = None, **_: Any) -> None:
    """In the parent process, before its pool is forked: the children inherit what they count with."""
    if settings.SYMPHONY_METRICS_PORT:
        _worker[:] = [show(shared="prefork" in str(getattr(sender, "pool_cls", "")))]


@signals.worker_ready.connect
def _serve_worker(**_: Any) -> None:
    own = pulse.Pulse(settings.SYMPHONY_HEALTH_DIR, "worker")
    stop = pulse.beat_in_background(own)
    if _worker:
        _serve(_worker[0], database=False, alive=lambda: None, kind="worker")
    _worker[1:] = [own, stop]


@signals.worker_process_shutdown.connect
def _forget_child(pid: int | None = None, **_: Any) -> None:
    if _worker and isinstance(_worker[0], PrometheusSink):
        _worker[0].forget_child(pid or os.getpid())


@signals.worker_shutdown.connect
def _end_worker(**_: Any) -> None:
    for own in _worker:
        if isinstance(own, pulse.Pulse):
            own.end()
        elif isinstance(own, threading.Event):
            own.set()


# -- the sweep -------------------------------------------------------------------------------------------------------


class _Sweep:
    def __init__(self) -> None:
        self._pulse: pulse.Pulse | None = None

    def begin(self, **_: Any) -> None:
        self._pulse = pulse.Pulse(settings.SYMPHONY_HEALTH_DIR, "sweep")
        self._pulse.beat()
        if settings.SYMPHONY_METRICS_PORT:
            _serve(show(), database=True, alive=self._alive, kind="sweep")

    def passed(self, **_: Any) -> None:
        if self._pulse is not None:
            self._pulse.beat()

    def end(self, **_: Any) -> None:
        if self._pulse is not None:
            self._pulse.end()

    @staticmethod
    def _alive() -> str | None:
        return pulse.look(settings.SYMPHONY_HEALTH_DIR, "sweep")


_sweep: Final = _Sweep()
stale.sweep_begins.connect(_sweep.begin)
stale.sweep_begins.connect(sender.begin)
stale.sweep_ends.connect(sender.end)
stale.sweep_passed.connect(_sweep.passed)
stale.sweep_ends.connect(_sweep.end)


# -- logs ------------------------------------------------------------------------------------------------------------


@signals.setup_logging.connect
def _keep_logging(loglevel: int | str | None = None, **_: Any) -> None:
    """Celery would bring a format of its own; the lines of a worker look like all others. Its option `-l` still holds."""
    if loglevel is not None and not os.environ.get("SYMPHONY_LOG_LEVEL"):
        logging.getLogger().setLevel(loglevel)
