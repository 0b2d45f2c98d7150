"""The five calls of the API's main road, with nothing but the standard library."""

from __future__ import annotations

import json
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from symphony.errors import StackError

TIMEOUT_SECONDS = 30.0
STREAM_TIMEOUT_SECONDS = 120.0
MEANWHILE_SECONDS = 0.5
MOST_COMPLAINTS = 5


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of the stream: its type and the data it carries."""

    type: str
    data: dict[str, Any]


class Client:
    """Speaks to one stack as the owner of one token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def create_melody(self, document: str, *, path: str | None = None) -> dict[str, Any]:
        """With `path`, other melodies find it as their `pipeline_file`."""
        query = f"?{urllib.parse.urlencode({'path': path})}" if path else ""
        return self._json("POST", f"/api/v1/melodies/{query}", document.encode(), "application/yaml")

    def execute(self, melody_id: str, values: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps({"input": values}).encode()
        return self._json("POST", f"/api/v1/melodies/{melody_id}/executions/", body, "application/json")

    def cancel(self, execution_id: str) -> dict[str, Any]:
        return self._json("POST", f"/api/v1/executions/{execution_id}/cancel/", b"{}", "application/json")

    def execution(self, execution_id: str) -> dict[str, Any]:
        return self._json("GET", f"/api/v1/executions/{execution_id}/")

    def listed(self, execution_id: str, what: str) -> list[dict[str, Any]]:
        """All `tasks`, `events` or `artifacts` of an execution, page after page."""
        found: list[dict[str, Any]] = []
        address: str | None = f"/api/v1/executions/{execution_id}/{what}/"
        while address is not None:
            page = self._json("GET", address)
            found.extend(page["results"])
            address = page["next"]
        return found

    def download(self, address: str) -> bytes:
        with self._open("GET", address) as response:
            return response.read()

    def events(self, execution_id: str, meanwhile: Callable[[], None]) -> Iterator[StreamEvent]:
        """Follow an execution to its end; `meanwhile` is called about twice a second, in the caller's thread."""
        arrived: queue.Queue[StreamEvent | Exception | None] = queue.Queue()
        threading.Thread(target=self._pump, args=(execution_id, arrived), daemon=True).start()
        called = time.monotonic()
        while True:
            if time.monotonic() - called > MEANWHILE_SECONDS:
                meanwhile()
                called = time.monotonic()
            try:
                item = arrived.get(timeout=MEANWHILE_SECONDS)
            except queue.Empty:
                continue
            if isinstance(item, Exception):
                raise StackError(f"The live stream broke off: {item}.") from item
            if item is None:
                raise StackError("The live stream ended before the execution did.")
            if item.type == "end":
                return
            yield item

    def _pump(self, execution_id: str, arrived: queue.Queue[StreamEvent | Exception | None]) -> None:
        try:
            address = f"/api/v1/executions/{execution_id}/stream"
            with self._open("GET", address, accept="text/event-stream", timeout=STREAM_TIMEOUT_SECONDS) as stream:
                for event in parse_stream(stream):
                    arrived.put(event)
            arrived.put(None)
        except Exception as error:  # noqa: BLE001 - handed to the thread that can tell the user
            arrived.put(error)

    def _json(self, method: str, address: str, body: bytes | None = None, kind: str | None = None) -> dict[str, Any]:
        with self._open(method, address, body, kind) as response:
            content = json.load(response)
        if not isinstance(content, dict):
            raise StackError(f"{method} {address} answered with something that is no JSON object.")
        return content

    def _open(
        self,
        method: str,
        address: str,
        body: bytes | None = None,
        kind: str | None = None,
        accept: str = "application/json, */*",
        timeout: float = TIMEOUT_SECONDS,
    ) -> BinaryIO:
        headers = {"Authorization": f"Token {self._token}", "Accept": accept}
        if kind is not None:
            headers["Content-Type"] = kind
        url = urllib.parse.urljoin(self._url, address)
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        try:
            response: BinaryIO = urllib.request.urlopen(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            raise StackError(f"{method} {address} answered {error.code}: {_problem(error)}.") from None
        except OSError as error:
            raise StackError(f"{method} {address} did not answer: {error}.") from None
        return response


def _problem(error: urllib.error.HTTPError) -> str:
    """What a problem document says, in one line."""
    text = error.read().decode("utf-8", errors="replace")
    try:
        problem = json.loads(text)
        flaws = [_flaw(flaw) for flaw in problem.get("errors", [])]
        parts = [problem["detail"], *flaws[:MOST_COMPLAINTS]]
    except (ValueError, KeyError, TypeError):
        return text[:300]
    more = f" And {len(flaws) - MOST_COMPLAINTS} more." if len(flaws) > MOST_COMPLAINTS else ""
    return (" ".join(str(part) for part in parts) + more).rstrip(".")


def _flaw(flaw: dict[str, Any]) -> str:
    place = f"Line {flaw['line']}: " if flaw.get("line") else ""
    meant = f" Did you mean {flaw['suggestion']}?" if flaw.get("suggestion") else ""
    return f"{place}{flaw['message']}{meant}"


def parse_stream(lines: Iterator[bytes] | BinaryIO) -> Iterator[StreamEvent]:
    """Server-sent events; comments (keep-alives) and unknown fields are passed over, as the standard asks."""
    kind, data = "message", list[str]()
    for raw in lines:
        line = raw.decode("utf-8").rstrip("\r\n")
        if line == "":
            if data or kind != "message":
                content = json.loads("\n".join(data) or "{}")
                yield StreamEvent(kind, content if isinstance(content, dict) else {"value": content})
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
