"""What both providers do alike, through their real SDKs."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from tests.unit.models.conftest import Wire, wire_server
from tests.wire import Answer, Cut, Garbage, Hang, Slow, Status, StreamError
from workers.contract import StepCancelled, TimedOut
from workers.models.errors import ModelError
from workers.models.request import Tool, Usage

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def test_an_answer(wire: Wire) -> None:
    wire.server.script(Answer("Hello from afar", pieces=4))
    reply = wire.call()
    assert (reply.text, reply.stop_reason, reply.tool_calls) == ("Hello from afar", "end_turn", ())
    assert reply.usage == Usage(11, 7)
    assert reply.model == wire.request().model
    assert "".join(wire.heard) == reply.text
    assert len(wire.heard) == 4


def test_text_that_is_no_ascii_survives(wire: Wire) -> None:
    wire.server.script(Answer("Grüße, 世界 🌍 \u2028", pieces=9))
    assert wire.call(wire.request("¿Qué? 😀")).text == "Grüße, 世界 🌍 \u2028"
    assert "¿Qué? 😀" in str(wire.server.requests[-1].body)


def test_a_function_call(wire: Wire) -> None:
    wire.server.script(Answer("", calls=(("weather", {"city": "Ulm"}), ("weather", {"city": "Bonn"}))))
    reply = wire.call(wire.request(tools=(Tool("weather", "The weather", PARAMETERS),)))
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [
        ("weather", {"city": "Ulm"}),
        ("weather", {"city": "Bonn"}),
    ]
    assert reply.stop_reason == "tool_use"
    assert "'city'" in str(wire.server.requests[-1].body["tools"])


def test_a_structured_answer(wire: Wire) -> None:
    wire.server.script(Answer('{"n": 3}'))
    assert wire.call(wire.request(output_schema=SCHEMA)).structured == {"n": 3}


def test_a_structured_answer_that_is_none(wire: Wire) -> None:
    wire.server.script(Answer("I would rather not"))
    with pytest.raises(ModelError, match="asked for JSON") as failed:
        wire.call(wire.request(output_schema=SCHEMA))
    assert (failed.value.code, failed.value.transient, failed.value.final) == ("output_schema", False, False)


def test_cut_off_answers_say_so(wire: Wire) -> None:
    wire.server.script(Answer("Once upon", stop="max_tokens" if wire.name == "anthropic" else "MAX_TOKENS"))
    assert wire.call().stop_reason == "max_tokens"


@pytest.mark.parametrize(
    ("status", "code", "transient"),
    [
        (429, "rate_limit", True),
        (529, "overloaded", True),
        (500, "api_error", True),
        (400, "bad_request", False),
        (401, "auth", False),
    ],
)
def test_statuses(wire: Wire, status: int, code: str, *, transient: bool) -> None:
    wire.server.script(Status(status, "not now", retry_after="7"))
    with pytest.raises(ModelError, match="not now") as failed:
        wire.call()
    assert (failed.value.code, failed.value.transient, failed.value.final) == (code, transient, not transient)
    assert failed.value.retry_after == 7
    # The SDK itself must not have tried again: attempts are rows.
    assert len(wire.server.requests) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        Cut("Hel lo"),
        Cut("Hel lo", clean=True),
        Garbage(),
        Garbage(b"{}", "application/json"),
        Garbage(b"data: {no\n\n", "text/event-stream"),
    ],
    ids=["cut", "clean cut", "html", "empty json", "broken event"],
)
def test_what_breaks_off_or_is_no_answer_may_be_tried_again(wire: Wire, behaviour: Cut | Garbage) -> None:
    wire.server.script(behaviour)
    with pytest.raises(ModelError) as failed:
        wire.call()
    assert (failed.value.code, failed.value.transient) == ("api_error", True)
    if isinstance(behaviour, Cut):
        assert "".join(wire.heard) == "Hel lo"
        assert wire.watch is not None
        assert wire.watch.usage.input_tokens == 11
    wire.server.script(Answer("whole"))
    assert wire.call().text == "whole"


def test_an_error_in_the_middle_of_a_stream(wire: Wire) -> None:
    wire.server.script(StreamError("Hel lo"))
    with pytest.raises(ModelError) as failed:
        wire.call()
    assert (failed.value.code, failed.value.transient) == ("overloaded", True)


def test_nobody_there(wire: Wire) -> None:
    with wire_server(wire.name) as server:
        gone = Wire(wire.name, server)
    with pytest.raises(ModelError, match="could not be reached") as failed:
        gone.call()
    assert failed.value.transient
    assert gone.watch is not None
    assert not gone.watch.sent


@pytest.mark.parametrize("hang", [Hang(), Hang("some words")], ids=["silent", "after some words"])
def test_a_call_that_hangs_ends_with_its_time(wire: Wire, hang: Hang) -> None:
    wire.server.script(hang)
    began = monotonic()
    with pytest.raises(ModelError) as failed:
        wire.call(seconds=0.7)
    assert (failed.value.code, failed.value.transient) == ("timeout", True)
    assert 0.6 < monotonic() - began < 3
    assert wire.server.dropped.wait(5)


def test_the_timeout_of_the_step_is_told_as_such(wire: Wire) -> None:
    wire.server.script(Hang())

    def soon() -> None:
        assert wire.watch is not None
        wire.watch.step_deadline = wire.watch.deadline = monotonic()

    threading.Timer(0.3, soon).start()
    with pytest.raises(TimedOut):
        wire.call()


@pytest.mark.parametrize("hang", [Hang(), Hang("some words")], ids=["silent", "after some words"])
def test_cancelling_closes_the_stream_soon(wire: Wire, hang: Hang) -> None:
    wire.server.script(hang)
    timer = threading.Timer(0.3, wire.cancelled.set)
    timer.start()
    began = monotonic()
    with pytest.raises(StepCancelled):
        wire.call()
    assert monotonic() - began < 2
    assert wire.server.dropped.wait(5)


def test_a_slow_stream_is_heard_as_it_comes(wire: Wire) -> None:
    wire.server.script(Slow(Answer("one two three", pieces=3), first=0.1, between=0.15))
    moments: list[float] = []
    wire.heard = _Noting(moments)
    wire.call()
    assert len(moments) == 3
    assert moments[-1] - moments[0] > 0.2


class _Noting(list[str]):
    def __init__(self, moments: list[float]) -> None:
        super().__init__()
        self._moments = moments

    def append(self, text: str) -> None:
        self._moments.append(monotonic())


def test_many_calls_at_once_over_one_client(wire: Wire) -> None:
    wire.server.script(Slow(Answer("x"), first=3.0))
    wire.server.most_open = 0
    with ThreadPoolExecutor(60) as threads:
        replies = list(threads.map(lambda _: Wire(wire.name, wire.server).call(), range(60)))
    assert {reply.text for reply in replies} == {"x"}
    assert wire.server.most_open > 40


def test_no_log_tells_a_key_or_a_prompt(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    with caplog.at_level(logging.DEBUG):
        for behaviour in (Answer("ok"), Status(400, "bad sk-secret-0815"), Cut("x")):
            wire.server.script(behaviour)
            try:
                wire.call(wire.request("my diary"), key="sk-secret-0815")
            except ModelError as error:
                told.append(str(error))
    assert len(told) == 2
    for text in (caplog.text, *told):
        assert "sk-secret" not in text
        assert "diary" not in text
    assert any("sk-secret-0815" in value for value in wire.server.requests[0].headers.values())


def test_each_key_has_its_own_client(wire: Wire) -> None:
    wire.server.script(Answer("x"))
    for key in ("sk-one", "sk-two", "sk-one"):
        wire.call(key=key)
    sent = [str(received.headers) for received in wire.server.requests]
    assert ["sk-one" in text for text in sent] == [True, False, True]
    assert ["sk-two" in text for text in sent] == [False, True, False]
