"""The end of steps that do not heed that they are to stop.

A step that was cancelled, or has run out of time, hears of it and comes back by itself. One that computes, or waits for
something that never comes, does not. What its slot is then worth depends on the pool: a process ends itself, and another
takes its place; a thread cannot be ended, so its slot is reported stuck, and a worker of which too much is stuck goes in
order and is started again.

In both cases the step's task is not ours any more: nothing is lost, and nobody waits for it.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import traceback
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from celery import signals
from django.conf import settings
from django.db import Error

from apps.executions import dispatch, ledger
from workers import draining
from workers.outcomes import Claimed
from workers.pit import tracker
from workers.pit.journal import journal
from workers.presence import presence

logger = logging.getLogger(__name__)

OWN_END: Final = signal.SIGVTALRM
"""How a process of the pool ends itself: as fast as any signal, and unlike those others send. Nothing it still held is
lost then, so there is nothing to give back; see `ended_itself`."""

_FRAMES_TOLD: Final = 12


@dataclass(frozen=True, slots=True)
class Deaf:
    """A claimed task whose step was told to stop and has not come back; `thread` is where it runs."""

    claimed: Claimed
    thread: int


class _Pool:
    """Which sort of slot this process is. Set in a process of a pool, when it begins."""

    of_processes = False
    told: frozenset[str] = frozenset()
    """Leases of stuck threads that the log has been told of."""


@signals.worker_process_init.connect
def _note_process(**_: object) -> None:
    _Pool.of_processes = True


def stop(deaf: Sequence[Deaf], others: Sequence[Claimed]) -> None:
    """Called with every beat of the heart. `others` are the claims this process holds besides."""
    if _Pool.of_processes:
        if deaf:
            _end_process(deaf, others)
        return
    new = [step for step in deaf if step.claimed["lease"] not in _Pool.told]
    _Pool.told = frozenset(step.claimed["lease"] for step in deaf)
    for step in new:
        logger.error("%s; a thread cannot be ended, so its slot is lost. It is at\n%s", _what(step), _where(step))
    presence.report_stuck(len(deaf))
    slots = presence.slots()
    if deaf and slots and len(deaf) / slots >= settings.SYMPHONY_MAX_STUCK_SHARE:
        draining.recycle(f"{len(deaf)} of its {slots} slots hold steps that do not stop")


def watch_over_process() -> None:
    """A process of the pool that cannot even run this line for so long that its leases have ended is held by code that
    does not let others run; then the interpreter itself ends it. Called with every beat."""
    if not _Pool.of_processes or sys.__stderr__ is None:
        return
    seconds = settings.SYMPHONY_LEASE_SECONDS + settings.SYMPHONY_CANCEL_GRACE_SECONDS
    try:
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__)
    except (OSError, ValueError):
        logger.debug("there is nowhere to write to in the end, so there is no watch")


def ended_itself(loss: object) -> bool:
    """Whether what Celery says of a lost process means that it ended itself here. The task of its message may be claimed
    anew by now, under the same name: that claim is not lost."""
    return OWN_END.name in str(loss)


def _end_process(deaf: Sequence[Deaf], others: Sequence[Claimed]) -> None:
    for step in deaf:
        logger.error("%s; its process ends. It is at\n%s", _what(step), _where(step))
    number: signal.Signals = OWN_END
    try:
        _hand_back(others)
        for step in deaf:
            if step.claimed.get("pooled"):
                dispatch.send(ledger.pool_stopped(step.claimed))
    except Error as error:
        logger.warning("what this slot held besides could not be given back, its worker reports it lost: %s", error)
        number = signal.SIGKILL
    try:
        tracker.drain(1)
        journal.flush()
    except (Error, TimeoutError) as error:
        logger.warning("the last words of this process are lost: %s", error)
    os.kill(os.getpid(), number)


def _hand_back(others: Sequence[Claimed]) -> None:
    by_organization: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for claimed in others:
        by_organization[claimed["organization"]].append((claimed["task"], claimed["lease"]))
    for organization, tasks in by_organization.items():
        dispatch.send(ledger.give_back(organization, tasks, "a step of the same slot did not stop"))


def _what(step: Deaf) -> str:
    seconds = settings.SYMPHONY_CANCEL_GRACE_SECONDS
    return f"step {step.claimed['name']} (task {step.claimed['task']}) was told to stop and has not come back for {seconds:g} s"


def _where(step: Deaf) -> str:
    frame = sys._current_frames().get(step.thread)  # noqa: SLF001 - there is no other way to look at a thread
    return "" if frame is None else "".join(traceback.format_stack(frame)[-_FRAMES_TOLD:])


__all__ = ["OWN_END", "Deaf", "ended_itself", "stop", "watch_over_process"]
