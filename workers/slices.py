"""How long a slot goes on in place with what its steps release, before it is somebody else's turn."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final, Self

from django.conf import settings

from workers import neighbours
from workers.presence import presence
from workers.queued import queued

SLICES: Final = 20
"""After so many a slot ends in any case, so that what Celery shows of it comes to an end."""


class Slice:
    """Of one slot, since it took its message. Of so many seconds, if nobody can wait for it as long; `is_alone` says that nobody
    does, `is_clogged` that the process may take no further messages before slots end."""

    def __init__(
        self,
        seconds: float,
        *,
        is_alone: Callable[[], bool],
        is_clogged: Callable[[], bool],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._seconds = seconds
        self._is_alone = is_alone
        self._is_clogged = is_clogged
        self._clock = clock
        self._until = clock() + seconds
        self._last = self._until + (SLICES - 1) * seconds

    @classmethod
    def here(cls) -> Self:
        """Of a slot of this process."""
        return cls(settings.SYMPHONY_SLICE_MS / 1000, is_alone=_is_alone, is_clogged=_is_clogged)

    def lasts(self) -> bool:
        """It begins anew where nobody waits for it to end."""
        now = self._clock()
        if self._until <= now < self._last and self._is_alone() and not self._is_clogged():
            self._until = now + self._seconds
        return now < self._until

    def is_last(self) -> bool:
        """The slot may not even go on with what others wait for."""
        now = self._clock()
        return now >= self._last or (now >= self._until and self._is_clogged())

    def begin_anew(self) -> None:
        """The slot works for somebody else now."""
        self._until = self._clock() + self._seconds


def _is_alone() -> bool:
    return neighbours.there() and queued.is_empty()


def _is_clogged() -> bool:
    """So many messages lie here whose tasks have begun without them that the process may take no others: a slot that ends
    drops them."""
    return 2 * queued.dead() >= max(2, presence.slots())
