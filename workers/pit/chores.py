"""What the sweep does besides, now and then: counting, closing, forgetting. One that fails keeps no other from its turn."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Final

from django.db import Error, connection

from apps.accounts.services import forget_idempotency_keys
from apps.agents.services import tidy_versions
from apps.billing.services.expiry import expire_due
from apps.core.tenancy import sweeping
from apps.executions import ledger
from apps.executions.errors import StoreUnavailable
from apps.signin.services.sessions import forget_old_sessions
from apps.spending.services import close_lost
from apps.triggers.services import fire_due, forget_old
from workers.pit.pool import follow_plans
from workers.pit.retention import forget_expired, free_unnamed

logger = logging.getLogger(__name__)

MELODIES_COUNTED: Final = 200
RESULTS_AT_ONCE: Final = 1000
STORES_COUNTED: Final = 50
STORES_COUNTED_EVERY: Final = 60.0


def refresh_statistics() -> int:
    """Count the runs of melodies anew; how many melodies were counted."""
    with sweeping():
        return ledger.refresh_statistics(MELODIES_COUNTED)


def settle_ended() -> int:
    """Cancel steps that somebody held when their run ended; of how many runs."""
    with sweeping():
        return ledger.settle_ended()


def forget_results() -> None:
    """Delete kept results whose time is over."""
    with sweeping():
        ledger.forget_results(RESULTS_AT_ONCE)


def count_stores() -> int:
    """Count what organizations store whose stores have changed; how many organizations were counted."""
    with sweeping():
        return ledger.count_stores(STORES_COUNTED, STORES_COUNTED_EVERY)


def forget_keys() -> None:
    """Delete answers kept for requests that will not be sent again, and what is left of sign-ins that are over."""
    with sweeping():
        forget_idempotency_keys()
        forget_old_sessions()


def look_for_workers() -> int:
    """Mark workers that fell silent, forget those not seen for long; how many were marked."""
    with sweeping():
        return ledger.tidy_workers()


CHORES: Final[tuple[tuple[float, Callable[[], object]], ...]] = (
    (1.0, fire_due),
    (1.0, settle_ended),
    (2.0, refresh_statistics),
    (5.0, look_for_workers),
    (10.0, close_lost),
    (60.0, follow_plans),
    (10.0, expire_due),
    (10.0, forget_results),
    (60.0, forget_keys),
    (60.0, forget_expired),
    (60.0, free_unnamed),
    (15.0, count_stores),
    (60.0, forget_old),
    (300.0, tidy_versions),
)
"""Seconds between two turns, and what is done then."""


class Chores:
    def __init__(self) -> None:
        self._due = [0.0] * len(CHORES)

    def do_due(self) -> None:
        for number, (seconds, chore) in enumerate(CHORES):
            if monotonic() >= self._due[number]:
                _do(chore)
                self._due[number] = monotonic() + seconds


def _do(chore: Callable[[], object]) -> None:
    try:
        chore()
    except (Error, OSError, StoreUnavailable) as error:
        logger.warning("%s failed, the sweep will try again: %s", chore.__name__, error)
        connection.close_if_unusable_or_obsolete()
