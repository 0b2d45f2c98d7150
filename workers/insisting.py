"""Ledger calls that lose a deadlock or their connection are made again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connection

logger = logging.getLogger(__name__)

R = TypeVar("R")

_DEADLOCK = "40P01"
_TRIES = 5


def insist(call: Callable[[], R]) -> R:
    """Repeat a ledger call that lost a deadlock or its connection. Safe: a recorded outcome is recorded once."""
    pause = threading.Event()
    for tries in range(1, _TRIES):
        try:
            return call()
        except (InterfaceError, DatabaseError) as error:
            if not _is_passing(error):
                raise
            logger.warning("ledger call failed, trying again: %s", error)
            connection.close_if_unusable_or_obsolete()
            pause.wait(0.05 * 2**tries)
    return call()


def _is_passing(error: Exception) -> bool:
    code = getattr(error.__cause__, "pgcode", None)
    return code == _DEADLOCK or code is None or code.startswith(("08", "57P"))
