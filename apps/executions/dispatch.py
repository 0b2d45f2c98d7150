"""Sending released tasks to the broker: always after the commit, never with anything but ids.

What is sent is a wake-up hint. When it is lost the sweep sends it again, when it comes twice the second claim finds
nothing; so a broker that cannot be reached here is a warning, not an error of the caller.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import time
from typing import Any

from celery import current_app, signals
from django.db import transaction
from kombu.exceptions import BatchPublishError, OperationalError  # type: ignore[attr-defined]  # newer than its types
from redis.exceptions import TimeoutError  # noqa: A004 - the one a broker's client raises

from apps.core import metrics
from apps.core.origin import current_origin
from apps.executions.ledger import Release

logger = logging.getLogger(__name__)

STEP_TASK = "symphony.step"
REQUEST_HEADER = "rid"
"""Of a message: the request that led to it, for logs only."""
SENT_HEADER = "at"
"""Of a message: when it was sent, in seconds since 1970, for metrics only."""
SWEEP_WINDOW = 2000
"""Most messages the sweep lets wait in a queue before it sends unclaimed tasks once more."""

Composer = Callable[[Sequence[Release]], Sequence[Any]]
_composer: list[Composer] = []


@signals.before_task_publish.connect
def say_whose_request(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Whatever is published here belongs to a request, or to a task that does: links of chains too."""
    request_id = current_origin().request_id
    if headers is None:
        return
    if request_id:
        headers[REQUEST_HEADER] = request_id
    headers[SENT_HEADER] = time()


def install_composer(composer: Composer) -> None:
    """The compiler tells how releases become canvases; it lives above the apps (`workers.compiler.canvas`)."""
    _composer[:] = [composer]


def send_after_commit(releases: Sequence[Release]) -> None:
    """Send when the surrounding transaction has committed; at once when there is none."""
    if releases:
        transaction.on_commit(lambda: send(releases))


def send(releases: Sequence[Release]) -> None:
    """Send a wake-up for each release, highest rank first."""
    if not releases:
        return
    ranked = sorted(releases, key=lambda release: -release.rank)
    try:
        with current_app.producer_or_acquire(None) as producer:
            _publish(producer, _composer[0](ranked))
        metrics.count(metrics.SENT, amount=len(ranked))
    except OperationalError as error:
        metrics.count(metrics.SEND_FAILURES)
        logger.warning("broker unreachable, the sweep will send %d tasks later: %s", len(ranked), error)


def _publish(producer: Any, canvases: Sequence[Any]) -> None:
    """All messages in one round trip, where the broker's transport can do that."""
    try:
        with producer.batch():
            _apply(producer, canvases)
    except BatchPublishError as error:
        if isinstance(error.__cause__, TimeoutError):
            raise OperationalError(str(error)) from error
        # Kombu tries no batch again, since some of it may have gone out. Here that does no harm.
        logger.info("messages are sent once more, one by one: %s", error)
        _apply(producer, canvases)


def _apply(producer: Any, canvases: Sequence[Any]) -> None:
    for canvas in canvases:
        canvas.apply_async(producer=producer, ignore_result=True)


def warm_up() -> None:
    """Connect to the broker before anybody waits for it; a process's first message costs half a second otherwise."""
    try:
        with current_app.producer_or_acquire(None) as producer:
            logger.debug("connected to the broker: %s", producer.channel)
    except OperationalError as error:
        logger.warning("broker unreachable at start, tried again with the first message: %s", error)


def queue_depth(queue: str) -> int:
    """Messages waiting in a queue, 0 when the broker does not know it. OperationalError when there is no broker."""
    broker: Any
    with current_app.pool.acquire(block=True) as broker:
        try:
            return int(broker.default_channel.queue_declare(queue=queue, passive=True).message_count)
        except broker.channel_errors:
            return 0
        except broker.connection_errors as error:
            # What the transport's own client raises is no kombu error yet when the connection breaks in between.
            raise OperationalError(str(error)) from error


def queue_depths(queues: Sequence[str], *, seconds: float = 3.0) -> dict[str, int]:
    """Messages waiting in each of these queues, in one connection. OperationalError, soon, when there is no broker."""
    broker: Any
    with current_app.pool.acquire(block=True, timeout=seconds) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=seconds)
        found = {}
        for queue in queues:
            try:
                found[queue] = int(broker.default_channel.queue_declare(queue=queue, passive=True).message_count)
            except broker.channel_errors:
                found[queue] = 0
            except broker.connection_errors as error:
                raise OperationalError(str(error)) from error
        return found


__all__ = [
    "REQUEST_HEADER",
    "SENT_HEADER",
    "STEP_TASK",
    "SWEEP_WINDOW",
    "install_composer",
    "queue_depth",
    "queue_depths",
    "send",
    "send_after_commit",
    "warm_up",
]
