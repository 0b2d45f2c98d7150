"""Tasks that wait for a slot of this very process, as far as it knows: what a slot that has ended its step goes on with.

It knows of messages it has taken from its broker and not begun with, and of what its own slots have released and given to the
broker. A slot that ends a step and is left with nothing claims one of these tasks in the statement that records its outcome; its
message, should it come here, is dropped when its turn comes. Nothing depends on any of this: who claims first has the task,
and a message that comes too late finds nothing. Only workers of threads know what waits in them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum, auto
from time import monotonic
from typing import Final
from uuid import UUID

from apps.executions.ledger import HandOver, Release

_FORGET_SECONDS: Final = 5.0
"""What was offered here and has gone elsewhere is not remembered for longer."""


class _Fate(Enum):
    WAITS = auto()
    CHOSEN = auto()
    """A slot is asking for the task."""
    CLAIMED = auto()
    """A slot has it."""


@dataclass(slots=True)
class _Waiting:
    organization_id: str
    rank: float
    here: bool
    """Its message lies in this process, so a slot will come to it."""
    release: Release | None = None
    """What a slot of this process has offered."""
    fate: _Fate = _Fate.WAITS
    since: float = field(default_factory=monotonic)


class Queued:
    """By task, the oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[str, _Waiting] = {}

    def offer(self, release: Release) -> None:
        """A slot of this process has released the task, and it is about to be sent."""
        task_id = str(release.task_id)
        with self._lock:
            self._forget_old()
            known = self._tasks.get(task_id)
            here = known is not None and known.here
            self._tasks[task_id] = _Waiting(str(release.organization_id), release.rank, here, release)

    def offered(self) -> list[Release]:
        """What waits and has no message here: a slot that ends would not come to it."""
        with self._lock:
            return [
                known.release
                for known in self._tasks.values()
                if known.release is not None and not known.here and known.fate is _Fate.WAITS
            ]

    def withdraw(self, task_id: str) -> bool:
        """Before it is sent: whether a slot of this process has claimed the task already. Then nobody else needs to hear of it."""
        with self._lock:
            known = self._tasks.get(task_id)
            if known is None or known.fate is not _Fate.CLAIMED:
                return False
            if not known.here:
                del self._tasks[task_id]
            return True

    def arrived(self, organization_id: str, task_id: str, rank: float) -> None:
        """A message has come and waits for a slot."""
        with self._lock:
            known = self._tasks.get(task_id)
            if known is None or (not known.here and known.fate is _Fate.CLAIMED):
                # For all one knows here, the task has been released once more.
                self._tasks[task_id] = _Waiting(organization_id, rank, here=True)
            else:
                known.here = True

    def begun(self, task_id: str) -> bool:
        """A slot has come to the message. False: its task is claimed already, and the message is to be dropped."""
        with self._lock:
            known = self._tasks.pop(task_id, None)
            return known is None or known.fate is not _Fate.CLAIMED

    def dead(self) -> int:
        """Messages that lie here and are to be dropped."""
        with self._lock:
            return sum(known.here and known.fate is _Fate.CLAIMED for known in self._tasks.values())

    def is_empty(self) -> bool:
        """Nothing waits here. While few messages lie here, dead ones included, nothing waits in the broker either."""
        with self._lock:
            return all(known.fate is not _Fate.WAITS for known in self._tasks.values())

    def choose(self, *, oldest: bool) -> tuple[str, str] | None:
        """Organization and task to go on with: the oldest, or of its run that of the highest rank. No other slot is given it
        until it is said what came of it: `claimed` or `put_back`."""
        with self._lock:
            waiting = [(task, known) for task, known in self._tasks.items() if known.fate is _Fate.WAITS]
            if not waiting:
                return None
            task, chosen = waiting[0]
            if not oldest:
                run = _run_of(task)
                task, chosen = max((each for each in waiting if _run_of(each[0]) == run), key=lambda each: each[1].rank)
            chosen.fate = _Fate.CHOSEN
            return chosen.organization_id, task

    def claimed(self, task_id: str) -> None:
        """The slot that had chosen the task has it, or it is not to be had."""
        with self._lock:
            known = self._tasks.get(task_id)
            if known is not None:
                known.fate = _Fate.CLAIMED

    def put_back(self, task_id: str) -> None:
        """The slot has found something else, or has to ask in another way."""
        with self._lock:
            known = self._tasks.get(task_id)
            if known is not None:
                known.fate = _Fate.WAITS

    def learn(self, task_id: str, handed: HandOver, *, final: bool) -> bool:
        """What came of asking for the chosen task, maybe among other things; whether the slot has it. `final`: nothing more
        would come of its message than has come of this."""
        taken = any(each["task"] == task_id for each in handed.taken)
        if taken or final:
            self.claimed(task_id)
        else:
            self.put_back(task_id)
        return taken

    def _forget_old(self) -> None:
        latest = monotonic() - _FORGET_SECONDS
        for task_id, known in list(self._tasks.items()):
            if not known.here and known.since <= latest:
                del self._tasks[task_id]


def _run_of(task_id: str) -> int:
    """The first 96 bits of a task's id are its run's (ledger_task_id)."""
    return UUID(task_id).int >> 32


queued: Final = Queued()
