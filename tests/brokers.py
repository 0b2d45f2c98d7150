"""The brokers tests run with, each a server of its own that may be killed: Valkey, or RabbitMQ when the run asks for it.

Both can do to their messages what a broker may do at its worst: forget them, double them, give them out in another order.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final, Protocol

import redis

from symphony.embedded import valkey
from symphony.embedded.home import Home
from symphony.embedded.process import Server

QUEUES: Final = ("steps", "calls")


class AnyBroker(Protocol):
    """What a test may do to a broker. `url` stays the same when it comes back."""

    url: str
    server: Server

    def kill(self) -> None: ...
    def restart(self) -> None: ...
    def close(self) -> None: ...
    def flush(self) -> None: ...
    def double(self, times: int = 1) -> int: ...
    def shuffle(self, chance: random.Random) -> int: ...


class Valkey:
    """A Valkey of its own that may be killed and comes back on the same port, with what it had written."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._running = ExitStack()
        self.server = self._start()
        self.url = f"{self.server.url}/0"

    def _start(self) -> Server:
        return self._running.enter_context(valkey.running(self._home))

    @property
    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def kill(self) -> None:
        self.server.process.kill()
        self.server.process.wait()

    def restart(self) -> None:
        self.close()
        self.server = self._start()
        assert f"{self.server.url}/0" == self.url, "another process took the port of the broker"

    def close(self) -> None:
        self._running.close()

    def flush(self) -> None:
        """It forgets everything."""
        with self.client as client:
            client.flushall()

    def double(self, times: int = 1) -> int:
        """Every message that waits is there `times` more; how many there were."""
        waiting = 0
        with self.client as client:
            for queue in QUEUES:
                messages: list[Any] = client.lrange(queue, 0, -1)
                waiting += len(messages)
                for message in messages * times:
                    client.lpush(queue, message)
        return waiting

    def shuffle(self, chance: random.Random) -> int:
        """What waits comes in another order."""
        moved = 0
        with self.client as client:
            for queue in QUEUES:
                with client.pipeline() as both:
                    both.lrange(queue, 0, -1)
                    both.delete(queue)
                    messages: Sequence[Any] = both.execute()[0]
                for message in chance.sample(messages, len(messages)):
                    client.lpush(queue, message)
                moved += len(messages)
        return moved


def is_rabbitmq() -> bool:
    """Whether this run of the tests is about RabbitMQ."""
    return os.environ.get("SYMPHONY_TEST_BROKER", "") == "rabbitmq"


def new_broker(home: Home) -> AnyBroker:
    """The broker this run of the tests is about."""
    if is_rabbitmq():
        from tests.rabbit import Rabbit  # noqa: PLC0415 - only where a RabbitMQ is installed

        return Rabbit(home)
    return Valkey(home)
