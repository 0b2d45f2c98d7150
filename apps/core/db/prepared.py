"""Statements a connection parses and plans once: for those that are made so often that reading them is a cost.

A pool in front of PostgreSQL that gives every transaction another session (PgBouncer's transaction mode) loses them; see
`SYMPHONY_PREPARED_STATEMENTS`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Self
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DatabaseError, connection

from apps.core.db.rows import rows_of

_known: WeakKeyDictionary[Any, dict[str, bool]] = WeakKeyDictionary()
"""Names of what each open connection has prepared, and whether it may be executed as it was planned."""

_LOST: Final = "26000"
_CHANGED: Final = "0A000"
"""What comes back is not what it was when the statement was planned."""
_PLACE: Final = re.compile(r"\$\d+")

Preface = tuple[str, Sequence[Any]]
"""A statement and its parameters."""
_NO_PREFACE: Final[Preface] = ("", ())


class Prepared:
    """A query with the parameters $1, $2, … in this order, each once."""

    def __init__(self, name: str, query: str) -> None:
        self._name = f"symphony_{name}"
        self._plain, parameters = _PLACE.subn("%s", query)
        self._execute = f"EXECUTE {self._name}" + (f"({', '.join(['%s'] * parameters)})" if parameters else "")
        self._prepare = f"PREPARE {self._name} AS {query}; "

    @classmethod
    def function(cls, name: str, parameters: int) -> Self:
        """`SELECT * FROM function(…)` with so many parameters, whose types come from the function."""
        return cls(name, f"SELECT * FROM {name}({', '.join(f'${place + 1}' for place in range(parameters))})")

    def rows(self, parameters: Sequence[Any], *, after: Preface = _NO_PREFACE) -> list[tuple[Any, ...]]:
        """In the round trip of the statement it is made `after`, and also when it has to be prepared first."""
        if not settings.SYMPHONY_PREPARED_STATEMENTS:
            return _asked(after, self._plain, parameters)
        try:
            return self._executed(after, parameters)
        except DatabaseError as error:
            code = getattr(error.__cause__, "pgcode", None)
            if code not in (_LOST, _CHANGED):
                raise
            self._outdate(lost=code == _LOST)
            if connection.in_atomic_block:
                # It has ended the transaction; the next one prepares anew.
                raise
        return self._executed(after, parameters)

    def _executed(self, after: Preface, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        connection.ensure_connection()
        known = _known.setdefault(connection.connection, {})
        if known.get(self._name):
            return _asked(after, self._execute, parameters)
        outdated = f"DEALLOCATE {self._name}; " if self._name in known else ""
        # It stays in the session whatever becomes of the call behind it.
        known[self._name] = True
        return _asked(after, f"{outdated}{self._prepare}{self._execute}", parameters)

    def _outdate(self, *, lost: bool) -> None:
        known = _known.setdefault(connection.connection, {})
        if lost:
            known.pop(self._name, None)
        else:
            known[self._name] = False


def _asked(after: Preface, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    before, given = after
    return rows_of(f"{before}; {sql}" if before else sql, [*given, *parameters])
