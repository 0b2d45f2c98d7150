"""DAG tracker of the Pit: what an outcome released goes to the broker, and that it did is written down."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from time import monotonic, sleep
from typing import Final

from django.conf import settings

from apps.executions import dispatch
from apps.executions.ledger import Release
from apps.executions.models import PitOperation
from workers import neighbours
from workers.pit.journal import journal
from workers.presence import presence
from workers.queued import queued

_ALONE_SECONDS: Final = 0.25
"""How long a task waits for a slot of this worker before others are told of it, when there are none: a message costs as much
processor time as a step. A worker that comes up meanwhile hears of it that much later."""


class _Sender:
    """One thread per process that publishes for slots which go on with a step of their own meanwhile.

    What it had not sent when its process died is found by the sweep, like every message that got lost.
    """

    def __init__(self) -> None:
        self._process = 0
        self._pool: ThreadPoolExecutor | None = None
        self._last: Future[None] | None = None

    def send(self, released: Sequence[Release], patience: float) -> None:
        """Within so many seconds."""
        if self._pool is None or self._process != os.getpid():
            self._process = os.getpid()
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="symphony-sender")
        # In the sender's thread, but still on behalf of the request that this slot works for.
        self._last = self._pool.submit(copy_context().run, _send, released, monotonic() + patience)

    def drain(self, seconds: float) -> None:
        """Wait until everything is sent."""
        if self._last is not None and self._process == os.getpid():
            with suppress(TimeoutError):
                self._last.exception(seconds)


def _send(released: Sequence[Release], due_at: float) -> None:
    sleep(max(0.0, due_at - monotonic()))
    if monotonic() - due_at > settings.SYMPHONY_RESEND_SECONDS:
        # The broker was away for so long that the sweep has taken it over.
        return
    dispatch.send([release for release in released if not queued.withdraw(str(release.task_id))])


_sender = _Sender()


def release(released: Sequence[Release], *, taken: int = 0, at_once: bool = True, ending: bool = False) -> None:
    """Send released tasks; `taken` are those the worker goes on with itself. `at_once` is false when it does not want
    to wait for the broker, `ending` is true when its slot is idle after this."""
    if not released:
        return
    first = released[0]
    journal.record(
        first.organization_id,
        task_id=first.task_id,
        kind=PitOperation.Kind.DAG_TRACKING,
        context={"released": len(released), "taken_along": taken, "critical_path_seconds": first.rank},
    )
    released = neighbours.wake(released, ending=ending)
    if not released:
        return
    if at_once and not neighbours.there():
        dispatch.send(released)
    else:
        # Nobody else could take them: messages are for those who come to it.
        _sender.send(released, _ALONE_SECONDS if neighbours.there() and presence.is_alone() else 0.0)


def drain(seconds: float) -> None:
    """Before a process ends in order: let what is released be sent."""
    _sender.drain(seconds)
