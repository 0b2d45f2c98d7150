"""The API's main road on a running stack, as somebody with curl walks it: create, execute, follow, read, cancel."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

MELODY = b"""\
workflow:
  name: three voices
  mode: dag
  steps:
    - {name: theme, type: test_echo, value: "{{ inputs.theme }}"}
    - {name: high, type: simulate, seconds: 0.2, output: high, depends_on: [theme]}
    - {name: low, type: simulate, seconds: 0.2, output: low, depends_on: [theme]}
    - {name: score, type: test_echo, value: "{{ steps.high }} {{ steps.low }}", output_to_file: score.txt}
"""
LONG = b"workflow: {name: long, steps: [{name: hold, type: simulate, seconds: 120}]}"

Curl = Callable[..., Any]


@pytest.fixture
def curl(stack: Any) -> Curl:
    """`curl(method, address, body, content type)`: the open response."""

    def curl(method: str, address: str, body: bytes | None = None, kind: str = "application/json", **more: str) -> Any:
        url = address if address.startswith("http") else f"{stack.url}/api/v1/{address}"
        headers = {"Authorization": f"Token {stack.token}", **more} | ({"Content-Type": kind} if body else {})
        return urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=60)

    return curl


def read(response: Any) -> Any:
    with response:
        return json.loads(response.read())


def messages(response: Any) -> Iterator[tuple[str, str, Any]]:
    """(event, id, data) of a stream, to its end."""
    fields: dict[str, str] = {}
    for raw in response:
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields["event"], fields.get("id", ""), json.loads(fields["data"])
            fields = {}


def test_the_five_calls(curl: Curl) -> None:
    with curl("POST", "melodies/", MELODY, "application/yaml") as created:
        assert created.status == 201
        melody = json.loads(created.read())
    run = read(curl("POST", f"melodies/{melody['id']}/executions/", b'{"input": {"theme": "B A C H"}}'))
    assert run["status"] == "pending"

    with curl("GET", run["links"]["stream"], Accept="text/event-stream") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        heard = list(messages(stream))
    assert (heard[0][0], heard[-1][0], heard[-1][2]["status"]) == ("execution_created", "end", "completed")

    tasks = read(curl("GET", run["links"]["tasks"]))["results"]
    assert {task["name"]: task["output"] for task in tasks} == {
        "theme": "B A C H", "high": "high", "low": "low", "score": "high low",
    }  # fmt: skip
    assert all(task["created_at"] <= task["started_at"] <= task["completed_at"] for task in tasks)
    events = read(curl("GET", run["links"]["events"]))["results"]
    assert [event["cursor"] for event in events] == [mark for _, mark, _ in heard[:-1]]
    (artifact,) = read(curl("GET", run["links"]["artifacts"]))["results"]
    with curl("GET", artifact["content_url"]) as content:
        assert content.read() == b"high low"
    over = read(curl("GET", run["url"]))
    assert (over["status"], over["task_counts"]["completed"], over["outputs"]["score"]) == ("completed", 4, "high low")


def test_cancel_while_others_listen(curl: Curl) -> None:
    melody = read(curl("POST", "melodies", LONG, "text/yaml"))
    run = read(curl("POST", f"melodies/{melody['id']}/executions", b"{}"))

    def listen(_: int) -> list[str]:
        with curl("GET", run["links"]["stream"]) as stream:
            return [event for event, _, _ in messages(stream)]

    with ThreadPoolExecutor(20) as people:
        heard = people.map(listen, range(20))
        with curl("GET", run["links"]["stream"]) as stream:
            next(event for event, _, _ in messages(stream) if event == "task_started")
        cancelled = read(curl("POST", run["links"]["cancel"].removesuffix("/"), b'{"reason": "Enough."}'))
        assert (cancelled["status"], cancelled["status_message"]) == ("cancelled", "Enough.")
        everybody = list(heard)
    assert all(events[-2:] == ["execution_cancelled", "end"] or events[-1] == "end" for events in everybody)
    assert all("execution_cancelled" in events for events in everybody)
    with pytest.raises(urllib.error.HTTPError) as again:
        curl("POST", run["links"]["cancel"], b"{}")
    with again.value as refused:
        assert (refused.code, json.loads(refused.read())["code"]) == (409, "execution_over")


def test_a_stream_taken_up_again_misses_nothing(curl: Curl) -> None:
    melody = read(curl("POST", "melodies/", MELODY, "application/yaml"))
    run = read(curl("POST", f"melodies/{melody['id']}/executions/", b'{"input": {"theme": "x"}}'))
    heard: list[tuple[str, str, Any]] = []
    while not heard or heard[-1][0] != "end":
        mark = {"Last-Event-ID": heard[-1][1]} if heard else {}
        with curl("GET", run["links"]["stream"], **mark) as stream:
            # Three messages at a time, then the line breaks.
            heard += [message for message, _ in zip(messages(stream), range(3), strict=False)]
    events = read(curl("GET", run["links"]["events"]))["results"]
    assert [mark for _, mark, _ in heard[:-1]] == [event["cursor"] for event in events]


def test_nobody_without_a_token(stack: Any) -> None:
    for address in ("melodies/", "executions/01234567-89ab-7def-8123-456789abcdef/stream"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{stack.url}/api/v1/{address}", timeout=30)
        with refused.value as response:
            assert (response.code, response.headers["Content-Type"]) == (401, "application/problem+json")
