"""The HTTP client under both SDKs: connections for the whole process, and streams that let go when told to.

A socket that waits for a model's next word would wait for minutes, whoever has cancelled the step meanwhile. So each
read waits in short slices and looks at its call's `Watch` in between.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
from collections.abc import Iterable
from functools import lru_cache
from time import monotonic
from typing import Any

import httpcore2
import httpx2

from workers.models.port import current_watch

_SLICE_SECONDS = 0.5
_CONNECT_SECONDS = 10.0
_WRITE_SECONDS = 60.0
_KEEPALIVE_SECONDS = 60.0
_MAX_CONNECTIONS = 1000
_SHARDS = 8

# At INFO these write a line per call, at DEBUG whole prompts and headers.
for _name in ("anthropic", "google_genai", "httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        watch = current_watch()
        if watch is None:
            return self._inner.read(max_bytes, timeout)
        ends = None if timeout is None else monotonic() + timeout
        while True:
            if watch.stopped:
                raise httpcore2.ReadTimeout("stopped")
            try:
                return self._inner.read(max_bytes, min(_SLICE_SECONDS, max(0.01, watch.seconds_left)))
            except httpcore2.ReadTimeout:
                if ends is not None and monotonic() >= ends:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        watch = current_watch()
        if watch is not None:
            watch.sent = True
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Network(httpcore2.NetworkBackend):
    def __init__(self, inner: httpcore2.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.connect_tcp(host, port, timeout, local_address, socket_options))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.connect_unix_socket(path, timeout, socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Whom to trust: dear to make, and the same for all."""
    return httpx2.create_ssl_context()


class SharedClient(httpx2.Client):
    """Serves every SDK client of a process, whatever its key: connections belong to an address."""

    def __init__(self) -> None:
        super().__init__(
            verify=_certificates(),
            timeout=timeouts(_WRITE_SECONDS),
            limits=httpx2.Limits(
                max_connections=_MAX_CONNECTIONS,
                max_keepalive_connections=_MAX_CONNECTIONS,
                keepalive_expiry=_KEEPALIVE_SECONDS,
            ),
        )
        # There is no public way to give a client of one's own streams and let it find its proxies in the environment.
        for transport in (self._transport, *self._mounts.values()):
            if isinstance(transport, httpx2.HTTPTransport):
                pool = transport._pool  # noqa: SLF001
                pool._network_backend = _Network(pool._network_backend)  # noqa: SLF001


def timeouts(seconds: float) -> httpx2.Timeout:
    """The whole call is bounded by its watch; these bound the phases that do not wait for the model."""
    return httpx2.Timeout(seconds, connect=_CONNECT_SECONDS, write=_WRITE_SECONDS, pool=_CONNECT_SECONDS)


_LOCK = threading.Lock()
_CLIENTS: dict[tuple[int, int], SharedClient] = {}
"""By process, since a forked child must not use its parent's connections, and by shard."""


def shard() -> int:
    """Which of the process's clients this thread uses: a pool looks at each of its connections with every request, so
    a few small pools cost less than a large one."""
    return threading.get_native_id() % _SHARDS


def shared_client(number: int) -> SharedClient:
    with _LOCK:
        client = _CLIENTS.get((os.getpid(), number))
        if client is None:
            client = _CLIENTS[os.getpid(), number] = SharedClient()
        return client
