"""Slots of this very worker that have nothing to do: what a step released goes to them, and not through the broker.

To such a slot it is a message like any other: Celery counts it, tells of it, and hands it back when the worker goes. Only the way is
shorter. A message through the broker costs the process more of the interpreter's time than a step itself does, and a graph
spends a wake-up on nearly every second of its steps. Only workers of threads have such neighbours.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from typing import Any, Final

from celery.concurrency.thread import TaskPool
from celery.worker import state
from django.conf import settings
from kombu import Message

from apps.executions import dispatch
from apps.executions.dispatch import STEP_TASK
from apps.executions.ledger import Release
from workers.compiler.canvas import RANK_HEADER, label_of
from workers.draining import draining
from workers.presence import presence
from workers.queued import queued

logger = logging.getLogger(__name__)

_choosing: Final = threading.Lock()
"""So that two slots do not wake the same neighbour."""


def wake(released: Sequence[Release], *, ending: bool) -> list[Release]:
    """Give released tasks, highest rank first, to idle slots of this worker. What is left is for the broker, and for the next
    slot of this worker that ends its step.

    `ending`: the slot that asks is about to become idle itself. It takes its turn behind the messages that wait already.
    """
    consumer = presence.consumer
    if not released or not there():
        return list(released)
    served, left = consumer.app.amqp.queues.consume_from, list[Release]()
    with _choosing:
        # Messages that are to be dropped keep nobody busy.
        busy = len(state.reserved_requests) - queued.dead() - ending
        idle = consumer.pool.num_processes - busy
        for release in sorted(released, key=lambda release: -release.rank):
            if idle > 0 and release.queue in served and _is_delivered(consumer, release):
                idle -= 1
            else:
                left.append(release)
                if release.queue in served:
                    queued.offer(release)
    return left


def leave_offered() -> None:
    """A slot ends: what waits here without a message is to find a slot all the same."""
    if offered := queued.offered():
        wake(offered, ending=True)


def there() -> bool:
    """Whether slots of this worker may work for each other. A slice of 0 says that each step is to go through the broker."""
    consumer = presence.consumer
    return (
        consumer is not None
        and isinstance(consumer.pool, TaskPool)
        and settings.SYMPHONY_SLICE_MS > 0
        and not draining()
    )


def _is_delivered(consumer: Any, release: Release) -> bool:
    """As the consumer does with a message that has come from the broker. A pool that is on its way out takes nothing."""
    task_id, organization_id = str(release.task_id), str(release.organization_id)
    made = consumer.app.amqp.as_task_v2(
        task_id, STEP_TASK, (organization_id, task_id), shadow=label_of(release), ignore_result=True
    )
    made.headers[RANK_HEADER] = release.rank
    dispatch.say_whose_request(headers=made.headers)
    message = Message(
        body=json.dumps(made.body),
        content_type="application/json",
        content_encoding="utf-8",
        headers=made.headers,
        properties=made.properties,
        delivery_info={"exchange": "", "routing_key": release.queue},
    )
    try:
        consumer.strategies[STEP_TASK](message, None, _nothing, _nothing, ())
    except RuntimeError as error:
        logger.info("task %s goes through the broker: %s", task_id, error)
        return False
    return True


def _nothing(*_: Any) -> None:
    """Nobody waits for this message to be acknowledged."""
