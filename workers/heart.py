"""Signs of life: one thread per worker process prolongs the leases of what runs in it.

A task whose lease could not be prolonged is not ours any more (the run was cancelled, the step was out of time, or the
sweep gave the task to another worker): its step is told to stop, and its outcome will be refused. What does not stop then
is stopped (`workers.stopping`).
"""

from __future__ import annotations

import logging
import os
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import Error, connection

from apps.core import metrics
from apps.executions import ledger
from workers import stopping

logger = logging.getLogger(__name__)

_CANCEL_LOOK_SECONDS = 1.0


@dataclass(slots=True)
class Held:
    """A claimed task. `told_at`: when its step was told to stop; `thread`: where it runs, while it does."""

    claimed: Mapping[str, Any]
    since: float = field(default_factory=monotonic)
    cancelled: threading.Event = field(default_factory=threading.Event)
    told_at: float | None = None
    thread: int | None = None
    watched: bool = False
    """It has a heartbeat timeout."""
    beat_at: float | None = None


class Heart:
    """What this process holds, and the thread that keeps it."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        """By lease."""
        self._lock = threading.Lock()
        self._process = 0

    def hold(self, claimed: Mapping[str, Any]) -> None:
        """Keep the lease of a claimed task alive until `release`."""
        watched = "beat" in claimed.get("options", {}).get("limits", ())
        held = Held(claimed, watched=watched)
        with self._lock:
            self._held[claimed["lease"]] = held
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(target=self._keep_beating, name="symphony-heart", daemon=True).start()

    def release(self, lease: str) -> None:
        """The claim is done with. The task itself may be claimed again by now, in this very process."""
        with self._lock:
            self._held.pop(lease, None)

    def cancelled(self, lease: str) -> threading.Event:
        """Set when the claimed task is not ours any more."""
        return self._held[lease].cancelled

    @contextmanager
    def running(self, lease: str) -> Iterator[threading.Event]:
        """While the step of a held task runs in this thread; gives what tells it to stop."""
        held = self._held[lease]
        held.thread = threading.get_ident()
        try:
            yield held.cancelled
        finally:
            held.thread = None

    def beat(self, lease: str) -> None:
        """A sign of life of the step itself; it is passed on with the next renewal."""
        held = self._held.get(lease)
        if held is not None:
            held.beat_at = monotonic()

    def _keep_beating(self) -> None:
        interval = min(settings.SYMPHONY_LEASE_SECONDS / 3, _CANCEL_LOOK_SECONDS)
        pause = threading.Event()
        while not pause.wait(interval):
            stopping.watch_over_process()
            try:
                self._renew(older_than=interval)
                self._pass_on_beats()
            except Error as error:
                logger.warning("leases could not be prolonged, trying again: %s", error)
                connection.close_if_unusable_or_obsolete()
            self._stop_what_does_not_heed()

    def _renew(self, older_than: float) -> None:
        """Steps that are over within one beat never cost a renewal."""
        by_organization: dict[str, dict[str, str]] = defaultdict(dict)
        start = monotonic()
        with self._lock:
            for lease, held in self._held.items():
                if start - held.since >= older_than and not held.cancelled.is_set():
                    by_organization[held.claimed["organization"]][lease] = held.claimed["task"]
        for organization, tasks in by_organization.items():
            for lease in tasks.keys() - ledger.renew(organization, tasks):
                self._tell_lost(lease)

    def _tell_lost(self, lease: str) -> None:
        with self._lock:
            held = self._held.get(lease)
            if held is not None:
                held.told_at = monotonic()
                held.cancelled.set()
                metrics.count(metrics.LEASES_LOST)

    def _pass_on_beats(self) -> None:
        by_organization: dict[str, dict[str, tuple[str, float]]] = defaultdict(dict)
        now = monotonic()
        with self._lock:
            for lease, held in self._held.items():
                if held.beat_at is not None and held.watched:
                    by_organization[held.claimed["organization"]][lease] = (held.claimed["task"], now - held.beat_at)
                    held.beat_at = None
        for organization, beats in by_organization.items():
            ledger.heartbeats(organization, beats)

    def _stop_what_does_not_heed(self) -> None:
        latest = monotonic() - settings.SYMPHONY_CANCEL_GRACE_SECONDS
        with self._lock:
            deaf = [
                stopping.Deaf(held.claimed, held.thread)
                for held in self._held.values()
                if held.thread is not None and held.told_at is not None and held.told_at <= latest
            ]
            others = [held.claimed for held in self._held.values() if not held.cancelled.is_set()]
        stopping.stop(deaf, others)


heart = Heart()
