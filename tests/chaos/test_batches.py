"""Messages go out together; what becomes of the connection meanwhile costs none of them."""

from __future__ import annotations

import signal
from time import monotonic
from uuid import UUID, uuid4

from apps.executions import dispatch
from apps.executions.ledger import Release
from symphony.messaging import ANSWER_SECONDS
from tests.brokers import AnyBroker
from tests.engine import PATIENCE

QUEUE = "calls"


def released(count: int) -> list[Release]:
    """Tasks of nobody's run."""
    run, organization = uuid4(), uuid4()
    return [
        Release(
            UUID(int=run.int >> 32 << 32 | seq), organization, f"s{seq}", "simulate", QUEUE, False, 0.0, 0, seq, None
        )
        for seq in range(count)
    ]


def test_all_of_a_batch_are_sent(broker: AnyBroker) -> None:
    dispatch.send(released(1))
    dispatch.send(released(1_500))
    assert dispatch.queue_depth(QUEUE) == 1_501


def test_a_batch_reaches_a_broker_that_has_come_back(broker: AnyBroker) -> None:
    """The connection that is open has died without anybody's notice."""
    dispatch.send(released(3))
    broker.kill()
    broker.restart()
    broker.flush()
    dispatch.send(released(3))
    assert dispatch.queue_depth(QUEUE) == 3


def test_a_broker_that_does_not_answer_keeps_nobody_for_long(broker: AnyBroker) -> None:
    dispatch.send(released(1))
    broker.server.process.send_signal(signal.SIGSTOP)
    since = monotonic()
    try:
        dispatch.send(released(3))
    finally:
        broker.server.process.send_signal(signal.SIGCONT)
    assert monotonic() - since < 4 * ANSWER_SECONDS < PATIENCE
