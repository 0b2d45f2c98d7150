"""The adapter contract over HTTP: against a server of our own that keeps to it, or does not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any

import pytest

from tests.unit.agents.test_graphs import Watching, call
from workers.agents import protocol
from workers.agents.port import AgentCall, Done, Paused
from workers.contract import StepCancelled, StepFailed
from workers.steps.agents.calling import HttpAdapter
from workers.steps.web.addresses import Reach

NDJSON = "application/x-ndjson"
SSE = "text/event-stream"
RESULT = {"type": "result", "output": {"a": 1}, "usage": {"input_tokens": 3, "output_tokens": 4}}


@dataclass
class Agent:
    """A server that answers as it was told, and remembers what it was asked."""

    url: str = ""
    status: int = 200
    media: str = NDJSON
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)
    pause: float = 0.0
    asked: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)

    def says(self, *events: Any, sse: bool = False) -> None:
        self.media = SSE if sse else NDJSON
        texts = [json.dumps(event) for event in events]
        self.parts = [(f"event: x\ndata: {text}\n\n" if sse else f"{text}\n").encode() for text in texts]

    def adapter(self, **more: Any) -> HttpAdapter:
        fields: dict[str, Any] = {"endpoint": self.url, "secret": "shh", "reach": Reach.of(["127.0.0.1"], {}), **more}
        return HttpAdapter(**fields)


@pytest.fixture
def agent() -> Iterator[Agent]:
    told = Agent()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.asked.append((dict(self.headers.items()), body))
            self.send_response(told.status)
            self.send_header("Content-Type", told.media)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for part in told.parts:
                    self.wfile.write(part)
                    self.wfile.flush()
                    told.gone.wait(told.pause)
            except OSError:
                told.gone.set()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}/agent"
    yield told
    told.gone.set()
    server.shutdown()
    thread.join()
    server.server_close()


def asked(**more: Any) -> AgentCall:
    return call(
        "", {"question": "?"}, framework="crewai", config={"endpoint": "x", "secret": "NAME", "model": "m"}, **more
    )


def failure(run: Callable[[], object]) -> StepFailed:
    with pytest.raises(StepFailed) as failed:
        run()
    return failed.value


@pytest.mark.parametrize("sse", [False, True])
def test_a_stream_of_events_ends_in_a_result(agent: Agent, *, sse: bool) -> None:
    agent.says({"type": "update", "node": "a"}, {"type": "ping"}, {"type": "token", "text": "Hi"}, RESULT, sse=sse)
    watch = Watching()
    came = agent.adapter().run(asked(), watch)
    assert isinstance(came, Done)
    assert (came.output, came.usage.as_dict()["total_tokens"], came.updates) == ({"a": 1}, 7, 2)
    assert watch.updates == [("update", {"node": "a"}), ("token", {"text": "Hi"})]


def test_one_object_is_an_answer(agent: Agent) -> None:
    agent.media, agent.parts = "application/json; charset=utf-8", [json.dumps(RESULT, indent=2).encode()]
    assert agent.adapter().run(asked(), Watching()).usage.input_tokens == 3


def test_what_is_sent_is_signed_and_named(agent: Agent) -> None:
    agent.says({"type": "interrupt", "interrupts": [{"id": "q", "value": "Sure?"}]})
    came = agent.adapter().run(asked(round=2, answers={"q": "yes"}, thread_id="th"), Watching())
    assert isinstance(came, Paused)
    assert [(one.id, one.value) for one in came.interrupts] == [("q", "Sure?")]
    headers, body = agent.asked[0]
    sent = json.loads(body)
    assert headers["Idempotency-Key"] == "t-2"
    at = int(headers[protocol.SIGNATURE].split(",")[0][2:])
    check = {"body": body, "key": "t-2", "header": headers[protocol.SIGNATURE]}
    assert protocol.is_signed("shh", **check, now=at)
    assert not protocol.is_signed("other", **check, now=at)
    assert not protocol.is_signed("shh", **{**check, "body": body + b" "}, now=at)
    assert not protocol.is_signed("shh", **{**check, "key": "t-3"}, now=at)
    assert not protocol.is_signed("shh", **check, now=at + protocol.TOLERANCE + 1)
    assert sent["protocol"] == protocol.PROTOCOL
    assert (sent["thread_id"], sent["resume"], sent["input"]) == ("th", {"answers": {"q": "yes"}}, None)
    assert sent["config"] == {"model": "m"}
    assert "shh" not in body.decode() + str(headers)


def test_without_a_secret_nothing_is_signed(agent: Agent) -> None:
    agent.says(RESULT)
    agent.adapter(secret=None).run(asked(), Watching())
    assert protocol.SIGNATURE not in agent.asked[0][0]


@pytest.mark.parametrize(
    ("status", "body", "code", "transient", "wait"),
    [
        (503, b"", "http_503", True, None),
        (500, b"<html>", "http_500", True, None),
        (404, b"", "http_404", False, None),
        (422, b'{"type": "error", "message": "No."}', "agent_failed", False, None),
        (429, b'{"type": "error", "message": "Later."}', "agent_failed", True, 7.0),
        (
            400,
            b'{"type": "error", "message": "Again.", "retryable": true, "retry_after": 3}',
            "agent_failed",
            True,
            3.0,
        ),
        (302, b"", "redirected", False, None),
    ],
)
def test_refusals_say_whether_to_try_again(
    agent: Agent,
    status: int,
    body: bytes,
    code: str,
    transient: bool,  # noqa: FBT001
    wait: float | None,
) -> None:
    agent.status, agent.media, agent.parts = status, "application/json", [body]
    agent.headers = (
        {"Retry-After": "7"} if status == 429 else {"Location": "http://169.254.169.254/"} if status == 302 else {}
    )
    failed = failure(lambda: agent.adapter().run(asked(), Watching()))
    assert (failed.code, failed.transient, failed.retry_after) == (code, transient, wait)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([b'{"type": "update"}\n'], "answer_cut_off"),
        ([], "answer_cut_off"),
        ([b"not json\n"], "bad_answer"),
        ([b"[1]\n"], "bad_answer"),
        ([b'{"type": "interrupt", "interrupts": []}\n'], "bad_answer"),
        ([b'{"type": "error", "message": "It broke.", "code": "x"}\n'], "agent_failed"),
        ([b"x" * (1 << 20)] * 5, "bad_answer"),
    ],
)
def test_who_does_not_keep_to_the_contract_fails_the_step(agent: Agent, parts: list[bytes], code: str) -> None:
    agent.parts = parts
    assert failure(lambda: agent.adapter().run(asked(), Watching())).code == code


def test_a_cancelled_step_hangs_up_on_a_slow_stream(agent: Agent) -> None:
    agent.says(*[{"type": "update", "n": number} for number in range(1000)], RESULT)
    agent.pause = 0.01
    with pytest.raises(StepCancelled):
        agent.adapter().run(asked(), Watching(patience=3))
    assert agent.gone.wait(10)


def test_a_stream_is_no_longer_than_the_step_may_take(agent: Agent) -> None:
    agent.says(*[{"type": "update"} for _ in range(1000)])
    agent.pause = 0.02
    assert failure(lambda: agent.adapter(ends=monotonic() + 0.2).run(asked(), Watching())).code == "timeout"
    agent.pause = 30
    assert failure(lambda: agent.adapter(ends=monotonic() + 0.2).run(asked(), Watching())).code == "timeout"


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:9/", "http://[::1]/", "http://169.254.169.254/latest", "http://10.0.0.1/"]
)
def test_private_addresses_are_not_called_unasked(endpoint: str) -> None:
    failed = failure(lambda: HttpAdapter(endpoint, "s", Reach.of([], {})).run(asked(), Watching()))
    assert (failed.code, failed.final) == ("network_refused", True)


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        ("ftp://x/", "network_refused"),
        ("http://u:p@x/", "network_refused"),
        ("http://127.0.0.1:1/", "connection_failed"),
    ],
)
def test_addresses_that_cannot_be_called_say_so(endpoint: str, code: str) -> None:
    assert (
        failure(lambda: HttpAdapter(endpoint, None, Reach.of(["127.0.0.1"], {})).run(asked(), Watching())).code == code
    )
