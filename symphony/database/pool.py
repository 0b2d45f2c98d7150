"""A bounded set of psycopg2 connections that the threads of one process take turns with."""

from __future__ import annotations

import os
import select
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

import psycopg2
from psycopg2 import extensions

WAIT_SECONDS = 30.0
_TRUST_SECONDS = 60.0
"""A connection that lay idle for longer is asked whether it still lives; a dead socket shows at once in any case."""

# Everything a session can keep except compiled plans, which are dear and nobody's.
_RESET = (
    "RESET ALL; SET SESSION AUTHORIZATION DEFAULT; CLOSE ALL; UNLISTEN *; "
    "SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES"
)


class PoolExhausted(psycopg2.OperationalError):  # type: ignore[misc]
    """Every connection of this process was busy for too long."""


class PooledConnection(extensions.connection):  # type: ignore[misc]
    """Knows which process made it: another one must not even close it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.made_by = os.getpid()


class Pool:
    """At most `size` connections. Each is one thread's at a time."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._begin()

    def _begin(self) -> None:
        # Reentrant: that a connection has become garbage may be noticed while this very thread holds the lock.
        self._turn = threading.Condition(threading.RLock())
        self._idle: list[tuple[PooledConnection, float]] = []
        self._known: dict[int, weakref.finalize[..., Any]] = {}
        self._places = 0

    @property
    def open_connections(self) -> int:
        return self._places

    @property
    def idle_connections(self) -> int:
        return len(self._idle)

    @property
    def is_exhausted(self) -> bool:
        return self._places >= self.size and not self._idle

    def take(self, connect: Callable[[], PooledConnection], wait_seconds: float = WAIT_SECONDS) -> PooledConnection:
        """A connection without a past, a new one if there is room. Raises PoolExhausted, or what connecting raises."""
        deadline = monotonic() + wait_seconds
        while True:
            found = self._next(deadline)
            if found is None:
                raise PoolExhausted(
                    f"All {self.size} database connections of this process were busy for {wait_seconds:g} s. "
                    "Raise SYMPHONY_DATABASE_POOL, or look for what holds them."
                )
            connection, since = found
            if connection is None:
                return self._made(connect)
            if _is_alive(connection, monotonic() - since):
                return connection
            self.discard(connection)

    def _next(self, deadline: float) -> tuple[PooledConnection | None, float] | None:
        """An idle connection and since when it is; no connection but a place for one; or nothing until the deadline."""
        with self._turn:
            while not self._idle and self._places >= self.size:
                left = deadline - monotonic()
                if left <= 0:
                    return None
                self._turn.wait(left)
            if self._idle:
                return self._idle.pop()
            self._places += 1
            return None, 0.0

    def _made(self, connect: Callable[[], PooledConnection]) -> PooledConnection:
        try:
            connection = connect()
        except BaseException:
            self._vacate(None)
            raise
        # A thread that ends without closing its connection must not keep the place for ever.
        finalizer = weakref.finalize(connection, self._vacate, id(connection))
        finalizer.atexit = False
        with self._turn:
            self._known[id(connection)] = finalizer
        return connection

    def give_back(self, connection: PooledConnection) -> None:
        """Make a connection as good as new and let the next thread have it; one that cannot be is closed."""
        # Unknown are those from before a fork, or from before the pool was closed.
        if id(connection) in self._known and _is_clean_after_reset(connection):
            with self._turn:
                self._idle.append((connection, monotonic()))
                self._turn.notify()
        else:
            self.discard(connection)

    def discard(self, connection: PooledConnection) -> None:
        """Close a connection and let another take its place."""
        _close_own(connection)
        with self._turn:
            finalizer = self._known.get(id(connection))
            if finalizer is not None and finalizer.detach():
                self._vacate(id(connection))

    def _vacate(self, number: int | None) -> None:
        with self._turn:
            if number is not None and self._known.pop(number, None) is None:
                return
            self._places -= 1
            self._turn.notify()

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it comes back."""
        with self._turn:
            idle = [connection for connection, _ in self._idle]
            self.forget()
        for connection in idle:
            _close_own(connection)

    def forget(self) -> None:
        """In a forked child: the connections are the parent's, and are neither used nor closed here."""
        for finalizer in self._known.values():
            finalizer.detach()
        self._begin()


def _is_alive(connection: PooledConnection, idle_seconds: float) -> bool:
    if connection.closed:
        return False
    try:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        # Between queries a server only speaks to say that it is going away.
        if poll.poll(0):
            return False
        if idle_seconds > _TRUST_SECONDS:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
    except (psycopg2.Error, OSError):
        return False
    return True


def _is_clean_after_reset(connection: PooledConnection) -> bool:
    """Roll back what is open, and undo all that a session can keep."""
    try:
        if connection.closed or connection.info.transaction_status == extensions.TRANSACTION_STATUS_ACTIVE:
            return False
        connection.rollback()
        connection.autocommit = True
        if (connection.isolation_level, connection.readonly, connection.deferrable) != (None, None, None):
            connection.set_session("DEFAULT", "DEFAULT", "DEFAULT")
        with connection.cursor() as cursor:
            if connection.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE:
                cursor.execute("ROLLBACK")
            cursor.execute(_RESET)
        connection.notices.clear()
    except psycopg2.Error:
        return False
    return True


def _close_own(connection: PooledConnection) -> None:
    if connection.made_by == os.getpid():
        with suppress(psycopg2.Error):
            connection.close()
