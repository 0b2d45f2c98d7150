"""DAG tracker of the Pit: what an outcome released goes to the broker, and that it did is written down."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

from apps.executions import dispatch
from apps.executions.ledger import Release
from apps.executions.models import PitOperation
from workers.pit.journal import journal


class _Sender:
    """One thread per process that publishes for slots which go on with a step of their own meanwhile.

    What it had not sent when its process died is found by the sweep, like every message that got lost.
    """

    def __init__(self) -> None:
        self._process = 0
        self._pool: ThreadPoolExecutor | None = None
        self._last: Future[None] | None = None

    def send(self, released: Sequence[Release]) -> None:
        if self._pool is None or self._process != os.getpid():
            self._process = os.getpid()
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="symphony-sender")
        # In the sender's thread, but still on behalf of the request that this slot works for.
        self._last = self._pool.submit(copy_context().run, dispatch.send, released)

    def drain(self, seconds: float) -> None:
        """Wait until everything is sent."""
        if self._last is not None and self._process == os.getpid():
            self._last.exception(seconds)


_sender = _Sender()


def release(released: Sequence[Release], *, taken: int = 0, at_once: bool = True) -> None:
    """Send released tasks; `taken` are those the worker goes on with itself. `at_once` is false when it does not want
    to wait for the broker."""
    if not released:
        return
    first = released[0]
    journal.record(
        first.organization_id,
        task_id=first.task_id,
        kind=PitOperation.Kind.DAG_TRACKING,
        context={"released": len(released), "taken_along": taken, "critical_path_seconds": first.rank},
    )
    if at_once:
        dispatch.send(released)
    else:
        _sender.send(released)


def drain(seconds: float) -> None:
    """Before a process ends in order: let what is released be sent."""
    _sender.drain(seconds)
