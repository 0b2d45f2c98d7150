"""What readiness asks: database, migrations, cache, broker. Each check says what is wrong, None when nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from kombu.exceptions import OperationalError
from redis import RedisError

from apps.executions import dispatch

UNREACHABLE: Final = "unreachable"


def database() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        connection.close_if_unusable_or_obsolete()
        return UNREACHABLE
    return None


class Migrations:
    """Applied migrations are never taken back under a running process: once all are there, nobody asks again."""

    def __init__(self) -> None:
        self._known: frozenset[tuple[str, str]] | None = None
        self._applied = False

    def missing(self) -> str | None:
        if self._applied:
            return None
        if self._known is None:
            self._known = frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT app, name FROM django_migrations")
                lacking = self._known - set(cursor.fetchall())
        except DatabaseError:
            connection.close_if_unusable_or_obsolete()
            return UNREACHABLE
        self._applied = not lacking
        return f"{len(lacking)} to be applied" if lacking else None


_migrations = Migrations()


def migrations() -> str | None:
    return _migrations.missing()


def cached() -> str | None:
    try:
        cache.get("readyz")
    except (RedisError, OSError):
        return UNREACHABLE
    return None


def broker() -> str | None:
    if settings.BROKER_URL.startswith("memory:"):
        return None
    try:
        dispatch.queue_depths([])
    except (OperationalError, OSError):
        return UNREACHABLE
    return None


def of_web() -> Mapping[str, str | None]:
    """The broker is told of and decides nothing: without it the web takes runs, and the sweep sends them later."""
    return {"database": database(), "migrations": migrations(), "cache": cached()}


def of_worker() -> Mapping[str, str | None]:
    return {"database": database(), "migrations": migrations(), "broker": broker()}
