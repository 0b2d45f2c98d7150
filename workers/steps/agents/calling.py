"""An agent that runs elsewhere, called over HTTP by the adapter contract; where calls may go is what holds for `http` steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import httpx

from workers.agents import protocol
from workers.agents.port import AgentCall, Done, Paused, Usage, Watch
from workers.contract import StepFailed
from workers.steps.web.addresses import Reach, refused
from workers.steps.web.transport import GuardedTransport, NameUnknown

LONGEST_CONNECT: Final = 10.0
LONGEST_SILENCE: Final = 120.0
"""Seconds without a sign of life. An agent that thinks longer sends `{"type": "ping"}`."""
LONGEST_CALL: Final = 3600.0
LONGEST_RETRY_AFTER: Final = 3600.0
LONGEST_MESSAGE: Final = 2_000

Transport = Callable[[Reach], httpx.BaseTransport]


@dataclass(frozen=True, slots=True)
class HttpAdapter:
    """`secret` signs; None leaves calls unsigned. `ends` is when the step's time is over, on the monotonic clock."""

    endpoint: str
    secret: str | None
    reach: Reach
    ends: float | None = None
    transport: Transport = GuardedTransport

    def run(self, call: AgentCall, watch: Watch) -> Done | Paused:
        ends = monotonic() + LONGEST_CALL if self.ends is None else self.ends
        try:
            with httpx.Client(transport=self.transport(self.reach), follow_redirects=False, trust_env=False) as client:
                watch.check()
                request = self._request(client, call)
                request.extensions["timeout"] = _patience(ends)
                response = client.send(request, stream=True)
                try:
                    return self._answer(response, watch, ends)
                finally:
                    response.close()
        except httpx.TimeoutException as error:
            watch.check()
            raise StepFailed(f"{self._host} was silent for too long.", code="timeout", transient=True) from error
        except protocol.BadAnswerError as error:
            raise StepFailed(
                f"{self._host} does not keep to the contract: {error}", code="bad_answer", final=True
            ) from error
        except httpx.ConnectError as error:
            known = not isinstance(error.__cause__, NameUnknown)
            message = f"No connection to {self._host}: {self._told(error)}"
            raise StepFailed(message, code="connection_failed", transient=known) from error
        except httpx.TransportError as error:
            message = f"The connection to {self._host} broke: {self._told(error)}"
            raise StepFailed(message, code="connection_failed", transient=True) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise StepFailed(f"This cannot be called: {self._told(error)}", code="bad_request", final=True) from error

    def _request(self, client: httpx.Client, call: AgentCall) -> httpx.Request:
        url = httpx.URL(self.endpoint)
        if url.scheme not in ("http", "https") or not url.host or url.userinfo:
            raise refused("An agent's endpoint is an http or https address without a user name in it.")
        self.reach.check_host(url.host)
        body = protocol.request_body(call)
        headers = {
            "Accept": protocol.ACCEPT,
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "Idempotency-Key": call.idempotency_key,
            "User-Agent": "symphony",
        }
        if self.secret is not None:
            at = int(time.time())
            headers[protocol.SIGNATURE] = protocol.signature(self.secret, body, key=call.idempotency_key, at=at)
        return client.build_request("POST", url, content=body, headers=headers)

    def _answer(self, response: httpx.Response, watch: Watch, ends: float) -> Done | Paused:
        if response.is_redirect:
            raise StepFailed(f"{self._host} redirects; name the address itself.", code="redirected", final=True)
        parts = _parts(response, watch, ends)
        if not response.is_success:
            raise self._refusal(response, parts)
        usage, updates = Usage(), 0
        for event in protocol.events_of(response.headers.get("content-type", ""), parts):
            kind = event["type"]
            usage += protocol.usage_of(event)
            if kind == "result":
                return Done(event.get("output"), usage, updates)
            if kind == "interrupt":
                return Paused(protocol.interrupts_of(event), usage, updates)
            if kind == "error":
                raise _told_failure(event)
            if kind != "ping":
                updates += 1
                watch.update(kind[:40], {name: value for name, value in event.items() if name != "type"})
        raise StepFailed(f"{self._host} ended its answer without a result.", code="answer_cut_off", transient=True)

    def _refusal(self, response: httpx.Response, parts: Iterator[bytes]) -> StepFailed:
        transient = response.status_code in protocol.RETRYABLE
        try:
            (event, *_) = protocol.events_of("application/json", parts)
            told = _told_failure(event, transient=transient)
        except protocol.BadAnswerError:
            told = StepFailed(
                f"{self._host} answered {response.status_code}.",
                code=f"http_{response.status_code}",
                transient=transient,
                final=not transient,
            )
        told.retry_after = told.retry_after or _retry_after(response.headers)
        return told

    @property
    def _host(self) -> str:
        try:
            return httpx.URL(self.endpoint).host or "nobody"
        except (httpx.InvalidURL, ValueError):
            return "nobody"

    def _told(self, error: Exception) -> str:
        return str(error)[:500] or type(error).__name__


def _parts(response: httpx.Response, watch: Watch, ends: float) -> Iterator[bytes]:
    for part in response.iter_bytes():
        watch.check()
        if monotonic() > ends:
            raise StepFailed("The agent took too long.", code="timeout", transient=True)
        yield part


def _patience(ends: float) -> dict[str, float]:
    left = max(ends - monotonic(), 0.001)
    connect, silence = min(left, LONGEST_CONNECT), min(left, LONGEST_SILENCE)
    return {"connect": connect, "read": silence, "write": silence, "pool": connect}


def _told_failure(event: Mapping[str, Any], *, transient: bool = False) -> StepFailed:
    """An error as the agent tells it; what it says of trying again goes before what its status means."""
    retryable = event.get("retryable")
    again = retryable if isinstance(retryable, bool) else transient
    wait = event.get("retry_after")
    patient = isinstance(wait, int | float) and not isinstance(wait, bool) and 0 <= wait <= LONGEST_RETRY_AFTER
    return StepFailed(
        str(event.get("message") or "The agent failed.")[:LONGEST_MESSAGE],
        code="agent_failed",
        details={"agent_code": str(event.get("code") or "")[:100]},
        transient=again,
        final=not again,
        retry_after=float(wait) if patient and wait is not None else None,
    )


def _retry_after(headers: httpx.Headers) -> float | None:
    text = headers.get("retry-after", "")
    return min(float(text), LONGEST_RETRY_AFTER) if text.isascii() and text.isdigit() and len(text) < 10 else None


__all__ = ["HttpAdapter"]
