"""The Celery application. The broker only wakes workers up: outcomes, retries and timers live in PostgreSQL."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from celery import Celery, signals
from django.conf import settings
from django.db import close_old_connections
from kombu import Exchange, Queue

from symphony.embedded.process import die_with

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "symphony.settings")

STEPS = "steps"
CALLS = "calls"

app = Celery("symphony")


def configuration(broker_url: str, prefetch_multiplier: int, *, pooled: bool = False) -> dict[str, Any]:
    """Celery's settings for a broker, Redis or RabbitMQ. `pooled`: the threads share database connections."""
    # The default exchange routes by queue name without a binding: nothing to look up per message, nothing FLUSHALL can take.
    default_exchange = Exchange("", type="direct")
    return {
        "broker_url": broker_url,
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": _transport_options(broker_url),
        "result_backend": "workers.backend:SymphonyBackend",
        "result_extended": False,
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        "task_queues": [Queue(name, default_exchange, routing_key=name) for name in (STEPS, CALLS)],
        "task_default_queue": STEPS,
        "task_default_exchange": "",
        "task_default_routing_key": STEPS,
        "task_create_missing_queues": False,
        "task_ignore_result": True,
        "task_track_started": False,
        "task_acks_late": False,
        "worker_prefetch_multiplier": prefetch_multiplier,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        "timezone": "UTC",
        # With 0 Celery's Django fixup closes the connection around every task (celery/fixups/django.py,
        # `close_database`): right where closing means giving it back, and dear where it means to reconnect.
        "CELERY_DB_REUSE_MAX": 0 if pooled else sys.maxsize,
    }


def _transport_options(broker_url: str) -> dict[str, Any]:
    if not broker_url.startswith(("redis", "valkey", "sentinel")):
        return {}
    return {
        "socket_keepalive": True,
        "socket_connect_timeout": 5,
        # A broker that accepts and never answers must not hold a request for ever.
        "socket_timeout": 5,
        "health_check_interval": 25,
        "visibility_timeout": 24 * 3600,
    }


def _from_settings() -> dict[str, Any]:
    return configuration(
        settings.BROKER_URL, settings.CELERY_PREFETCH_MULTIPLIER, pooled=settings.SYMPHONY_DATABASE_POOL > 0
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
