"""A collector of traces: takes OTLP over HTTP as the protocol says, and keeps the spans for a test to look at."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True, slots=True)
class Collected:
    """One span, ids in hex, moments in seconds since 1970."""

    trace: str
    span: str
    parent: str
    name: str
    start: float
    end: float
    failed: bool
    attributes: dict[str, Any]
    events: list[str]
    links: list[str]


@dataclass(slots=True)
class Collector:
    url: str
    spans: list[Collected] = field(default_factory=list)
    refusing: bool = False

    def named(self, name: str) -> list[Collected]:
        return [span for span in self.spans if span.name == name]


@contextmanager
def collecting() -> Iterator[Collector]:
    """On a free port, for the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/v1/traces" or collector.refusing:
                self._answer(404 if self.path != "/v1/traces" else 400, b"")
                return
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.spans += _spans_of(ExportTraceServiceRequest.FromString(body))
            self._answer(200, ExportTraceServiceResponse().SerializeToString())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the standard library
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _spans_of(request: ExportTraceServiceRequest) -> Iterator[Collected]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Collected(
                    trace=span.trace_id.hex(),
                    span=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    name=span.name,
                    start=span.start_time_unix_nano / 1e9,
                    end=span.end_time_unix_nano / 1e9,
                    failed=span.status.code == 2,
                    attributes={each.key: _value(each.value) for each in span.attributes},
                    events=[event.name for event in span.events],
                    links=[link.trace_id.hex() for link in span.links],
                )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))
