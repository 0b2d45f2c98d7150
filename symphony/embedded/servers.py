"""Both servers together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from symphony.embedded import postgres, valkey
from symphony.embedded.home import Home
from symphony.embedded.process import Server
from symphony.errors import StackError


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers that are ours; None for one that somebody else provides.

    The URL of PostgreSQL is a superuser's, the URL of Valkey has no database number.
    """

    postgres: Server | None
    valkey: Server | None

    def check(self) -> None:
        """Raise when one of them has died: nothing that uses it can go on."""
        for name, server in (("PostgreSQL", self.postgres), ("Valkey", self.valkey)):
            if server is not None and server.process.poll() is not None:
                raise StackError(
                    f"{name} has ended by itself (exit code {server.process.returncode}; log: {server.log})."
                )


@contextmanager
def running(home: Home, *, with_postgres: bool = True, with_valkey: bool = True) -> Iterator[Servers]:
    with ExitStack() as stack:
        database = stack.enter_context(postgres.running(home)) if with_postgres else None
        broker = stack.enter_context(valkey.running(home)) if with_valkey else None
        yield Servers(database, broker)
