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
    task: str
    since: float = field(default_factory=monotonic)
    cancelled: threading.Event = field(default_factory=threading.Event)


class Heart:
    """What this process holds, and the thread that keeps it."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        """By lease."""
        self._lock = threading.Lock()
        self._process = 0

    def hold(self, claimed: Mapping[str, Any]) -> None:
        """Keep the lease of a claimed task alive until `release`."""
        with self._lock:
            self._held[claimed["lease"]] = _Held(claimed["organization"], claimed["task"])
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(target=self._beat, name="symphony-heart", daemon=True).start()

    def release(self, lease: str) -> None:
        """The claim is done with. The task itself may be claimed again by now, in this very process."""
        with self._lock:
            self._held.pop(lease, None)

    def cancelled(self, lease: str) -> threading.Event:
        """Set when the claimed task is not ours any more."""
        return self._held[lease].cancelled

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
            for lease, held in self._held.items():
                if start - held.since >= older_than and not held.cancelled.is_set():
                    by_organization[held.organization][lease] = held.task
        for organization, tasks in by_organization.items():
            for lease in tasks.keys() - ledger.renew(organization, tasks):
                self._tell_lost(lease)

    def _tell_lost(self, lease: str) -> None:
        with self._lock:
            held = self._held.get(lease)
            if held is not None:
                held.cancelled.set()


heart = Heart()
