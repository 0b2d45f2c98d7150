from __future__ import annotations

import sys

import pytest
from celery import Celery
from celery.fixups.django import DjangoWorkerFixup
from kombu import Connection

from symphony.celery import app, configuration

BROKERS = ["redis://:secret@127.0.0.1:6379/0", "amqp://guest:guest@127.0.0.1:5672//"]


@pytest.mark.parametrize("url", BROKERS)
def test_every_broker_gets_the_options_it_knows(url: str) -> None:
    options = configuration(url, 4)["broker_transport_options"]
    assert ("visibility_timeout" in options) == url.startswith("redis")
    transport = Connection(url, transport_options=options).transport_cls
    assert transport in {"redis", "amqp"}


@pytest.mark.parametrize("url", BROKERS)
def test_queues_need_no_binding(url: str) -> None:
    celery = Celery("probe", set_as_current=False)
    celery.conf.update(configuration(url, 4))
    for name in ("steps", "calls"):
        route = celery.amqp.router.route({"queue": name}, "symphony.step")
        assert (route["queue"].name, route["queue"].exchange.name, route["queue"].routing_key) == (name, "", name)
    assert celery.amqp.router.route({}, "symphony.step")["queue"].name == "steps"


def test_database_connections_outlive_tasks() -> None:
    assert DjangoWorkerFixup(app).db_reuse_max == sys.maxsize


def test_only_json_is_spoken() -> None:
    spoken = configuration("redis://", 4)
    assert {spoken["task_serializer"], spoken["result_serializer"], *spoken["accept_content"]} == {"json"}
