"""How a worker goes: its slots take nothing new, what runs gets its time, and what is left is handed over at once.

Handing over is one statement of the parent process, by the worker's name: it needs no help from slots, so a step that
computes for ever, or a process that hangs, holds nothing back. What was handed over is fenced: should its slot come to an
end after all, the outcome is refused.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import suppress
from typing import Final

from billiard import active_children
from django.conf import settings
from django.db import Error, connection

from apps.core.tenancy import sweeping
from apps.executions import dispatch, ledger
from workers import draining
from workers.pit import tracker
from workers.pit.journal import journal
from workers.presence import presence

logger = logging.getLogger(__name__)

HEAR_SECONDS: Final = 1.5
"""How long slots have to hear that their tasks are not theirs any more: their hearts ask once a second."""
END_SECONDS: Final = 3.0


class Departure:
    """One for each worker, in its parent process."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    def begin(self, *, at_once: bool) -> None:
        """Called by the handler of the signal that ends the worker; asked again it changes nothing."""
        draining.begin()
        if self._thread is None:
            seconds = 0.0 if at_once else settings.SYMPHONY_DRAIN_SECONDS
            self._thread = threading.Thread(
                target=self._see_to_it, args=(seconds,), name="symphony-departure", daemon=True
            )
            self._thread.start()

    def end(self) -> None:
        """The pool has ended, and with it what ran in it."""
        draining.begin()
        self._over.set()
        _hand_over("the worker was stopped")
        _say_goodbye()

    def _see_to_it(self, seconds: float) -> None:
        presence.tell_soon()
        if self._over.wait(seconds):
            return
        _hand_over(f"the worker was stopped, and the step took longer than {seconds:g} s")
        if self._over.wait(HEAR_SECONDS):
            return
        _end_pool()
        if not self._over.wait(END_SECONDS):
            # Threads cannot be ended: the process takes them along.
            logger.warning("slots of this worker do not come to an end; it ends without them")
            _say_goodbye()
            logging.shutdown()
            os._exit(0)


def _hand_over(reason: str) -> None:
    if not presence.name:
        return
    try:
        with sweeping():
            released = ledger.hand_over_all(presence.name, reason)
    except Error as error:
        logger.warning("what this worker held could not be handed over, its leases will end: %s", error)
        connection.close_if_unusable_or_obsolete()
        return
    if released:
        logger.warning("handing over %d steps: %s", len(released), reason)
    dispatch.send(released)


def _end_pool() -> None:
    """Of this worker only: the children this process has started for its pool."""
    for process in active_children():
        if process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def _say_goodbye() -> None:
    try:
        tracker.drain(END_SECONDS)
        journal.flush()
        presence.end()
    except Error as error:
        logger.warning("this worker could not take its leave: %s", error)


departure = Departure()
