"""Making one call: redirects by hand, each checked anew; never longer or larger than allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx

from workers.contract import StepCancelled, StepContext, StepFailed, TimedOut
from workers.steps.web.addresses import Reach, refused
from workers.steps.web.fields import Http
from workers.steps.web.secrets import Secrets
from workers.steps.web.transport import GuardedTransport, NameUnknown

MOST_REDIRECTS = 10
LONGEST_CALL = 300.0
"""Seconds a call may take when the step has no timeout."""
LONGEST_CONNECT = 10.0
LONGEST_SILENCE = 60.0

Transport = Callable[[Reach], httpx.BaseTransport]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `url` and `headers` are free of secrets, `data` is as it came."""

    status: int
    url: str
    headers: Mapping[str, str]
    data: bytes
    redirects: int
    seconds: float
    encoding: str | None


class Caller:
    """One call of one step."""

    def __init__(
        self, params: Http, step: StepContext, reach: Reach, secrets: Secrets, transport: Transport = GuardedTransport
    ) -> None:
        self._params = params
        self._step = step
        self._reach = reach
        self._secrets = secrets
        self._transport = transport
        self._started = monotonic()
        own = self._started + LONGEST_CALL
        self._ends = own if step.deadline is None else step.deadline

    def call(self) -> Answer:
        """The last answer of a chain of redirects. Raises StepFailed for what never became an answer."""
        sensitive = self._sensitive()
        try:
            with httpx.Client(
                transport=self._transport(self._reach), follow_redirects=False, trust_env=False
            ) as client:
                first = self._first(client, sensitive)
                if self._step.engine is not None:
                    self._step.engine.release_database()
                return self._follow(client, first, frozenset(name.lower() for name in sensitive))
        except httpx.TimeoutException as error:
            raise self._too_slow(error) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise self._broken(error) from error

    def _sensitive(self) -> dict[str, str]:
        """The headers that go to this one place only."""
        headers = {name: self._secrets.fill(value) for name, value in self._params.secret_headers.items()}
        auth = self._params.auth
        if auth is not None and auth.type == "bearer":
            headers["Authorization"] = f"Bearer {self._secrets.fill(auth.token or '')}"
        elif auth is not None:
            pair = httpx.BasicAuth(self._secrets.fill(auth.username or ""), self._secrets.fill(auth.password or ""))
            request = next(pair.auth_flow(httpx.Request("GET", "http://nowhere")))
            headers["Authorization"] = request.headers["Authorization"]
            self._secrets.also(headers["Authorization"].removeprefix("Basic "))
        return headers

    def _first(self, client: httpx.Client, sensitive: Mapping[str, str]) -> httpx.Request:
        params = self._params
        headers = httpx.Headers({"User-Agent": "symphony"})
        headers.update({name: _header(value) for name, value in params.headers.items() if value is not None})
        if params.method in ("POST", "PATCH") and params.idempotency_key is not False:
            given = params.idempotency_key
            headers.setdefault("Idempotency-Key", given if isinstance(given, str) else self._step.task_id)
        headers.update(sensitive)
        query = {name: value for name, value in params.query.items() if value is not None}
        query |= {name: self._secrets.fill(value) for name, value in params.secret_query.items()}
        url = httpx.URL(params.url)
        return client.build_request(
            params.method,
            url.copy_merge_params(query) if query else url,
            headers=headers,
            **_body(params),
        )

    def _follow(self, client: httpx.Client, request: httpx.Request, sensitive: frozenset[str]) -> Answer:
        for redirects in range(MOST_REDIRECTS + 1):
            self._check(request.url)
            request.extensions["timeout"] = self._patience()
            response = client.send(request, stream=True)
            try:
                following = response.next_request if self._params.follow_redirects else None
                if following is None:
                    return self._answer(response, redirects)
            finally:
                response.close()
            request = _without(following, sensitive) if _leaves(request.url, following.url) else following
        raise StepFailed(
            f"More than {MOST_REDIRECTS} redirects; the last one led to {self._shown(request.url)}.",
            code="too_many_redirects",
            final=True,
        )

    def _check(self, url: httpx.URL) -> None:
        if url.scheme not in ("http", "https") or not url.host:
            raise refused(f"Only http and https addresses can be called, not {self._shown(url)[:200]!r}.")
        if url.userinfo:
            raise refused("An address with a user name in it cannot be called; use `auth`.")
        self._reach.check_host(url.host)

    def _answer(self, response: httpx.Response, redirects: int) -> Answer:
        data = b"" if self._params.method == "HEAD" else self._read(response)
        headers = {name: self._secrets.hidden_in(value) for name, value in response.headers.items()}
        return Answer(
            status=response.status_code,
            url=self._shown(response.url),
            headers=headers,
            data=data,
            redirects=redirects,
            seconds=monotonic() - self._started,
            encoding=response.charset_encoding,
        )

    def _read(self, response: httpx.Response) -> bytes:
        if "," in response.headers.get("content-encoding", ""):
            raise StepFailed("The answer is compressed more than once.", code="bad_answer", final=True)
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > self._params.max_response_bytes:
                raise StepFailed(
                    f"The answer is longer than {self._params.max_response_bytes} bytes (`max_response_bytes`).",
                    code="answer_too_long",
                    final=True,
                )
            parts.append(part)
            self._patience()
        return b"".join(parts)

    def _patience(self) -> dict[str, float]:
        """How long to wait for the next sign of life."""
        if self._step.cancelled.is_set():
            raise StepCancelled(self._step.name)
        left = self._ends - monotonic()
        if left <= 0:
            raise self._out_of_time()
        connect, silence = min(left, LONGEST_CONNECT), min(left, LONGEST_SILENCE)
        return {"connect": connect, "read": silence, "write": silence, "pool": connect}

    def _out_of_time(self) -> Exception:
        if self._step.deadline is not None:
            return TimedOut(self._step.name)
        return StepFailed(
            f"The answer took longer than {LONGEST_CALL:g} s.", code="timeout", transient=self._params.is_idempotent
        )

    def _too_slow(self, error: httpx.TimeoutException) -> Exception:
        if self._ends - monotonic() <= 0:
            return self._out_of_time()
        if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
            return StepFailed(f"{self._host()} does not answer.", code="timeout", transient=True)
        return StepFailed(
            f"{self._host()} was silent for too long.", code="timeout", transient=self._params.is_idempotent
        )

    def _broken(self, error: Exception) -> StepFailed:
        told = self._told(error)
        if isinstance(error, httpx.ConnectError):
            known = not isinstance(error.__cause__, NameUnknown)
            return StepFailed(f"No connection to {self._host()}: {told}", code="connection_failed", transient=known)
        if isinstance(error, httpx.TransportError) and not isinstance(
            error, httpx.UnsupportedProtocol | httpx.LocalProtocolError
        ):
            return StepFailed(
                f"The connection to {self._host()} broke: {told}",
                code="connection_failed",
                transient=self._params.is_idempotent,
            )
        return StepFailed(f"This cannot be called: {told}", code="bad_request", final=True)

    def _told(self, error: Exception) -> str:
        """What went wrong. What cannot be sent is quoted in such errors, escaped in ways nobody can blot out."""
        if self._secrets.any_given and isinstance(error, httpx.LocalProtocolError | UnicodeError):
            return "a header, or the secret in it, holds line breaks or other characters that cannot be sent"
        return self._secrets.hidden_in(str(error))[:500] or type(error).__name__

    def _host(self) -> str:
        try:
            return httpx.URL(self._params.url).host or "nobody"
        except (httpx.InvalidURL, ValueError):
            return "nobody"

    def _shown(self, url: httpx.URL) -> str:
        for name in self._params.secret_query:
            url = url.copy_remove_param(name)
        return self._secrets.hidden_in(str(url.copy_with(userinfo=b"")))


def _header(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _body(params: Http) -> dict[str, Any]:
    if params.given("json"):
        return {"json": params.json_body}
    if params.given("form"):
        return {"data": params.form}
    if not params.given("body"):
        return {}
    return {"content": params.body} if isinstance(params.body, str) else {"json": params.body}


def _leaves(origin: httpx.URL, target: httpx.URL) -> bool:
    """Whether a redirect leads to somebody else."""
    return (origin.scheme, origin.host, _port(origin)) != (target.scheme, target.host, _port(target))


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)


def _without(request: httpx.Request, names: frozenset[str]) -> httpx.Request:
    """What was meant for one place is not told to another."""
    for name in (*names, "authorization", "cookie"):
        request.headers.pop(name, None)
    return request
