"""Stale manager of the Pit: the sweep. It finds what was lost, what is due, and what was never sent.

Any number of sweeps may run; each takes rows nobody else has locked. Whatever the broker forgot comes back through
here, so the broker is never needed to recover.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic

from django.conf import settings
from django.db import Error, connection
from kombu.exceptions import OperationalError

from apps.accounts.services import forget_idempotency_keys
from apps.billing.services.expiry import expire_due
from apps.core.tenancy import sweeping
from apps.executions import dispatch, ledger
from apps.executions.ledger import Release
from apps.executions.models import CachedResult
from apps.signin.services.sessions import forget_old_sessions
from apps.spending.services import close_lost
from workers.pit.retention import forget_expired
from workers.routing import QUEUES

logger = logging.getLogger(__name__)

BATCH = 500
STATISTICS_SECONDS = 2.0
"""How often the statistics of melodies are brought up to date."""
MELODIES_COUNTED = 200
BOOKS_SECONDS = 10.0
"""How often model calls are looked for that nobody settled, and kept results whose time is over."""


def sweep_once() -> int:
    """One pass over everything that is due; how many tasks it moved or sent."""
    with sweeping():
        released = ledger.sweep(BATCH)
    dispatch.send(released)
    return len(released) + sum(_send_unsent(queue) for queue in QUEUES)


def sweep_until(stop: threading.Event) -> None:
    """Sweep again and again, at once while there is much to do; troubles are told and tried again."""
    moved = 0
    books = statistics = 0.0
    while not stop.wait(0 if moved >= BATCH else settings.SYMPHONY_SWEEP_SECONDS):
        try:
            moved = sweep_once()
            if monotonic() >= statistics:
                refresh_statistics()
                statistics = monotonic() + STATISTICS_SECONDS
            if monotonic() >= books:
                close_lost()
                expire_due()
                _forget_results()
                forget_expired()
                books = monotonic() + BOOKS_SECONDS
        except (Error, OperationalError, OSError) as error:
            moved = 0
            logger.warning("this pass of the sweep failed, the next will try again: %s", error)
            connection.close_if_unusable_or_obsolete()


def _send_unsent(queue: str) -> int:
    """Send what nobody claimed in time, as far as the queue has room: what waits in it may still be claimed."""
    room = dispatch.SWEEP_WINDOW - dispatch.queue_depth(queue)
    if room <= 0:
        return 0
    with sweeping():
        released: Sequence[Release] = ledger.unsent(queue, room)
    if released:
        logger.info("sending %d tasks of queue %s again", len(released), queue)
    dispatch.send(released)
    return len(released)


def refresh_statistics() -> int:
    """Count the runs of melodies anew; how many melodies were counted."""
    with sweeping():
        return ledger.refresh_statistics(MELODIES_COUNTED)


def _forget_results() -> None:
    """Delete kept results and answers whose time is over."""
    with sweeping():
        forget_idempotency_keys()
        forget_old_sessions()
        CachedResult.objects.filter(expires_at__lt=datetime.now(UTC)).delete()
