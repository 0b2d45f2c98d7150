"""Sends traces of runs that have ended to a collector, from the sweep's process. Off, and not even loaded, unless one is named.

Best effort, and never in anybody's way: one of the sweeps does it, in a thread of its own. What it has sent is remembered
in the cache; without it the last minute is sent once more, under the same ids.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import Error, connection
from redis import RedisError

from apps.core.tenancy import sweeping
from apps.executions.models import Event, Execution
from apps.executions.queries import tasks_of

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 2.0
SPANS: Final = 500
_LAG: Final = timedelta(seconds=1)
_OVERLAP: Final = timedelta(seconds=10)
"""A run whose transaction took long to commit shows up behind others."""
_LOCK: Final = "symphony-traces-sender"
_MARK: Final = "symphony-traces-until"
_REMEMBERED: Final = 10_000


class Exporter:
    """To one collector."""

    def __init__(self, endpoint: str, ratio: float) -> None:
        exporting: Any = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resources: Any = import_module("opentelemetry.sdk.resources")
        self._traces: Any = import_module("symphony.observability.traces")
        address = endpoint if endpoint.rstrip("/").endswith("/v1/traces") else f"{endpoint.rstrip('/')}/v1/traces"
        self._exporter = exporting.OTLPSpanExporter(endpoint=address)
        self._resource = resources.Resource.create({"service.name": "symphony", "host.name": socket.gethostname()})
        self._ratio = ratio
        self._sent: OrderedDict[UUID, None] = OrderedDict()

    def send_ended(self, since: datetime, until: datetime) -> int:
        """Send the runs that ended in between and were not sent yet; how many. ExportFailed: the collector does not answer."""
        count = 0
        with sweeping():
            ended = list(
                Execution.objects.filter(updated_at__gte=since, completed_at__gte=since, completed_at__lt=until)
                .order_by("completed_at")
                .values_list("pk", flat=True)
            )
        for execution_id in ended:
            if execution_id not in self._sent:
                if self._traces.is_sampled(execution_id, self._ratio):
                    self.send(execution_id)
                    count += 1
                self._remember(execution_id)
        return count

    def _remember(self, execution_id: UUID) -> None:
        self._sent[execution_id] = None
        if len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)

    def send(self, execution_id: UUID) -> None:
        """One run, in portions: of 50,000 steps too."""
        spans = self._spans(execution_id)
        while portion := list(islice(spans, SPANS)):
            if self._exporter.export(portion).name != "SUCCESS":
                raise ExportFailed(str(execution_id))

    def _spans(self, execution_id: UUID) -> Iterator[Any]:
        with sweeping():
            run = Execution.objects.select_related("melody").get(pk=execution_id)
            created = Event.objects.filter(execution_id=execution_id, event_type="execution_created").first()
        trace = self._traces.RunTrace(run, self._resource)
        yield trace.root(created.payload if created else {})
        last = None
        while True:
            with sweeping():
                tasks = tasks_of(execution_id).defer("output", "carry").filter(**({"pk__gt": last} if last else {}))
                page = list(tasks[:SPANS])
                ids = [task.pk for task in page]
                told = self._traces.by_task(
                    Event.objects.filter(execution_id=execution_id, task_id__in=ids).order_by("position", "id")
                    if ids
                    else ()
                )
            yield from trace.steps(page, told)
            if len(page) < SPANS:
                return
            last = page[-1].pk


class ExportFailed(Exception):
    """The collector did not take it."""


class Sender:
    """The thread."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def begin(self, **_: Any) -> None:
        endpoint = settings.SYMPHONY_TRACES_ENDPOINT
        if endpoint:
            threading.Thread(target=self._run, args=[endpoint], name="symphony-traces", daemon=True).start()

    def end(self, **_: Any) -> None:
        self._stop.set()

    def _run(self, endpoint: str) -> None:
        try:
            exporter = Exporter(endpoint, settings.SYMPHONY_TRACES_RATIO)
        except ImportError:
            logger.warning("traces are not sent: the extra is not installed (pip install 'symphony[opentelemetry]')")
            return
        while not self._stop.wait(PAUSE_SECONDS):
            try:
                send_once(exporter)
            except (Error, RedisError, OSError, ExportFailed) as error:
                logger.warning("traces could not be sent, tried again: %s", error)
                connection.close_if_unusable_or_obsolete()


def send_once(exporter: Exporter) -> int:
    """What has ended since the last time, unless another sweep is at it; how many runs."""
    if not cache.add(_LOCK, "1", timeout=30):
        return 0
    try:
        until = datetime.now(UTC) - _LAG
        mark = cache.get(_MARK)
        since = datetime.fromisoformat(mark) if mark else until - timedelta(minutes=1)
        count = exporter.send_ended(since - _OVERLAP, until)
        cache.set(_MARK, until.isoformat(), timeout=24 * 3600)
        return count
    finally:
        cache.delete(_LOCK)


sender: Final = Sender()
