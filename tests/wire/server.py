"""The HTTP side: one thread per connection, chunked streams, connections kept alive."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from tests.wire import anthropic_format, gemini_format
from tests.wire.behaviours import Answer, Behaviour, Cut, Garbage, Hang, Received, Slow, Status, StreamError


class Format(Protocol):
    """How one provider writes. Pieces are whole server-sent events."""

    def streams(self, received: Received) -> bool: ...

    def body(self, answer: Answer, received: Received) -> dict[str, Any]: ...

    def events(self, answer: Answer, received: Received) -> list[bytes]: ...

    def beginning(self, text: str, received: Received) -> list[bytes]: ...

    def error_event(self, error: StreamError) -> bytes: ...

    def error_body(self, status: Status) -> Any: ...


class WireServer:
    """A server on a free port of this machine. `requests` are those received so far, `open_calls` those being answered
    right now, `most_open` the most there were at a time."""

    def __init__(self, wire: Format) -> None:
        self._wire = wire
        self._script: list[Behaviour] = [Answer("Hello from the wire")]
        self._lock = threading.Lock()
        self.requests: list[Received] = []
        self.open_calls = 0
        self.most_open = 0
        self.closing = threading.Event()
        self.dropped = threading.Event()
        """Set when a client went away before its answer was complete."""
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def script(self, *behaviours: Behaviour) -> None:
        """What the next requests get, in turn."""
        with self._lock:
            self._script = list(behaviours)

    def next_behaviour(self, received: Received) -> Behaviour:
        with self._lock:
            self.requests.append(received)
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self.open_calls += 1
            self.most_open = max(self.most_open, self.open_calls)
        try:
            yield
        finally:
            with self._lock:
                self.open_calls -= 1

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    @property
    def wire(self) -> Format:
        return self._wire


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    block_on_close = False

    def __init__(self, owner: WireServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the tests."""
        self.owner.dropped.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, *args: Any) -> None:
        """Silence."""

    def do_POST(self) -> None:
        owner = self.server.owner
        size = int(self.headers.get("content-length", 0))
        body = json.loads(self.rfile.read(size) or b"{}")
        received = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        with owner.counted():
            self._behave(owner.next_behaviour(received), received)

    def _behave(self, behaviour: Behaviour, received: Received) -> None:
        match behaviour:
            case Answer():
                self._answer(Slow(behaviour), received)
            case Slow():
                self._answer(behaviour, received)
            case Status():
                self._status(behaviour)
            case StreamError():
                wire = self.server.owner.wire
                self._stream([*wire.beginning(behaviour.text, received), wire.error_event(behaviour)])
            case Cut():
                self._stream(self.server.owner.wire.beginning(behaviour.text, received), whole=behaviour.clean)
            case Garbage():
                self._plain(200, behaviour.body, behaviour.content_type)
            case Hang():
                self._hang(behaviour, received)

    def _answer(self, slow: Slow, received: Received) -> None:
        owner = self.server.owner
        if self._wait(slow.first):
            return
        if owner.wire.streams(received):
            self._stream(owner.wire.events(slow.answer, received), between=slow.between)
        else:
            self._plain(200, json.dumps(owner.wire.body(slow.answer, received)).encode(), "application/json")

    def _status(self, status: Status) -> None:
        body = json.dumps(self.server.owner.wire.error_body(status)).encode()
        headers = {} if status.retry_after is None else {"retry-after": status.retry_after}
        self._plain(status.status, body, "application/json", headers)

    def _hang(self, hang: Hang, received: Received) -> None:
        if hang.after is not None:
            self._begin_stream()
            for event in self.server.owner.wire.beginning(hang.after, received):
                self._chunk(event)
        self._until_gone()

    def _until_gone(self) -> None:
        """Wait until the server is closed or the client has gone away."""
        owner = self.server.owner
        self.connection.settimeout(0.1)
        while not owner.closing.is_set():
            with suppress(TimeoutError):
                if not self.connection.recv(1):
                    owner.dropped.set()
                    break
        self.close_connection = True

    def _wait(self, seconds: float) -> bool:
        return seconds > 0 and self.server.owner.closing.wait(seconds)

    def _plain(self, status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-type": content_type, "content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def _stream(self, events: list[bytes], *, between: float = 0.0, whole: bool = True) -> None:
        self._begin_stream()
        for event in events:
            self._chunk(event)
            if self._wait(between):
                return
        if whole:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


@contextmanager
def anthropic_server() -> Iterator[WireServer]:
    """Speaks the Messages API."""
    yield from _running(anthropic_format)


@contextmanager
def gemini_server() -> Iterator[WireServer]:
    """Speaks generateContent and streamGenerateContent."""
    yield from _running(gemini_format)


def _running(wire: Format) -> Iterator[WireServer]:
    server = WireServer(wire)
    try:
        yield server
    finally:
        server.close()
