"""SDK clients, one per key and address, kept for the life of the process; connections are shared below them."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from workers.models.keys import Key

C = TypeVar("C")

_MOST = 1024


class SdkClients(Generic[C]):
    """The clients of one provider: by key, address and shard of connections. The one used least recently goes when there are too many keys."""

    def __init__(self, make: Callable[[Key, str | None, int], C]) -> None:
        self._make = make
        self._clients: OrderedDict[tuple[int, int, str, str | None], C] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: Key, base_url: str | None, shard: int) -> C:
        # The process is part of the name: a forked child makes its own.
        name = (os.getpid(), shard, key.fingerprint, base_url)
        with self._lock:
            client = self._clients.get(name)
            if client is None:
                client = self._clients[name] = self._make(key, base_url, shard)
                while len(self._clients) > _MOST:
                    self._clients.popitem(last=False)
            self._clients.move_to_end(name)
            return client
