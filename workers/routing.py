"""Queues as the engine knows them: those that are configured, and the routes with capabilities that runs have needed."""

from __future__ import annotations

from time import monotonic
from typing import Final

from django.conf import settings

from apps.executions import ledger
from apps.executions.routes import BUILT_IN, CALLS, HEAVY, STEPS, base_of, capabilities_of, route_of

QUEUES: Final = BUILT_IN

_FRESH_SECONDS: Final = 2.0


class _Known:
    def __init__(self) -> None:
        self._routes: tuple[str, ...] = ()
        self._until = 0.0

    def routes(self) -> tuple[str, ...]:
        if monotonic() >= self._until:
            self._routes = tuple(ledger.routes())
            self._until = monotonic() + _FRESH_SECONDS
        return self._routes


_known = _Known()


def configured_queues() -> tuple[str, ...]:
    """Those built in, and those of SYMPHONY_QUEUES."""
    return tuple(settings.SYMPHONY_QUEUE_NAMES)


def served_queues() -> tuple[str, ...]:
    """All queues messages may wait in: the configured ones and every route in use, as of two seconds ago at most."""
    return tuple(dict.fromkeys((*configured_queues(), *_known.routes())))


__all__ = [
    "CALLS",
    "HEAVY",
    "QUEUES",
    "STEPS",
    "base_of",
    "capabilities_of",
    "configured_queues",
    "route_of",
    "served_queues",
]
