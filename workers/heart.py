"""Signs of life: one thread per worker process prolongs the leases of what runs in it.

A task whose lease could not be prolonged is not ours any more (the run was cancelled, or the sweep gave the task to
another worker): its step is told to stop, and its outcome will be refused.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import Error, connection

from apps.executions import ledger

logger = logging.getLogger(__name__)

_CANCEL_LOOK_SECONDS = 1.0


@dataclass(slots=True)
class _Held:
    organization: str
    lease: str
    since: float = field(default_factory=monotonic)
    cancelled: threading.Event = field(default_factory=threading.Event)


class Heart:
    """What this process holds, and the thread that keeps it."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._process = 0

    def hold(self, claimed: Mapping[str, Any]) -> None:
        """Keep the lease of a claimed task alive until `release`."""
        with self._lock:
            self._held[claimed["task"]] = _Held(claimed["organization"], claimed["lease"])
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(target=self._beat, name="symphony-heart", daemon=True).start()

    def release(self, task_id: str) -> None:
        """The task is done with."""
        with self._lock:
            self._held.pop(task_id, None)

    def cancelled(self, task_id: str) -> threading.Event:
        """Set when the task is not ours any more."""
        return self._held[task_id].cancelled

    def _beat(self) -> None:
        interval = min(settings.SYMPHONY_LEASE_SECONDS / 3, _CANCEL_LOOK_SECONDS)
        pause = threading.Event()
        while not pause.wait(interval):
            try:
                self._renew(older_than=interval)
            except Error as error:
                logger.warning("leases could not be prolonged, trying again: %s", error)
                connection.close_if_unusable_or_obsolete()

    def _renew(self, older_than: float) -> None:
        """Steps that are over within one beat never cost a renewal."""
        by_organization: dict[str, dict[str, str]] = defaultdict(dict)
        start = monotonic()
        with self._lock:
            for task_id, held in self._held.items():
                if start - held.since >= older_than and not held.cancelled.is_set():
                    by_organization[held.organization][task_id] = held.lease
        for organization, leases in by_organization.items():
            kept = ledger.renew(organization, leases)
            for task_id in leases.keys() - kept:
                self._tell_lost(task_id, leases[task_id])

    def _tell_lost(self, task_id: str, lease: str) -> None:
        with self._lock:
            held = self._held.get(task_id)
            if held is not None and held.lease == lease:
                held.cancelled.set()


heart = Heart()
