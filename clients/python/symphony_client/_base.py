"""What the generated resources stand on."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Hashable, Iterator, Mapping
from functools import cache
from typing import Any, Final, Generic, TypeVar, cast
from urllib.parse import quote

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from symphony_client._transport import AsyncTransport, Transport
from symphony_client.following import AsyncFollowing, Following

T = TypeVar("T")


class Unset:
    """Not given; None is a value."""

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset()


def quoted(value: object) -> str:
    return quote(str(value), safe="")


def new_key() -> str:
    return uuid.uuid4().hex


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast("Any", kind))


def _parts(
    *,
    query: Mapping[str, Any] | None = None,
    json: Mapping[str, Any] | None = None,
    content: Any = None,
    content_type: str = "application/json",
    idempotency_key: str | None = None,
    if_match: str | None = None,
) -> dict[str, Any]:
    """Arguments of httpx's `build_request`. Text and bytes are sent as they are, anything else as JSON."""
    headers = {"Idempotency-Key": idempotency_key, "If-Match": if_match}
    parts: dict[str, Any] = {"headers": {name: value for name, value in headers.items() if value is not None}}
    if query:
        parts["params"] = {name: _plain(value) for name, value in query.items() if value is not UNSET}
    if json is not None:
        parts["json"] = to_jsonable_python({name: value for name, value in json.items() if value is not UNSET})
    elif isinstance(content, (str, bytes)):
        parts["content"] = content
        parts["headers"]["Content-Type"] = content_type
    elif content is not None:
        parts["json"] = to_jsonable_python(content, by_alias=True)
    return parts


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    plain = to_jsonable_python(value)
    return ",".join(map(str, plain)) if isinstance(plain, list) else plain


class Pages(Generic[T]):
    """All results of a list, asked for page by page while one iterates."""

    def __init__(self, transport: Transport, kind: Any, method: str, path: str, parts: dict[str, Any]) -> None:
        self._transport = transport
        self._adapter = _adapter(list[kind])
        self._request = method, path, parts

    def pages(self) -> Iterator[list[T]]:
        method, path, parts = self._request
        while True:
            page = self._transport.send(method, path, **parts).json()
            yield self._adapter.validate_python(page["results"])
            if not page["next"]:
                return
            # It says all that was asked for besides the place.
            path, parts = page["next"], {}

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page


class AsyncPages(Generic[T]):
    """As `Pages`, for `async for`."""

    def __init__(self, transport: AsyncTransport, kind: Any, method: str, path: str, parts: dict[str, Any]) -> None:
        self._transport = transport
        self._adapter = _adapter(list[kind])
        self._request = method, path, parts

    async def pages(self) -> AsyncIterator[list[T]]:
        method, path, parts = self._request
        while True:
            page = (await self._transport.send(method, path, **parts)).json()
            yield self._adapter.validate_python(page["results"])
            if not page["next"]:
                return
            path, parts = page["next"], {}

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for each in page:
                yield each


class Resource:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _ask(self, kind: type[T], method: str, path: str, **given: Any) -> T:
        answer: T = _adapter(cast("Hashable", kind)).validate_json(
            self._transport.send(method, path, **_parts(**given)).content
        )
        return answer

    def _tell(self, method: str, path: str, **given: Any) -> None:
        self._transport.send(method, path, **_parts(**given))

    def _load(self, method: str, path: str, **given: Any) -> bytes:
        return self._transport.send(method, path, **_parts(**given)).content

    def _pages(self, kind: type[T], method: str, path: str, **given: Any) -> Pages[T]:
        return Pages(self._transport, kind, method, path, _parts(**given))

    def _follow(self, path: str, last_event_id: str | None) -> Following:
        return Following(self._transport, path, last_event_id)


class AsyncResource:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def _ask(self, kind: type[T], method: str, path: str, **given: Any) -> T:
        answer: T = _adapter(cast("Hashable", kind)).validate_json(
            (await self._transport.send(method, path, **_parts(**given))).content
        )
        return answer

    async def _tell(self, method: str, path: str, **given: Any) -> None:
        await self._transport.send(method, path, **_parts(**given))

    async def _load(self, method: str, path: str, **given: Any) -> bytes:
        return (await self._transport.send(method, path, **_parts(**given))).content

    def _pages(self, kind: type[T], method: str, path: str, **given: Any) -> AsyncPages[T]:
        return AsyncPages(self._transport, kind, method, path, _parts(**given))

    def _follow(self, path: str, last_event_id: str | None) -> AsyncFollowing:
        return AsyncFollowing(self._transport, path, last_event_id)
