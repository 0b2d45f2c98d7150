"""How long a slot goes on in place with what its steps release, before it is somebody else's turn."""

from __future__ import annotations

from time import monotonic
from typing import Final

from django.conf import settings

from workers import neighbours
from workers.presence import presence
from workers.queued import queued

_SLICES: Final = 20
"""After so many a slot ends in any case, so that what Celery shows of it comes to an end."""


class Slice:
    """Of one slot, since it took its message."""

    def __init__(self) -> None:
        self._seconds = settings.SYMPHONY_SLICE_MS / 1000
        self._until = monotonic() + self._seconds
        self._last = self._until + (_SLICES - 1) * self._seconds

    def lasts(self) -> bool:
        """It begins anew where nobody waits for it to end."""
        now = monotonic()
        if self._until <= now < self._last and neighbours.there() and queued.is_empty() and not _is_clogged():
            self._until = now + self._seconds
        return now < self._until

    def is_last(self) -> bool:
        """The slot may not even go on with what others wait for."""
        now = monotonic()
        return now >= self._last or (now >= self._until and _is_clogged())

    def begin_anew(self) -> None:
        """The slot works for somebody else now."""
        self._until = monotonic() + self._seconds


def _is_clogged() -> bool:
    """So many messages lie here whose tasks have begun without them that the process may take no others: a slot that ends
    drops them."""
    return 2 * queued.dead() >= max(2, presence.slots())
