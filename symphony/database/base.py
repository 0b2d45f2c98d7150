"""Django's PostgreSQL backend with connections from the pool: `close()` gives one back, the next query takes one."""

from __future__ import annotations

import os
import threading
from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base

from symphony.database.pool import Pool, PooledConnection

_POOLS: dict[tuple[tuple[str, str], ...], Pool] = {}
_LOCK = threading.Lock()
_UTC = "-c TimeZone=UTC"
"""As the session's own default, so that a reset connection needs no further question."""


def _forget_pools() -> None:
    global _LOCK  # noqa: PLW0603 - whoever held it is not in this process
    _LOCK = threading.Lock()
    for pool in _POOLS.values():
        pool.forget()


os.register_at_fork(after_in_child=_forget_pools)


def pools() -> list[Pool]:
    """Those of this process."""
    with _LOCK:
        return list(_POOLS.values())


class DatabaseWrapper(base.DatabaseWrapper):
    """`POOL_SIZE` beside the other settings of the database is how many connections this process may hold."""

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params["connection_factory"] = PooledConnection
        params["options"] = f"{params['options']} {_UTC}" if params.get("options") else _UTC
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if self.alias == NO_DB_ALIAS:
            return super().get_new_connection(conn_params)
        self._taken_from = self._pool(conn_params)
        return self._taken_from.take(lambda: super(DatabaseWrapper, self).get_new_connection(conn_params))

    def _pool(self, conn_params: dict[str, Any]) -> Pool:
        """The pool of this process for these parameters."""
        name = tuple(sorted((key, str(value)) for key, value in conn_params.items()))
        with _LOCK:
            if name not in _POOLS:
                _POOLS[name] = Pool(int(self.settings_dict["POOL_SIZE"]))
            return _POOLS[name]

    def _close(self) -> None:
        if self.connection is not None and self.alias != NO_DB_ALIAS:
            self._taken_from.give_back(self.connection)
        else:
            super()._close()  # type: ignore[misc]

    @property
    def is_wanted(self) -> bool:
        """Whether another thread that asks for a connection now would have to wait."""
        return self.connection is not None and self._taken_from.is_exhausted

    def close_pool(self) -> None:
        """Before the database itself goes; called by Django when it makes and drops test databases."""
        self._pool(self.get_connection_params()).close()

    def ensure_timezone(self) -> bool:
        """As Django's, but for the sessions that are open already."""
        if self.connection is None:
            return False
        return bool(self._configure_timezone(self.connection))  # type: ignore[attr-defined]
