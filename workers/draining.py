"""Whether this worker is on its way out: then its slots take nothing new.

One byte of memory that the worker's parent process shares with its pool: asking costs nothing, and a process of the pool
that is busy needs not be told.
"""

from __future__ import annotations

import logging
import mmap
import os
import signal
import threading

logger = logging.getLogger(__name__)

_parent = os.getpid()
_flag = mmap.mmap(-1, 1)
"""Made when this module is imported, so before the pool is forked."""
_once = threading.Lock()


def draining() -> bool:
    """Whether this worker takes nothing new any more."""
    return _flag[0] != 0


def begin() -> None:
    """From now on nothing new is taken."""
    _flag[0] = 1


def recycle(reason: str) -> None:
    """End this worker in order; what looks after it starts it again. Asked again it changes nothing."""
    if not _once.acquire(blocking=False):
        return
    logger.warning("this worker ends and is to be started again: %s", reason)
    os.kill(_parent, signal.SIGTERM)


__all__ = ["begin", "draining", "recycle"]
