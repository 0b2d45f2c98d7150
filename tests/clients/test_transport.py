"""What the client does by itself: attempts, pauses, keys, problems, pages and streams. The server is a script."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from symphony_client import Client, ConnectionLost, Invalid, NotFound, Retries, TooMany

Script = list[httpx.Response | Exception]
QUICK = Retries(attempts=3, first_pause=0.001, longest_pause=0.01)


@pytest.fixture
def serving() -> Iterator[Callable[[Script], tuple[Client, list[httpx.Request]]]]:
    """A client whose server gives these answers, one after the other; and what it was asked."""
    opened: list[Client] = []

    def make(script: Script) -> tuple[Client, list[httpx.Request]]:
        asked: list[httpx.Request] = []
        answers = iter(script)

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            said = next(answers)
            if isinstance(said, Exception):
                raise said
            return said

        http = httpx.Client(transport=httpx.MockTransport(answer))
        opened.append(Client("http://symphony.test", token="sym_x", retries=QUICK, http=http))
        return opened[-1], asked

    yield make
    for client in opened:
        client.close()


def problem(status: int, code: str, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": "no", "title": "No", **more})


def organization(name: str) -> dict[str, Any]:
    return {
        "id": "01900000-0000-7000-8000-000000000001",
        "name": name,
        "slug": name,
        "subscription_tier": "free",
        "is_personal": False,
        "owner_type": "organization",
        "settings": {},
        "is_active": True,
        "role": "owner",
        "owner": None,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "said_by_a_newer_server": True,
    }


def test_a_token_is_shown_and_a_problem_is_an_exception(serving: Any) -> None:
    client, asked = serving([problem(404, "organization_not_found")])
    with pytest.raises(NotFound, match="404 organization_not_found: no"):
        client.organizations.retrieve("a b/c")
    assert asked[0].headers["Authorization"] == "Token sym_x"
    assert asked[0].url.raw_path == b"/api/v1/organizations/a%20b%2Fc/"


def test_errors_say_where(serving: Any) -> None:
    errors = [{"code": "required", "message": "This is needed.", "pointer": "/name"}]
    client, _ = serving([problem(422, "invalid", errors=errors)])
    with pytest.raises(Invalid, match="/name: This is needed") as caught:
        client.organizations.create(name="")
    assert caught.value.errors == errors


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_when_it_says(serving: Any, status: int) -> None:
    busy = httpx.Response(status, headers={"Retry-After": "0"}, json={"code": "busy"})
    client, asked = serving([busy, busy, httpx.Response(200, json={"results": [], "next": None})])
    assert list(client.organizations.list()) == []
    assert len(asked) == 3


def test_a_pause_that_is_too_long_is_the_callers_business(serving: Any) -> None:
    client, asked = serving([httpx.Response(429, headers={"Retry-After": "3600"}, json={"code": "throttled"})])
    with pytest.raises(TooMany) as caught:
        list(client.organizations.list())
    assert caught.value.retry_after == 3600
    assert len(asked) == 1


def test_a_repeated_request_has_the_same_key(serving: Any) -> None:
    lost = httpx.ReadError("lost")
    client, asked = serving([lost, httpx.Response(201, json=organization("new"))])
    assert client.organizations.create(name="new").name == "new"
    first, second = (request.headers["Idempotency-Key"] for request in asked)
    assert first == second
    assert json.loads(asked[1].content) == {"name": "new"}


def test_what_may_not_be_sent_twice_is_not(serving: Any) -> None:
    client, asked = serving([httpx.ReadError("lost")])
    with pytest.raises(ConnectionLost, match="lost"):
        client.executions.prioritize("01900000-0000-7000-8000-000000000001", priority=5)
    assert len(asked) == 1


def test_lists_turn_pages(serving: Any) -> None:
    following = "http://symphony.test/api/v1/organizations/?cursor=abc&page_size=1"
    client, asked = serving(
        [
            httpx.Response(200, json={"results": [organization("one")], "next": following}),
            httpx.Response(200, json={"results": [organization("two")], "next": None}),
        ]
    )
    assert [each.name for each in client.organizations.list(page_size=1)] == ["one", "two"]
    assert [str(request.url.query, "ascii") for request in asked] == ["page_size=1", "cursor=abc&page_size=1"]


def test_a_stream_goes_on_where_it_broke_off(serving: Any) -> None:
    def stream(text: str) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, text=text)

    client, asked = serving(
        [
            stream('id: 1-1\nevent: task_started\ndata: {"n": 1}\n\n: still here\n\nid: 1-2\nevent: torn\ndata: {'),
            httpx.Response(503, headers={"Retry-After": "0"}, json={"code": "unavailable"}),
            stream('id: 1-2\nevent: task_completed\ndata: {"n": 2}\n\nevent: end\ndata: {"status": "completed"}\n\n'),
        ]
    )
    events = list(client.executions.stream("01900000-0000-7000-8000-000000000001"))
    assert [(event.type, event.data) for event in events] == [
        ("task_started", {"n": 1}),
        ("task_completed", {"n": 2}),
        ("end", {"status": "completed"}),
    ]
    # The second event was torn: it is asked for again.
    assert [request.headers.get("Last-Event-ID") for request in asked] == [None, "1-1", "1-1"]


def test_one_credential() -> None:
    with pytest.raises(ValueError, match="not both"):
        Client("http://symphony.test", token="sym_x", access_token="ey")
