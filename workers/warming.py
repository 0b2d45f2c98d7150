"""Before a worker's first message: connections are open and sessions have compiled what they will be asked.

Sixteen slots that meet their first steps at once would otherwise have sixteen sessions compile at once: the last of them
begins a quarter of a second later.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError
from typing import Final

from django.conf import settings
from django.db import Error, connection

from apps.executions import ledger

logger = logging.getLogger(__name__)

_TOGETHER_SECONDS: Final = 10.0
_LEFT_FREE: Final = 4
"""Connections of the pool that a first message finds free meanwhile."""


_MOST: Final = 16
"""Sessions stay open, and a server has only so many: more come when they are needed."""


def warm_up(slots: int) -> None:
    """Make the sessions of so many slots ready, in the background."""
    sessions = min(slots, settings.SYMPHONY_DATABASE_POOL - _LEFT_FREE, _MOST)
    if sessions > 0:
        threading.Thread(target=_all_at_once, args=(sessions,), name="symphony-rehearsal", daemon=True).start()


def _all_at_once(sessions: int) -> None:
    # None may come back before the last is taken, or it would be taken twice.
    taken = Barrier(sessions)
    with ThreadPoolExecutor(sessions, thread_name_prefix="symphony-rehearsal") as threads:
        ready = sum(threads.map(lambda _: _is_ready(taken), range(sessions)))
    logger.info("%d sessions are ready", ready)


def _is_ready(taken: Barrier) -> bool:
    try:
        ledger.rehearse()
        taken.wait(_TOGETHER_SECONDS)
    except Error as error:
        taken.abort()
        logger.info("a session could not be made ready, it will be with its first step: %s", error)
        return False
    except BrokenBarrierError:
        pass
    finally:
        connection.close()
    return True
