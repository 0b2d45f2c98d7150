"""What is asked when somebody looks: the database, the broker, the pool of connections."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from time import monotonic
from typing import Any, Final, Generic, TypeVar

from django.conf import settings
from django.db import Error, connection
from kombu.exceptions import OperationalError
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from apps.core.tenancy import staff, sweeping
from apps.executions import dispatch, ledger
from symphony.database.base import pools

logger = logging.getLogger(__name__)

FRESH_SECONDS: Final = 5.0
"""So long an answer is given again: many scrapers must not cost the database more than one."""
_STATEMENT_MS: Final = 5000
_MOST_QUEUES: Final = 100

Family = GaugeMetricFamily | CounterMetricFamily


T = TypeVar("T")


class _Kept(Generic[T]):
    """An answer that is asked for anew when it is older than a few seconds; None when it could not be had."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._found: T | None = None
        self._at = float("-inf")

    def get(self) -> T | None:
        with self._lock:
            if monotonic() - self._at > FRESH_SECONDS:
                self._found = self._tried()
                self._at = monotonic()
            return self._found

    def _tried(self) -> T | None:
        try:
            return self._ask()
        except (Error, OperationalError, OSError) as error:
            logger.warning("a gauge cannot be read: %s", error)
            connection.close_if_unusable_or_obsolete()
            return None


def _gauge(name: str, told: str, rows: Iterable[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()) -> Family:
    family = GaugeMetricFamily(f"symphony_{name}", told, labels=labels)
    for values, number in rows:
        family.add_metric(values, float(number))
    return family


def read_gauges() -> dict[str, Any]:
    """Of all organizations: the web as staff, workers as the sweep."""
    scope: AbstractContextManager[None] = staff() if settings.SYMPHONY_ROLE == "web" else sweeping()
    with scope:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(_STATEMENT_MS)])
        return ledger.gauges(with_names=settings.SYMPHONY_METRICS_TENANTS)


class DatabaseCollector:
    """Runs, steps, queues and workers, as the database has them. Every process tells the same: take the largest."""

    def __init__(self) -> None:
        self._kept = _Kept(read_gauges)

    def describe(self) -> list[Family]:
        return []

    def collect(self) -> Iterator[Family]:
        found = self._kept.get()
        yield _gauge("database_reachable", "1 when the database answered.", [((), float(found is not None))])
        if found is None:
            return
        queues = _queues(found)[:_MOST_QUEUES]
        for field, name, told in (
            ("ready", "queue_ready", "Released steps nobody has claimed, of runs that are not paused."),
            ("held", "queue_held", "Of them, those the dispatch window holds back."),
            ("executing", "queue_executing", "Steps that execute."),
            ("oldest_seconds", "queue_oldest_seconds", "Since when the oldest of the released steps waits."),
        ):
            yield _gauge(name, told, [((queue,), state[field]) for queue, state in queues], ("queue",))
        yield _gauge("waiting", "Steps that wait as rows, by what for.", _by_name(found["waiting"]), ("for",))
        yield _gauge("executions", "Runs that are not over, by status.", _by_name(found["executions"]), ("status",))
        yield _gauge(
            "executions_ended", "Runs that are kept and over, by status.", _by_name(found["ended"]), ("status",)
        )
        yield _gauge(
            "sweep_overdue_seconds", "How long something due was left undone.", [((), found["overdue_seconds"])]
        )
        yield _gauge(
            "leases_over", "Steps whose lease has ended and that nobody took back yet.", [((), found["leases_over"])]
        )
        expiries = CounterMetricFamily("symphony_lease_expiries", "Leases that ended and that a sweep took back.")
        expiries.add_metric((), float(found["lease_expiries"]))
        yield expiries
        yield from _workers(found["workers"])
        for field, told in (
            ("slots", "Slots of the limits that have any."),
            ("taken", "Slots of limits that are taken."),
        ):
            values = [((kind,), row[field]) for kind, row in sorted(found["pools"].items())]
            yield _gauge("pool_slots" if field == "slots" else "pool_slots_taken", told, values, ("kind",))
        yield from _organizations(found.get("organizations"))


def _queues(found: Mapping[str, Any]) -> list[tuple[str, dict[str, float]]]:
    """Those that called a worker and those in the backlog, of each queue."""
    nothing = {"ready": 0, "executing": 0, "held": 0, "oldest_seconds": 0}
    told = []
    for queue in sorted({*found["queues"], *found["held"]}):
        sent, held = {**nothing, **found["queues"].get(queue, {})}, {**nothing, **found["held"].get(queue, {})}
        oldest = max(sent["oldest_seconds"], held["oldest_seconds"])
        ready = sent["ready"] + held["held"]
        told.append((queue, {**sent, "ready": ready, "held": held["held"], "oldest_seconds": oldest}))
    return told


def _by_name(counts: Mapping[str, float]) -> list[tuple[tuple[str, ...], float]]:
    return [((name,), number) for name, number in sorted(counts.items())]


def _workers(rows: Iterable[Mapping[str, Any]]) -> Iterator[Family]:
    told = [((row["queue"], row["state"]), row) for row in rows]
    labels = ("queue", "state")
    yield _gauge("workers", "Workers, by queue and state.", [(key, row["workers"]) for key, row in told], labels)
    yield _gauge("worker_slots", "Their slots.", [(key, row["slots"]) for key, row in told], labels)
    yield _gauge(
        "worker_slots_stuck",
        "Slots with a step that does not stop.",
        [(key, row["stuck"]) for key, row in told],
        labels,
    )


def _organizations(rows: Mapping[str, Mapping[str, float]] | None) -> Iterator[Family]:
    """Only where the operator has asked for names of tenants."""
    if rows is None:
        return
    for field, told in (("ready", "Released steps nobody has claimed."), ("executing", "Steps that execute.")):
        values = [((slug,), row[field]) for slug, row in sorted(rows.items())]
        yield _gauge(f"organization_{field}", told, values, ("organization",))


class BrokerCollector:
    """Whether the broker answers, and how many messages lie in each queue."""

    def __init__(self, queues: Callable[[], Iterable[str]]) -> None:
        self._queues = queues
        self._kept = _Kept(self._depths)

    def _depths(self) -> dict[str, int]:
        return dispatch.queue_depths(list(self._queues())[:_MOST_QUEUES])

    def describe(self) -> list[Family]:
        return []

    def collect(self) -> Iterator[Family]:
        depths = self._kept.get()
        yield _gauge("broker_reachable", "1 when the broker answered.", [((), float(depths is not None))])
        if depths is not None:
            yield _gauge("broker_messages", "Messages that lie in a queue.", _by_name(depths), ("queue",))


class PoolCollector:
    """The connections that the threads of this process share; nothing where each keeps its own."""

    def describe(self) -> list[Family]:
        return []

    def collect(self) -> Iterator[Family]:
        found = pools()
        if not found:
            return
        for name, told, numbers in (
            ("size", "Connections the pool may hold.", [pool.size for pool in found]),
            ("open", "Connections it holds.", [pool.open_connections for pool in found]),
            ("idle", "Of them, those nobody uses.", [pool.idle_connections for pool in found]),
        ):
            yield _gauge(f"database_pool_{name}", told, [((), sum(numbers))])
