from __future__ import annotations

import sys

import pytest
from celery import Celery
from celery.fixups.django import DjangoWorkerFixup
from celery.utils.quorum_queues import detect_quorum_queues
from celery.worker.consumer import Consumer
from kombu import Connection

from symphony.celery import Recycle, app, configuration
from symphony.consumer import StepConsumer
from symphony.messaging import Messaging

BROKERS = ["redis://:secret@127.0.0.1:6379/0", "amqp://guest:guest@127.0.0.1:5672//"]


@pytest.mark.parametrize("url", BROKERS)
def test_every_broker_gets_the_options_it_knows(url: str) -> None:
    options = configuration(url, 4)["broker_transport_options"]
    assert (options.get("ack_emulation") is False) == url.startswith("redis")
    assert "visibility_timeout" not in options
    kept = configuration(url, 4, visibility_seconds=60)["broker_transport_options"]
    assert (kept.get("visibility_timeout") == 60) == url.startswith("redis")
    assert "ack_emulation" not in kept
    transport = Connection(url, transport_options=options).transport_cls
    assert transport in {"redis", "amqp"}


@pytest.mark.parametrize("url", BROKERS)
def test_queues_need_no_binding(url: str) -> None:
    celery = probe(url)
    for name in ("steps", "calls", "heavy", "steps+eu+gpu"):
        route = celery.amqp.router.route({"queue": name}, "symphony.step")
        assert (route["queue"].name, route["queue"].exchange.name, route["queue"].routing_key) == (name, "", name)
    assert celery.amqp.router.route({}, "symphony.step")["queue"].name == "steps"


def probe(url: str) -> Celery:
    celery = Celery("probe", set_as_current=False, amqp=Messaging)
    celery.conf.update(configuration(url, 4))
    return celery


@pytest.mark.parametrize(("url", "kind"), list(zip(BROKERS, (None, "quorum"), strict=True)))
def test_rabbitmq_has_quorum_queues_also_for_routes(url: str, kind: str | None) -> None:
    celery = probe(url)
    assert celery.amqp.queues["steps+gpu"] is celery.amqp.queues["steps+gpu"]
    for name in ("steps", "steps+gpu"):
        arguments = celery.amqp.queues[name].queue_arguments or {}
        assert arguments.get("x-queue-type") == kind
        assert ("x-consumer-timeout" in arguments) == (kind is not None)
    assert detect_quorum_queues(celery, "amqp")[0] == (kind is not None)


def test_rabbitmq_confirms_and_is_asked_for_little_ahead() -> None:
    redis, rabbitmq = (configuration(url, 4) for url in BROKERS)
    assert rabbitmq["broker_transport_options"]["confirm_publish"] is True
    assert (redis["worker_prefetch_multiplier"], rabbitmq["worker_prefetch_multiplier"]) == (4, 1)
    assert "confirm_publish" not in redis["broker_transport_options"]


def test_the_consumer_declares_nothing_for_delays() -> None:
    steps = {str(step) for step in StepConsumer.Blueprint.default_steps}
    left_out = {str(step) for step in Consumer.Blueprint.default_steps} - steps
    assert left_out == {"celery.worker.consumer.delayed_delivery:DelayedDelivery"}
    assert configuration(BROKERS[0], 1)["worker_consumer"] == f"{StepConsumer.__module__}:{StepConsumer.__name__}"


def test_processes_are_replaced_when_it_is_said() -> None:
    never = configuration(BROKERS[0], 1)
    assert (never["worker_max_tasks_per_child"], never["worker_max_memory_per_child"]) == (None, None)
    now_and_then = configuration(BROKERS[0], 1, recycle=Recycle(messages=5, megabytes=300))
    assert now_and_then["worker_max_tasks_per_child"] == 5
    assert now_and_then["worker_max_memory_per_child"] == 300 * 1024


def test_database_connections_outlive_tasks() -> None:
    assert DjangoWorkerFixup(app).db_reuse_max == sys.maxsize


def test_only_json_is_spoken() -> None:
    spoken = configuration("redis://", 4)
    assert {spoken["task_serializer"], spoken["result_serializer"], *spoken["accept_content"]} == {"json"}
