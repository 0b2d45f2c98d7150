"""`Client` and `AsyncClient`: where the server is, and who asks."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

import httpx

from symphony_client._transport import AsyncTransport, Retries, Transport
from symphony_client.api.resources import AsyncResources, Resources

_TIMEOUT: Final = 30.0


def _headers(token: str | None, access_token: str | None) -> dict[str, str]:
    if token and access_token:
        raise ValueError("Give an API token or an access token, not both.")
    headers = {"Accept": "application/json", "User-Agent": "symphony-client"}
    if token:
        headers["Authorization"] = f"Token {token}"
    elif access_token:
        headers["Authorization"] = f"Bearer {access_token}"
    return headers


class Client(Resources):
    """To be used in a `with`, or closed. An address of the server and an API token (`sym_...`), or an access token of
    a sign-in; `http` is for who wants proxies, certificates or a transport of their own."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        access_token: str | None = None,
        retries: Retries = Retries(),  # noqa: B008 - it cannot be changed
        timeout: float = _TIMEOUT,
        http: httpx.Client | None = None,
    ) -> None:
        self.http = http or httpx.Client(timeout=timeout)
        self.http.base_url = httpx.URL(url)
        self.http.headers.update(_headers(token, access_token))
        super().__init__(Transport(self.http, retries))

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(AsyncResources):
    """As `Client`, for `async with`."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        access_token: str | None = None,
        retries: Retries = Retries(),  # noqa: B008 - it cannot be changed
        timeout: float = _TIMEOUT,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self.http = http or httpx.AsyncClient(timeout=timeout)
        self.http.base_url = httpx.URL(url)
        self.http.headers.update(_headers(token, access_token))
        super().__init__(AsyncTransport(self.http, retries))

    async def close(self) -> None:
        await self.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
