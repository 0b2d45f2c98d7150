"""Requests: who asks, what is tried again, and what an answer means."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from symphony_client.errors import ConnectionLost, Problem, problem_of, retry_after

TRIED_AGAIN: Final = frozenset({429, 503})
"""Answers after which the same request is sent once more: it had no effect."""
STREAM_TIMEOUT: Final = httpx.Timeout(10.0, read=45.0)
"""The server says something at least every 15 seconds."""


@dataclass(frozen=True, slots=True)
class Retries:
    """`attempts` in all. A pause the server asks for is kept, unless it is longer than `longest_pause` seconds."""

    attempts: int = 4
    first_pause: float = 0.5
    longest_pause: float = 60.0

    def pause(self, attempt: int, headers: httpx.Headers | None = None) -> float | None:
        """Seconds before the next attempt; None when there is none."""
        if attempt >= self.attempts:
            return None
        asked = retry_after(headers) if headers is not None else None
        if asked is not None:
            return asked if asked <= self.longest_pause else None
        return float(min(self.first_pause * 2 ** (attempt - 1) * random.uniform(0.5, 1.5), self.longest_pause))


def _may_be_sent_again(request: httpx.Request) -> bool:
    """Whether an answer that got lost does not matter: it reads, replaces, removes, or has a key."""
    return request.method in {"GET", "HEAD", "PUT", "DELETE"} or "Idempotency-Key" in request.headers


class Transport:
    """For threads that wait."""

    def __init__(self, http: httpx.Client, retries: Retries) -> None:
        self.http = http
        self.retries = retries

    def send(self, method: str, path: str, **parts: Any) -> httpx.Response:
        request = self.http.build_request(method, path, **parts)
        for attempt in range(1, self.retries.attempts + 1):
            pause = None
            try:
                response = self.http.send(request)
            except httpx.TransportError as error:
                pause = self.retries.pause(attempt) if _may_be_sent_again(request) else None
                if pause is None:
                    raise ConnectionLost(f"{request.method} {request.url}: {error}") from error
            else:
                if response.status_code in TRIED_AGAIN:
                    pause = self.retries.pause(attempt, response.headers)
                if pause is None:
                    return _checked(response)
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def streamed(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        with self.http.stream("GET", path, headers=dict(headers), timeout=STREAM_TIMEOUT) as response:
            if not response.is_success:
                response.read()
            yield _checked(response)


class AsyncTransport:
    """For event loops."""

    def __init__(self, http: httpx.AsyncClient, retries: Retries) -> None:
        self.http = http
        self.retries = retries

    async def send(self, method: str, path: str, **parts: Any) -> httpx.Response:
        request = self.http.build_request(method, path, **parts)
        for attempt in range(1, self.retries.attempts + 1):
            pause = None
            try:
                response = await self.http.send(request)
            except httpx.TransportError as error:
                pause = self.retries.pause(attempt) if _may_be_sent_again(request) else None
                if pause is None:
                    raise ConnectionLost(f"{request.method} {request.url}: {error}") from error
            else:
                if response.status_code in TRIED_AGAIN:
                    pause = self.retries.pause(attempt, response.headers)
                if pause is None:
                    return _checked(response)
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def streamed(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        async with self.http.stream("GET", path, headers=dict(headers), timeout=STREAM_TIMEOUT) as response:
            if not response.is_success:
                await response.aread()
            yield _checked(response)


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success or response.status_code == httpx.codes.NOT_MODIFIED:
        return response
    raise problem_of(response)


__all__ = ["AsyncTransport", "Problem", "Retries", "Transport"]
