"""The Celery application. The broker only wakes workers up: outcomes, retries and timers live in PostgreSQL."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from celery import Celery, signals
from django.conf import settings
from django.db import close_old_connections

from apps.executions.routes import BUILT_IN, STEPS
from symphony.embedded.process import die_with
from symphony.messaging import QUORUM, Messaging, is_rabbitmq, queue_named, transport_options

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "symphony.settings")

app = Celery("symphony", amqp=Messaging)


@dataclass(frozen=True, slots=True)
class Recycle:
    """When a process of a pool is replaced: after so many messages, or once it has grown beyond so much; 0: never."""

    messages: int = 0
    megabytes: int = 0


NEVER = Recycle()


def configuration(
    broker_url: str,
    prefetch_multiplier: int,
    *,
    pooled: bool = False,
    queues: Sequence[str] = BUILT_IN,
    recycle: Recycle = NEVER,
    visibility_seconds: int = 0,
) -> dict[str, Any]:
    """Celery's settings for a broker, Redis or RabbitMQ. `pooled`: the threads share database connections."""
    rabbitmq = is_rabbitmq(broker_url)
    return {
        "broker_url": broker_url,
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": transport_options(broker_url, visibility_seconds),
        "result_backend": "workers.backend:SymphonyBackend",
        "result_extended": False,
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        "task_queues": [queue_named(name, quorum=rabbitmq) for name in queues],
        "task_default_queue": STEPS,
        "task_default_exchange": "",
        "task_default_routing_key": STEPS,
        "task_default_queue_type": QUORUM if rabbitmq else "classic",
        "task_create_missing_queues": True,
        "task_create_missing_queue_type": QUORUM if rabbitmq else "classic",
        "task_ignore_result": True,
        "task_track_started": False,
        "task_acks_late": False,
        "worker_consumer": "symphony.consumer:StepConsumer",
        # RabbitMQ counts what waits in a worker against its consumer, and quorum queues know no shared count.
        "worker_prefetch_multiplier": 1 if rabbitmq else prefetch_multiplier,
        "worker_detect_quorum_queues": True,
        "broker_heartbeat": 30,
        # A connection that has died is made anew; a broker that does not answer keeps nobody for longer: the sweep sends again.
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2},
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_max_tasks_per_child": recycle.messages or None,
        "worker_max_memory_per_child": recycle.megabytes * 1024 or None,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        "timezone": "UTC",
        # With 0 Celery's Django fixup closes the connection around every task (celery/fixups/django.py,
        # `close_database`): right where closing means giving it back, and dear where it means to reconnect.
        "CELERY_DB_REUSE_MAX": 0 if pooled else sys.maxsize,
    }


def _from_settings() -> dict[str, Any]:
    return configuration(
        settings.BROKER_URL,
        settings.CELERY_PREFETCH_MULTIPLIER,
        pooled=settings.SYMPHONY_DATABASE_POOL > 0,
        queues=settings.SYMPHONY_QUEUE_NAMES,
        recycle=Recycle(settings.SYMPHONY_RECYCLE_MESSAGES, settings.SYMPHONY_RECYCLE_MB),
        visibility_seconds=settings.SYMPHONY_VISIBILITY_SECONDS,
    )


app.add_defaults(_from_settings)


@signals.worker_init.connect
def _tie_pool_to_worker(**_: Any) -> None:
    """A worker that is killed takes its pool along: its children would wait for work for ever."""
    worker = os.getpid()

    def tie(**_: Any) -> None:
        die_with(worker, signal.SIGKILL)

    signals.worker_process_init.connect(tie, weak=False)


@signals.task_prerun.connect
def _drop_broken_connection(**_: Any) -> None:
    """Connections outlive tasks here, so one that failed in the last task is looked at before the next."""
    close_old_connections()


app.autodiscover_tasks(["workers"])
app.autodiscover_tasks(["workers"], related_name="signals")
