"""A worker's signs of life, from its parent process: who it is, what it takes, how many slots it has.

Each answer says which routes there are for it, so that a worker begins to take steps that require what it has as soon as
a run needs them. The pool may be busy for hours: the parent process only passes messages on and can always speak.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from celery.worker import state
from django.conf import settings
from django.db import Error, connection

from apps.core.ids import uuid7
from apps.executions import ledger
from apps.executions.models import WorkerState
from workers import draining

logger = logging.getLogger(__name__)

_POOLS: Final = {"thread": "threads"}
_PAGE_KB: Final = os.sysconf("SC_PAGE_SIZE") // 1024


class Presence:
    """What this worker tells of itself, and the thread that tells it."""

    def __init__(self) -> None:
        self.consumer: Any = None
        self.name = ""
        self._identity: dict[str, Any] = {}
        self._stuck = 0
        self._alone = False
        self._soon = threading.Event()
        self._over = False
        self._telling = threading.Lock()

    def begin(self, consumer: Any) -> None:
        """The worker is ready; also after it has lost its broker and found it again."""
        self.consumer = consumer
        if self._identity:
            return
        self.name = consumer.hostname
        self._identity = _identity(consumer)
        threading.Thread(target=self._keep_telling, name="symphony-presence", daemon=True).start()

    def tell_soon(self) -> None:
        """Something has changed: do not wait for the next turn."""
        self._soon.set()

    def slots(self) -> int:
        """How many steps this worker may run at a time; 0 before it is ready."""
        return 0 if self.consumer is None else max(1, self.consumer.pool.num_processes)

    def is_alone(self) -> bool:
        """As of its last sign of life, no other worker takes what this one takes."""
        return self._alone

    def report_stuck(self, count: int) -> None:
        """So many slots hold a step that does not come back."""
        if count != self._stuck:
            self._stuck = count
            self.tell_soon()

    def end(self) -> None:
        """This worker has ended."""
        with self._telling:
            if not self._identity or self._over:
                return
            self._over = True
            self._soon.set()
            ledger.leave(self.name, os.getpid())

    def tell(self) -> None:
        """One sign of life."""
        leaving = draining.draining()
        row = {
            **self._identity,
            "slots": max(1, self.consumer.pool.num_processes),
            "stuck": self._stuck,
            "state": WorkerState.DRAINING if leaving else WorkerState.ONLINE,
        }
        with self._telling:
            if self._over:
                return
            routes = ledger.beat(row)
            self._alone = not leaving and all(
                ledger.slots_for(route) <= row["slots"] - row["stuck"] for route in routes
            )
        if not leaving:
            self.consumer.call_soon(self._follow, routes)
            self._recycle_when_due()

    def _keep_telling(self) -> None:
        while not self._over:
            try:
                self.tell()
            except Error as error:
                logger.warning("a sign of life could not be given, trying again: %s", error)
                connection.close_if_unusable_or_obsolete()
            finally:
                if settings.SYMPHONY_DATABASE_POOL:
                    connection.close()
            self._soon.wait(settings.SYMPHONY_WORKER_BEAT_SECONDS)
            self._soon.clear()
        connection.close()

    def _follow(self, routes: list[str]) -> None:
        """In the consumer's own thread: take messages from these routes and no others."""
        consumer = self.consumer
        if consumer.task_consumer is None or draining.draining():
            return
        queues = consumer.app.amqp.queues
        taken = set(queues.consume_from)
        try:
            for name in routes:
                if name not in taken and queues[name] is not None:
                    consumer.add_task_queue(name)
            for name in taken.difference(routes):
                consumer.cancel_task_queue(name)
        except consumer.connection_errors + consumer.channel_errors as error:
            logger.warning("the broker is away, routes are looked at again: %s", error)

    def _recycle_when_due(self) -> None:
        """Processes of a pool are replaced by Celery; a worker of threads has to go as a whole."""
        if self._identity["pool"] == "prefork":
            return
        megabytes, most = _resident_kb() // 1024, settings.SYMPHONY_RECYCLE_MB
        served, enough = state.all_total_count[0], settings.SYMPHONY_RECYCLE_MESSAGES
        if most and megabytes > most:
            draining.recycle(f"it has grown to {megabytes} MB, and SYMPHONY_RECYCLE_MB is {most}")
        elif enough and served >= enough:
            draining.recycle(f"it has served {served} messages, and SYMPHONY_RECYCLE_MESSAGES is {enough}")


def _identity(consumer: Any) -> dict[str, Any]:
    pool = type(consumer.pool).__module__.rpartition(".")[2]
    queues = [name for name in consumer.app.amqp.queues.consume_from if "+" not in name]
    return {
        "id": str(uuid7()),
        "name": consumer.hostname,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "pool": _POOLS.get(pool, pool),
        "queues": sorted(queues),
        "capabilities": list(settings.SYMPHONY_WORKER_CAPABILITIES),
        "version": settings.SYMPHONY_VERSION,
        "started_at": datetime.now(UTC).isoformat(),
    }


def _resident_kb() -> int:
    """Of this process, now; 0 where /proc does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_KB
    except OSError:
        return 0


presence = Presence()


def report_stuck(count: int) -> None:
    """So many slots of this worker hold a step that does not come back."""
    presence.report_stuck(count)
