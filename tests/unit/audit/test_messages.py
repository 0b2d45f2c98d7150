"""A request's id goes along with messages, and the worker that takes one up speaks for that request."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from celery import Celery, chain
from celery.app.trace import build_tracer

import workers.signals
from apps.core.origin import Origin, coming_from, current_origin
from apps.executions.dispatch import REQUEST_HEADER, STEP_TASK, say_whose_request

assert workers.signals
assert say_whose_request


def probe() -> Celery:
    """An application of Celery with a broker in this process."""
    app = Celery(f"probe-{uuid4()}", broker=f"memory://{uuid4()}", set_as_current=False)
    app.conf.task_default_queue = f"probe-{uuid4()}"
    return app


def headers_of(app: Celery) -> dict[str, Any]:
    """Of the next message."""
    with app.connection_for_read() as connection:
        message = connection.default_channel.basic_get(app.conf.task_default_queue, no_ack=True)
        assert message is not None
        return dict(message.headers)


def test_messages_name_the_request_that_sends_them() -> None:
    app = probe()
    with coming_from(Origin(request_id="request-0001")):
        app.signature(STEP_TASK, ("organization", "task")).apply_async()
        chain(app.signature(STEP_TASK, ("o", "1")), app.signature(STEP_TASK, ("o", "2"), immutable=True)).apply_async()
    app.signature(STEP_TASK, ("organization", "task")).apply_async()
    assert [headers_of(app).get(REQUEST_HEADER) for _ in range(3)] == ["request-0001", "request-0001", None]


def test_a_worker_speaks_for_the_request_and_then_no_more() -> None:
    app = probe()
    seen: list[Origin] = []
    before = current_origin()

    @app.task(name=STEP_TASK, ignore_result=True, shared=False)
    def step(organization: str, task: str) -> None:
        seen.append(current_origin())

    trace = build_tracer(step.name, step, app=app)
    trace(str(uuid4()), ("organization", "task-1"), {}, {REQUEST_HEADER: "request-0001", "ignore_result": True})
    trace(str(uuid4()), ("organization", "task-2"), {}, {"ignore_result": True})
    assert [(origin.request_id, origin.task_id, origin.channel) for origin in seen] == [
        ("request-0001", "task-1", "worker"),
        ("", "task-2", "worker"),
    ]
    assert current_origin() == before


def test_links_of_a_chain_go_on_with_it() -> None:
    """Celery publishes them when the task before them has returned; its request is still the same then."""
    app = probe()

    @app.task(name=STEP_TASK, ignore_result=True, shared=False)
    def step(organization: str, task: str) -> None:
        pass

    link = dict(app.signature(STEP_TASK, ("o", "2"), immutable=True))
    trace = build_tracer(step.name, step, app=app)
    trace(str(uuid4()), ("o", "1"), {}, {REQUEST_HEADER: "request-0001", "ignore_result": True, "chain": [link]})
    assert headers_of(app)[REQUEST_HEADER] == "request-0001"
