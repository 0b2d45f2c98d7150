"""An orderly end on Ctrl-C, SIGTERM and SIGHUP."""

from __future__ import annotations

import signal
from types import FrameType


class Stopped(BaseException):
    """A signal asked us to stop."""


class StopRequests:
    """Turns the first such signal into `Stopped`, in the main thread; more of them may not tear the orderly end apart."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if not self.asked:
            self.asked = True
            raise Stopped
