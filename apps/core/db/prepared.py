"""Statements a connection parses and plans once: for those that are made so often that reading them is a cost.

A pool in front of PostgreSQL that gives every transaction another session (PgBouncer's transaction mode) loses them; see
`SYMPHONY_PREPARED_STATEMENTS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DatabaseError, connection

from apps.core.db.rows import rows_of

_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
"""Names of what each open connection has prepared."""

_LOST: Final = "26000"
_CHANGED: Final = "0A000"
"""What a function returns is not what it was when the statement was planned."""


class Prepared:
    """`SELECT * FROM function(…)` with so many parameters, whose types come from the function."""

    def __init__(self, function: str, parameters: int) -> None:
        places = range(1, parameters + 1)
        self._name = f"symphony_{function}"
        self._plain = f"SELECT * FROM {function}({', '.join('%s' for _ in places)})"
        self._execute = f"EXECUTE {self._name}({', '.join('%s' for _ in places)})"
        self._prepare = f"PREPARE {self._name} AS SELECT * FROM {function}({', '.join(f'${n}' for n in places)}); "

    def rows(self, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """One round trip, also when it has to be prepared first."""
        if not settings.SYMPHONY_PREPARED_STATEMENTS:
            return rows_of(self._plain, parameters)
        try:
            return self._executed(parameters)
        except DatabaseError as error:
            code = getattr(error.__cause__, "pgcode", None)
            if code not in (_LOST, _CHANGED) or connection.in_atomic_block:
                raise
            _known[connection.connection].discard(self._name)
            if code == _CHANGED:
                with connection.cursor() as cursor:
                    cursor.execute(f"DEALLOCATE {self._name}")
        return self._executed(parameters)

    def _executed(self, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        connection.ensure_connection()
        known = _known.setdefault(connection.connection, set())
        if self._name in known:
            return rows_of(self._execute, parameters)
        # It stays in the session whatever becomes of the call behind it.
        known.add(self._name)
        return rows_of(self._prepare + self._execute, parameters)
