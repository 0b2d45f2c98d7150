from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base
from django.db.utils import OperationalError

from symphony.errors import StackError

SENTENCE = "No database: start one with `make up`, or set DATABASE_URL."


class NoDatabaseError(StackError, OperationalError):
    """No database: start one with `make up`, or set DATABASE_URL."""


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL in all but the connection, so that checks and `makemigrations` see the real features."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        raise NoDatabaseError(SENTENCE)
