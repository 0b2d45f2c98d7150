"""One trace per run, at a collector that speaks the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core.cache import cache
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.core.ids import uuid7
from apps.core.origin import Origin, coming_from, sane_traceparent
from apps.core.tenancy import sweeping
from apps.executions import ledger
from symphony.observability.traces import is_sampled, span_id_of
from symphony.observability.tracing import Exporter, ExportFailed, send_once
from tests.apps.executions.conftest import Player, as_worker
from tests.wire.otlp import Collector, collecting

Start = Callable[..., Player]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def collector() -> Iterator[Collector]:
    cache.clear()
    with collecting() as found:
        yield found


def send(player: Player, url: str, ratio: float = 1.0) -> int:
    now = datetime.now(UTC)
    with as_worker():
        return Exporter(url, ratio).send_ended(now - timedelta(minutes=5), now + timedelta(minutes=5))


@pytest.mark.django_db
def test_a_run_is_one_trace(alice: User, start: Start, collector: Collector) -> None:
    with coming_from(Origin(traceparent=f"00-{TRACE}-{SPAN}-01")):
        player = start(alice)
    player.play(left={"status": "failed", "error": {"code": "meant", "message": "secret words"}})
    assert send(player, collector.url) == 1
    assert {span.trace for span in collector.spans} == {player.execution.pk.hex}
    (root,) = [span for span in collector.spans if not span.parent]
    assert root.links == [TRACE]
    assert root.attributes["symphony.execution.status"] == "failed"
    assert root.failed
    first = collector.named("first")[0]
    assert first.parent == root.span
    assert first.attributes["symphony.step.kind"] == "test_echo"
    assert first.attributes["symphony.queue_wait_seconds"] >= 0
    assert first.events[:2] == ["released", "task_started"]
    assert collector.named("left")[0].failed
    assert collector.named("left")[0].attributes["error.type"] == "meant"
    assert all(root.start <= span.start <= span.end <= root.end + 0.001 for span in collector.spans)
    assert len({span.span for span in collector.spans}) == len(collector.spans)
    assert "secret words" not in repr(collector.spans)


@pytest.mark.django_db
def test_attempts_are_spans_of_their_own(alice: User, start: Start, collector: Collector) -> None:
    player = start(alice)
    task = player.task_ids("dispatched")[0]
    for _ in range(2):
        claimed = player.claim(task)
        with as_worker():
            ledger.wait(claimed, "retry", datetime.now(UTC), error={"code": "meant", "message": "again"})
            with sweeping():
                ledger.sweep(10)
    player.play()
    send(player, collector.url)
    step = collector.named("first")[0]
    attempts = [span for span in collector.spans if span.parent == step.span]
    assert [span.name for span in sorted(attempts, key=lambda span: span.start)] == [
        "attempt 1",
        "attempt 2",
        "attempt 3",
    ]
    assert [span.failed for span in sorted(attempts, key=lambda span: span.start)] == [True, True, False]


@pytest.mark.django_db
def test_each_run_is_sent_once_and_again_only_when_it_failed(alice: User, start: Start, collector: Collector) -> None:
    exporter = Exporter(f"{collector.url}/v1/traces", 1.0)
    player = start(alice)
    player.play()
    begin, end = datetime.now(UTC) - timedelta(minutes=5), datetime.now(UTC) + timedelta(minutes=5)
    with as_worker():
        collector.refusing = True
        with pytest.raises(ExportFailed):
            exporter.send_ended(begin, end)
        collector.refusing = False
        assert exporter.send_ended(begin, end) == 1
        assert exporter.send_ended(begin, end) == 0
    assert len(collector.spans) == 5
    assert send(player, collector.url, ratio=0.0) == 0


@pytest.mark.django_db
def test_two_sweeps_do_not_send_at_the_same_time(collector: Collector) -> None:
    cache.add("symphony-traces-sender", "another", timeout=5)
    assert send_once(Exporter(collector.url, 1.0)) == 0
    assert cache.get("symphony-traces-until") is None
    cache.delete("symphony-traces-sender")
    with as_worker():
        send_once(Exporter(collector.url, 1.0))
    assert datetime.fromisoformat(cache.get("symphony-traces-until")) <= datetime.now(UTC)


@given(st.text(max_size=80))
def test_only_a_traceparent_is_one(text: str) -> None:
    assert sane_traceparent(text) in ("", text)
    assert sane_traceparent(f"00-{'0' * 32}-{SPAN}-01") == ""
    assert sane_traceparent(f"00-{TRACE}-{SPAN}-01") == f"00-{TRACE}-{SPAN}-01"


def test_sampling_takes_its_share_and_always_the_same() -> None:
    runs = [uuid7() for _ in range(4000)]
    taken = [run for run in runs if is_sampled(run, 0.25)]
    assert 800 < len(taken) < 1200
    assert all(is_sampled(run, 0.25) for run in taken)
    assert all(is_sampled(run, 1.0) for run in runs)
    assert not any(is_sampled(run, 0.0) for run in runs)
    assert len({span_id_of(str(run)) for run in runs}) == len(runs)
    assert UUID(int=runs[0].int) == runs[0]
