"""How a worker consumes; Celery loads it in workers only (`worker_consumer`)."""

from __future__ import annotations

from typing import Any, ClassVar

from celery.utils.log import get_logger
from celery.worker.consumer import Consumer

logger = get_logger(__name__)

_Blueprint: Any = Consumer.Blueprint


class StepConsumer(Consumer):
    """Without Celery's own delayed delivery: timers are rows, and for quorum queues it would declare 28 more of them."""

    connection: Any
    task_consumer: Any
    connection_errors: tuple[type[Exception], ...]
    channel_errors: tuple[type[Exception], ...]

    class Blueprint(_Blueprint):  # type: ignore[misc]  # the package's types do not know it as a class
        default_steps: ClassVar = [
            step for step in _Blueprint.default_steps if not str(step).endswith("DelayedDelivery")
        ]

    def stop(self) -> None:
        """Let go of the broker before the pool has ended, which may take long.

        What was fetched and not begun goes back for others, and so does the message that a broker handed over while the
        consumer was on its way out: it would lie in this process until the last step has ended.
        """
        super().stop()
        held = self.task_consumer, self.connection
        self.task_consumer = self.connection = None
        for each in held:
            if each is not None:
                try:
                    each.close()
                except self.connection_errors + self.channel_errors as error:
                    logger.warning("the broker was away when this worker left it: %s", error)
