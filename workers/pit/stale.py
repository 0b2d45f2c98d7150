"""Stale manager of the Pit: the sweep. It finds what was lost, what is due, and what was never sent.

Any number of sweeps may run; each takes rows nobody else has locked. Whatever the broker forgot comes back through
here, so the broker is never needed to recover.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import Error, connection
from django.dispatch import Signal
from kombu.exceptions import OperationalError

from apps.core import metrics
from apps.core.tenancy import sweeping
from apps.executions import dispatch, ledger
from apps.executions.ledger import Release, Swept
from workers.insisting import insist
from workers.pit.chores import Chores
from workers.routing import served_queues

logger = logging.getLogger(__name__)

BATCH = 500

sweep_begins, sweep_passed, sweep_ends = Signal(), Signal(), Signal()
"""Of a process that sweeps; `sweep_passed` after every pass, also after one that failed."""
PORTION = 64
MOST_DECIDED = 100
"""Failures decided about in one pass; of the others a worker decides, as of any step that is sent."""

Decide = Callable[[Release], list[Release]]
"""What becomes of a task that has failed outside a worker (`workers.undecided`); what that released."""


def sweep_once(decide: Decide) -> int:
    """One pass over everything that is due; how many tasks it moved or sent."""
    with sweeping():
        due = ledger.due_runs(BATCH)
    out = _Outgoing(decide)
    for run in due:
        for tasks in run.portions():
            out.add(_sweep(run.execution_id, tasks))
    out.send()
    return out.count + _grant() + sum(_send_unsent(queue) for queue in served_queues())


def _grant() -> int:
    """Give slots of pools that came back by themselves to who waits for them, and fill the dispatch windows."""
    with sweeping():
        released = ledger.tend_pools()
    dispatch.send(released)
    for queue in served_queues():
        with sweeping():
            granted = ledger.tend(queue)
        dispatch.send(granted)
        released += granted
    return len(released)


class _Outgoing:
    """What a pass has released, sent in portions; and what is to be decided here."""

    def __init__(self, decide: Decide) -> None:
        self.count = 0
        self._decide = decide
        self._waiting: list[Release] = []
        self._decided = 0

    def add(self, swept: Swept) -> None:
        here = swept.undecided[: max(0, MOST_DECIDED - self._decided)]
        self._decided += len(here)
        self.count += len(swept.released) + len(swept.undecided)
        self._waiting += [*swept.released, *swept.undecided[len(here) :]]
        for failed in here:
            self._waiting += self._decide(failed)
        if len(self._waiting) >= PORTION:
            self.send()

    def send(self) -> None:
        waiting, self._waiting = self._waiting, []
        dispatch.send(waiting)


def _sweep(execution_id: UUID, tasks: Sequence[UUID]) -> Swept:
    def sweep() -> Swept:
        with sweeping():
            return ledger.sweep_run(execution_id, tasks)

    return insist(sweep)


def sweep_until(stop: threading.Event, decide: Decide) -> None:
    """Sweep again and again, at once while there is much to do; troubles are told and tried again."""
    moved = 0
    chores = Chores()
    sweep_begins.send(sender=None)
    while not stop.wait(0 if moved >= BATCH else settings.SYMPHONY_SWEEP_SECONDS):
        began = monotonic()
        try:
            moved = sweep_once(decide)
            metrics.observe(metrics.SWEEP_SECONDS, monotonic() - began)
            metrics.count(metrics.SWEEP_MOVED, amount=moved)
            chores.do_due()
        except (Error, OperationalError, OSError) as error:
            moved = 0
            metrics.count(metrics.SWEEP_FAILURES)
            logger.warning("this pass of the sweep failed, the next will try again: %s", error)
            connection.close_if_unusable_or_obsolete()
        sweep_passed.send(sender=None)
    sweep_ends.send(sender=None)


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
