"""The live stream, read as a browser would: asynchronous, on threads with connections of their own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
from django.db import connections
from django.test import AsyncClient, Client

from apps.accounts import services as accounts
from apps.accounts.models import ApiToken, Membership, Organization, User
from apps.core.tenancy import acting_as, staff
from apps.executions import lookups, streaming
from symphony.roles import DatabaseUrls

pytestmark = pytest.mark.django_db(transaction=True)

Start = Callable[..., Any]
TokenOf = Callable[[User], str]


@dataclass(frozen=True, slots=True)
class Message:
    event: str
    id: str
    data: Any


@pytest.fixture(autouse=True)
def streams(web_role: None) -> Iterator[None]:
    """Nothing is left behind; and the connections of the threads are closed, or the test database could not go."""
    yield
    assert len(streaming.hub) == 0
    together = threading.Barrier(streaming.THREADS)

    def close() -> None:
        together.wait(10)
        connections.close_all()

    for closed in [streaming._pool.submit(close) for _ in range(streaming.THREADS)]:
        closed.result(20)


@pytest.fixture
def token_of(streams: None) -> TokenOf:
    return lambda user: accounts.create_token(actor=user, name="stream")[1]


def path_of(player: Any) -> str:
    return f"/api/v1/executions/{player.execution.pk}/stream"


async def ask(path: str, token: str | None, **headers: str) -> Any:
    given = {"Authorization": f"Token {token}"} if token else {}
    return await AsyncClient().get(path, headers={**given, **headers})


@asynccontextmanager
async def listening(path: str, token: str, **headers: str) -> AsyncIterator[AsyncIterator[Message]]:
    """The messages of a stream; leaving the block is what a disconnect does."""
    response = await ask(path, token, **headers)
    assert response.status_code == 200, response.content
    content = aiter(response.streaming_content)
    try:
        yield parsed(content)
    finally:
        # As Django's handler does.
        await content.aclose()
        await asyncio.to_thread(response.close)


async def parsed(content: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    text = ""
    async for chunk in content:
        text += chunk.decode()
        *blocks, text = text.split("\n\n")
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
            if "data" in fields:
                yield Message(fields["event"], fields.get("id", ""), json.loads(fields["data"]))


async def everything(path: str, token: str, **headers: str) -> list[Message]:
    async with listening(path, token, **headers) as messages:
        return [message async for message in messages]


def run(work: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        return await asyncio.wait_for(work, 60)

    return asyncio.run(bounded())


async def meanwhile(work: Callable[[], Any]) -> Any:
    """Blocking work on a thread, whose connection ends with it."""

    def bounded() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.to_thread(bounded)


def recorded(player: Any) -> list[str]:
    """Types of all events of a run, as the table has them."""
    with acting_as(player.execution.created_by_id):
        return list(lookups.events_of(player.execution).values_list("event_type", flat=True))


def write_event(cursor: Any, player: Any, kind: str) -> None:
    cursor.execute(
        "INSERT INTO executions_event (organization_id, execution_id, position, event_type, payload, occurred_at)"
        " VALUES (%s, %s, pg_current_xact_id()::text::bigint, %s, '{}', clock_timestamp())",
        [player.organization, str(player.execution.pk), kind],
    )


@pytest.fixture
def another(test_database_urls: DatabaseUrls) -> Iterator[Callable[[], Any]]:
    """Further connections, as workers have them; each with a transaction of its own."""
    opened = []

    def connect() -> Any:
        opened.append(psycopg2.connect(test_database_urls.worker))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


def begin_as(player: Any, other: Any) -> Any:
    cursor = other.cursor()
    cursor.execute("SELECT set_config('app.organization_id', %s, true)", [player.organization])
    return cursor


def test_a_run_that_is_over_is_replayed(alice: User, start: Start, token_of: TokenOf) -> None:
    player = start(alice)
    player.play()
    messages = run(everything(path_of(player), token_of(alice)))
    assert [message.event for message in messages] == [*recorded(player), "end"]
    assert messages[-1].data == {"execution": str(player.execution.pk), "status": "completed"}
    started = next(message for message in messages if message.event == "task_started")
    assert started.data.keys() == {"id", "type", "task", "task_name", "payload", "occurred_at"}
    assert (started.data["type"], started.data["task_name"]) == ("task_started", "first")
    assert started.id.endswith(f"-{started.data['id']}")


def test_headers(alice: User, start: Start, token_of: TokenOf) -> None:
    path, token = path_of(start(alice)), token_of(alice)
    response = run(ask(path, token))
    assert response.headers["Content-Type"] == "text/event-stream"
    assert "no-cache" in response.headers["Cache-Control"]
    assert response.headers["X-Accel-Buffering"] == "no"
    head = run(AsyncClient().head(path, headers={"Authorization": f"Token {token}"}))
    assert (head.status_code, head.content, head.headers["Content-Type"]) == (200, b"", "text/event-stream")


def test_it_goes_on_after_the_last_event(alice: User, start: Start, token_of: TokenOf) -> None:
    player = start(alice)
    player.play()
    path, token = path_of(player), token_of(alice)
    messages = run(everything(path, token))
    middle = messages[4].id
    assert run(everything(path, token, **{"Last-Event-ID": middle})) == messages[5:]
    assert run(everything(f"{path}?after={middle}", token)) == messages[5:]
    assert run(everything(f"{path}?after=1-1", token, **{"Last-Event-ID": middle})) == messages[5:]
    assert run(everything(path, token, **{"Last-Event-ID": messages[-2].id})) == messages[-1:]


def test_a_run_is_followed_live(alice: User, start: Start, token_of: TokenOf) -> None:
    player, token = start(alice), token_of(alice)

    async def follow() -> list[Message]:
        seen = []
        async with listening(path_of(player), token) as messages:
            seen.append(await anext(messages))
            playing = asyncio.create_task(meanwhile(player.play))
            seen += [message async for message in messages]
            await playing
        return seen

    assert [message.event for message in run(follow())] == [*recorded(player), "end"]


def test_an_event_waits_for_those_before_it(
    alice: User, start: Start, token_of: TokenOf, another: Callable[[], Any]
) -> None:
    player, token = start(alice), token_of(alice)
    early, late = another(), another()
    write_event(begin_as(player, early), player, "early")
    write_event(begin_as(player, late), player, "late")
    late.commit()

    async def follow() -> list[str]:
        async with listening(path_of(player), token) as messages:
            seen = [(await anext(messages)).event]
            nothing = asyncio.ensure_future(anext(messages))
            await asyncio.wait([nothing], timeout=4 * streaming.POLL_SECONDS)
            assert not nothing.done()
            await meanwhile(early.commit)
            return [*seen, (await nothing).event, (await anext(messages)).event]

    assert run(follow()) == ["execution_created", "early", "late"]


def test_but_not_for_ever(
    alice: User, start: Start, token_of: TokenOf, another: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "HELD_BACK_SECONDS", 1.0)
    foreign = another()
    foreign.cursor().execute("SELECT pg_current_xact_id()")
    player, token = start(alice), token_of(alice)
    player.play()
    assert [message.event for message in run(everything(path_of(player), token))] == [*recorded(player), "end"]


def test_long_runs_come_in_batches(
    alice: User, start: Start, token_of: TokenOf, another: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "BATCH", 50)
    monkeypatch.setattr(streaming, "TAIL", 30)
    player, token, writer = start(alice), token_of(alice), another()

    def write(count: int) -> None:
        for number in range(count):
            write_event(begin_as(player, writer), player, f"e{number}")
            if number % 7 == 0:
                writer.commit()
        writer.commit()

    async def follow() -> list[Message]:
        async with listening(path_of(player), token) as messages:
            seen = [await anext(messages) for _ in range(100)]
            writing = asyncio.create_task(meanwhile(lambda: (write(333), player.play())))
            seen += [message async for message in messages]
            await writing
        return seen

    write(500)
    seen = run(follow())
    assert [message.event for message in seen] == [*recorded(player), "end"]
    assert len({message.id for message in seen}) == len(seen)


def test_many_listeners_cost_one_poller(
    alice: User, start: Start, token_of: TokenOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    player, token = start(alice), token_of(alice)
    looks: list[Any] = []
    look = streaming._look
    monkeypatch.setattr(streaming, "_look", lambda *args: looks.append(args) or look(*args))

    async def follow() -> list[list[Message]]:
        listeners = [asyncio.create_task(everything(path_of(player), token)) for _ in range(60)]
        while sum(channel.listeners.total() for channel, _ in streaming.hub._channels.values()) < 60:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert len(streaming.hub) == 1
        before, began = len(looks), asyncio.get_running_loop().time()
        await meanwhile(player.play)
        all_seen = await asyncio.gather(*listeners)
        ticks = (asyncio.get_running_loop().time() - began) / streaming.POLL_SECONDS
        assert len(looks) - before <= ticks + 2
        return all_seen

    everybody = run(follow())
    expected = [*recorded(player), "end"]
    for seen in everybody:
        assert [message.event for message in seen] == expected


def test_who_leaves_leaves_nothing(alice: User, start: Start, token_of: TokenOf) -> None:
    player, token = start(alice), token_of(alice)

    async def leave() -> set[str]:
        for _ in range(5):
            async with listening(path_of(player), token) as messages:
                await anext(messages)
                assert len(streaming.hub) == 1
        # A response is closed on the loop, a few turns later.
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(streaming.hub) == 0
        return {task.get_name() for task in asyncio.all_tasks()}

    assert not any(name.startswith("follow") for name in run(leave()))


def test_silence_is_broken_now_and_then(
    alice: User, start: Start, token_of: TokenOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_SECONDS", 0.1)
    player, token = start(alice), token_of(alice)

    async def hear() -> bytes:
        response = await ask(path_of(player), token)
        content = aiter(response.streaming_content)
        heard = await anext(content)
        assert heard.startswith(b"retry: 1000\n\n")
        while b"\n: " not in b"\n" + heard:
            heard += await anext(content)
        await content.aclose()
        await asyncio.to_thread(response.close)
        return heard

    assert run(hear()).endswith(b": still running\n\n")


def test_who_may_not_is_told_so(alice: User, bob: User, start: Start, token_of: TokenOf) -> None:
    path, token = path_of(start(alice)), token_of(alice)
    cases = [
        (ask(path, None), 401, "not_authenticated"),
        (ask(path, "sym_wrong"), 401, "authentication_failed"),
        (ask(f"{path}?token={token}", None), 401, "not_authenticated"),
        (ask(path, token_of(bob)), 404, "execution_not_found"),
        (ask(path.replace("executions/", "executions/0000"), token), 404, "not_found"),
        (ask(path, token, **{"Last-Event-ID": "yesterday"}), 422, "invalid"),
        (ask(f"{path}?after={'9' * 30}-1", token), 422, "invalid"),
        (AsyncClient().post(path, headers={"Authorization": f"Token {token}"}), 405, "method_not_allowed"),
    ]
    for asking, status, code in cases:
        response = run(asking)
        assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")
        assert response.json()["code"] == code


def test_a_session_will_do(alice: User, start: Start) -> None:
    player = start(alice)
    player.play()

    async def listen() -> bytes:
        client = AsyncClient()
        client.cookies = signed_in.cookies
        response = await client.get(path_of(player))
        return b"".join([chunk async for chunk in response.streaming_content])

    signed_in = Client()
    signed_in.force_login(alice)
    assert b"event: end" in run(listen())


def test_whoever_loses_access_hears_no_more(
    alice: User, bob: User, orchestra: Organization, start: Start, token_of: TokenOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "RECHECK_SECONDS", 0.1)
    accounts.add_member(actor=alice, organization=orchestra, user=bob)
    player, stays, goes = start(alice, organization=orchestra), token_of(alice), token_of(bob)

    def leave() -> None:
        with staff():
            Membership.objects.filter(organization=orchestra, user=bob).delete()

    async def follow() -> list[Message]:
        async with listening(path_of(player), goes) as of_bob, listening(path_of(player), stays) as of_alice:
            await anext(of_bob)
            await anext(of_alice)
            await meanwhile(leave)
            assert [message.event async for message in of_bob] == []
            await meanwhile(player.play)
            return [message async for message in of_alice]

    assert run(follow())[-1].event == "end"


def test_a_revoked_token_ends_its_stream(
    alice: User, start: Start, token_of: TokenOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "RECHECK_SECONDS", 0.1)
    player, secret = start(alice), token_of(alice)

    def revoke() -> None:
        with acting_as(alice.pk):
            for token in ApiToken.objects.filter(user=alice):
                accounts.revoke_token(actor=alice, token=token)

    async def follow() -> list[str]:
        async with listening(path_of(player), secret) as messages:
            await anext(messages)
            await meanwhile(revoke)
            return [message.event async for message in messages]

    assert run(follow()) == []


def test_who_signs_out_in_the_browser_hears_no_more(alice: User, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "RECHECK_SECONDS", 0.1)
    player, signed_in = start(alice), Client()
    signed_in.force_login(alice)
    client = AsyncClient()
    client.cookies = signed_in.cookies.copy()

    async def follow() -> list[str]:
        response = await client.get(path_of(player))
        content = aiter(response.streaming_content)
        try:
            messages = parsed(content)
            await anext(messages)
            await meanwhile(signed_in.logout)
            return [message.event async for message in messages]
        finally:
            await content.aclose()
            await asyncio.to_thread(response.close)

    assert run(follow()) == []


@pytest.mark.parametrize("text", ["", "1", "1-", "-1", "1-2-3", "a-b", "1 - 2", "٣-٤", "9" * 20 + "-1"])
def test_what_is_no_cursor(text: str) -> None:
    assert streaming.parse_cursor(text) is None
