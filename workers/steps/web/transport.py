"""A connection that goes where it was checked to go.

A name is resolved once, its addresses are checked, and the connection is made to one of those very addresses: a name
server that answers differently the second time is never asked a second time. TLS still proves the name.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from workers.steps.web.addresses import Address, Reach, refused

Resolve = Callable[[str, int], Sequence[str]]
"""Addresses of a name, in the order in which they are to be tried; raises OSError."""


def system_addresses(host: str, port: int) -> list[str]:
    """As the operating system resolves names, and all the ways to write an address as a number."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class NameUnknown(httpcore.ConnectError):
    """No name server knows the name: asking again does not help."""


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to checked addresses only."""

    def __init__(self, reach: Reach, resolve: Resolve) -> None:
        self._reach = reach
        self._resolve = resolve
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception | None = None
        for address in self._checked(host, port):
            try:
                return self._sockets.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise refused("Calls go to http and https addresses only.")

    def sleep(self, seconds: float) -> None:
        self._sockets.sleep(seconds)

    def _checked(self, host: str, port: int) -> list[Address]:
        try:
            addresses = [ipaddress.ip_address(text) for text in self._resolve(host, port)]
        except socket.gaierror as error:
            known = error.errno in (socket.EAI_AGAIN, socket.EAI_FAIL)
            raise (httpcore.ConnectError if known else NameUnknown)(f"{host} cannot be resolved") from error
        except (OSError, UnicodeError, ValueError) as error:
            raise NameUnknown(f"{host[:200]} cannot be resolved") from error
        allowed = [address for address in addresses if self._reach.lets_through(host, address)]
        if addresses and not allowed:
            raise refused(
                f"{host} leads to {addresses[0]}, a private or reserved address. An operator can allow it by "
                "SYMPHONY_HTTP_ALLOW_PRIVATE."
            )
        return allowed


@lru_cache(maxsize=1)
def trusted() -> ssl.SSLContext:
    """The certificates that are trusted: making the context takes longer than a call."""
    return httpx.create_ssl_context()


class GuardedTransport(httpx.HTTPTransport):
    """httpx's own transport, over guarded connections. Proxies of the environment are not asked."""

    def __init__(self, reach: Reach, *, resolve: Resolve = system_addresses, tls: ssl.SSLContext | None = None) -> None:
        context = tls or trusted()
        super().__init__(verify=context, trust_env=False)
        # httpx has no parameter for the network backend.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, max_connections=2, network_backend=GuardedBackend(reach, resolve)
        )
