"""Messages between Symphony's processes: queues, and what each broker needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

from celery.app.amqp import AMQP, Queues
from kombu import Exchange, Queue

REDIS_LIKE: Final = ("redis", "valkey", "sentinel")
RABBITMQ: Final = ("amqp", "pyamqp")
DAY: Final = 24 * 3600
QUORUM: Final = "quorum"
ANSWER_SECONDS: Final = 5
"""A broker that accepts and never answers must not hold a request for ever, nor the sweep."""


def is_rabbitmq(broker_url: str) -> bool:
    return broker_url.startswith(RABBITMQ)


def queue_named(name: str, *, quorum: bool) -> Queue:
    """A queue messages reach by its name alone.

    The default exchange routes without a binding: nothing to look up per message, nothing FLUSHALL can take. A quorum
    queue lets messages wait in a busy worker for a day before it takes the worker for dead.
    """
    arguments = {"x-queue-type": QUORUM, "x-consumer-timeout": DAY * 1000} if quorum else None
    return Queue(name, Exchange("", type="direct"), routing_key=name, queue_arguments=arguments)


class RouteQueues(Queues):
    """Queues that are found by their name, also those nobody has configured: routes with capabilities come and go."""

    create_missing_queue_type: str | None

    def new_missing(self, name: str) -> Queue:
        return queue_named(name, quorum=self.create_missing_queue_type == QUORUM)


class Messaging(AMQP):
    queues_cls = RouteQueues

    @cached_property
    def send_task_message(self) -> Callable[..., Any]:
        """As Celery's, but a broker that has taken a message and does not say so is waited for no longer than others are, and
        one whose queues come into being with their first message is not asked for them."""
        send = super().send_task_message

        def sent(*message: Any, **options: Any) -> Any:
            if not is_rabbitmq(self.app.conf.broker_url or ""):
                options = {"declare": (), **options}
            return send(*message, **{"confirm_timeout": ANSWER_SECONDS, **options})

        return sent


def transport_options(broker_url: str, visibility_seconds: int = 0) -> dict[str, Any]:
    """What the broker's own transport is told. With 0 a message of Redis is gone once a worker has taken it: it is a wake-up,
    and the sweep sends another when nobody has claimed its task. Otherwise it is kept until it is acknowledged, at two more
    round trips each, and given out again after so long."""
    if is_rabbitmq(broker_url):
        # A message is sent when the broker says it has it; one that is lost all the same is found by the sweep.
        return {"confirm_publish": True, "connect_timeout": ANSWER_SECONDS}
    if not broker_url.startswith(REDIS_LIKE):
        return {}
    return {
        "socket_keepalive": True,
        "socket_connect_timeout": ANSWER_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "health_check_interval": 25,
        **({"visibility_timeout": visibility_seconds} if visibility_seconds > 0 else {"ack_emulation": False}),
    }
