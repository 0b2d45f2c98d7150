"""Stale manager of the Pit: the sweep. It finds what was lost, what is due, and what was never sent.

Any number of sweeps may run; each takes rows nobody else has locked. Whatever the broker forgot comes back through
here, so the broker is never needed to recover.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from django.conf import settings
from django.db import Error, connection
from kombu.exceptions import OperationalError

from apps.core.tenancy import sweeping
from apps.executions import dispatch, ledger
from apps.executions.ledger import Release
from workers.pit.chores import Chores
from workers.routing import QUEUES

logger = logging.getLogger(__name__)

BATCH = 500


def sweep_once() -> int:
    """One pass over everything that is due; how many tasks it moved or sent."""
    with sweeping():
        released = ledger.sweep(BATCH)
    dispatch.send(released)
    return len(released) + sum(_send_unsent(queue) for queue in QUEUES)


def sweep_until(stop: threading.Event) -> None:
    """Sweep again and again, at once while there is much to do; troubles are told and tried again."""
    moved = 0
    chores = Chores()
    while not stop.wait(0 if moved >= BATCH else settings.SYMPHONY_SWEEP_SECONDS):
        try:
            moved = sweep_once()
            chores.do_due()
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
