"""The live progress of a run: server-sent events, taken up again where a connection was lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from symphony_client._transport import AsyncTransport, Transport
from symphony_client.errors import ConnectionLost, Problem

END: Final = "end"


@dataclass(frozen=True, slots=True)
class Event:
    """`id` is its place: `follow(..., last_event_id=event.id)` goes on after it. The last one is `end`."""

    id: str
    type: str
    data: Any


@dataclass(slots=True)
class _Reader:
    """Lines of a stream to events."""

    last_id: str | None
    """Of the last event that came whole."""
    id: str | None = None
    type: str = ""
    data: list[str] = field(default_factory=list)

    def headers(self) -> dict[str, str]:
        return {"Accept": "text/event-stream", **({"Last-Event-ID": self.last_id} if self.last_id else {})}

    def forget(self) -> None:
        """What a lost connection left half said."""
        self.id, self.type, self.data = None, "", []

    def read(self, line: str) -> Event | None:
        if not line:
            return self._event()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            self.id = value
        elif name == "event":
            self.type = value
        elif name == "data":
            self.data.append(value)
        return None

    def _event(self) -> Event | None:
        if not self.data:
            self.forget()
            return None
        text, kind = "\n".join(self.data), self.type or "message"
        self.last_id = self.last_id if self.id is None else self.id
        self.forget()
        try:
            data = json.loads(text)
        except ValueError:
            data = text
        return Event(self.last_id or "", kind, data)


class Following:
    """Iterate over it: the events so far, then each as it happens, until the run has ended."""

    def __init__(self, transport: Transport, path: str, last_event_id: str | None) -> None:
        self._transport = transport
        self._path = path
        self._reader = _Reader(last_event_id)

    def __iter__(self) -> Iterator[Event]:
        attempt = 1
        while True:
            try:
                with self._transport.streamed(self._path, self._reader.headers()) as response:
                    for line in response.iter_lines():
                        if (event := self._reader.read(line)) is None:
                            continue
                        attempt = 1
                        yield event
                        if event.type == END:
                            return
                lost: Exception = ConnectionLost(f"{self._path}: the stream broke off")
            except (httpx.TransportError, Problem) as error:
                lost = error
            time.sleep(_pause(self._transport, attempt, lost))
            self._reader.forget()
            attempt += 1


class AsyncFollowing:
    """As `Following`, for `async for`."""

    def __init__(self, transport: AsyncTransport, path: str, last_event_id: str | None) -> None:
        self._transport = transport
        self._path = path
        self._reader = _Reader(last_event_id)

    async def __aiter__(self) -> AsyncIterator[Event]:
        attempt = 1
        while True:
            try:
                async with self._transport.streamed(self._path, self._reader.headers()) as response:
                    async for line in response.aiter_lines():
                        if (event := self._reader.read(line)) is None:
                            continue
                        attempt = 1
                        yield event
                        if event.type == END:
                            return
                lost: Exception = ConnectionLost(f"{self._path}: the stream broke off")
            except (httpx.TransportError, Problem) as error:
                lost = error
            await asyncio.sleep(_pause(self._transport, attempt, lost))
            self._reader.forget()
            attempt += 1


def _pause(transport: Transport | AsyncTransport, attempt: int, lost: Exception) -> float:
    """Seconds until the next attempt; raises when there shall be none."""
    if isinstance(lost, Problem) and lost.status not in {429, 502, 503, 504}:
        raise lost
    pause = transport.retries.pause(attempt, lost.headers if isinstance(lost, Problem) else None)
    if pause is None:
        raise lost if isinstance(lost, (Problem, ConnectionLost)) else ConnectionLost(str(lost)) from lost
    return pause
