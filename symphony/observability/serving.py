"""A small HTTP server on a port of its own, for processes that are no web: `/metrics`, `/livez`, `/readyz`."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, cast

from django.db import connection

from symphony.observability.access import Access
from symphony.observability.prometheus import CONTENT_TYPE

logger = logging.getLogger(__name__)

_PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What the server tells: metrics as text, and checks by name (None: well, else what is wrong)."""

    metrics: Callable[[], bytes]
    alive: Callable[[], Mapping[str, str | None]]
    ready: Callable[[], Mapping[str, str | None]]
    access: Access


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A worker that is started again must find its port free.
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], shown: Shown) -> None:
        super().__init__(address, _Handler)
        self.shown = shown


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE
    server_version = "symphony"
    sys_version = ""

    def do_GET(self) -> None:
        shown = cast(_Server, self.server).shown
        path = self.path.partition("?")[0]
        try:
            if path == "/metrics":
                self._metrics(shown)
            elif path in ("/livez", "/readyz"):
                self._health(shown.alive() if path == "/livez" else shown.ready())
            else:
                self._answer(HTTPStatus.NOT_FOUND, b"", "text/plain")
        finally:
            # Each request has a thread of its own, and the thread a connection.
            connection.close()

    do_HEAD = do_GET  # noqa: N815

    def _metrics(self, shown: Shown) -> None:
        asked = self.headers.get("Authorization", "")
        if shown.access.allows(authorization=asked, address=str(self.client_address[0])):
            self._answer(HTTPStatus.OK, shown.metrics(), CONTENT_TYPE)
        else:
            no = shown.access.refusal
            self._answer(no.status, f"{no.detail}\n".encode(), "text/plain; charset=utf-8", no.headers)

    def _health(self, checks: Mapping[str, str | None]) -> None:
        well = not any(checks.values())
        told: dict[str, Any] = {"status": "ok" if well else "unavailable"}
        told |= {name: "ok" if wrong is None else wrong for name, wrong in checks.items()}
        status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
        self._answer(status, json.dumps(told).encode(), "application/json")

    def _answer(
        self, status: HTTPStatus, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the standard library
        logger.debug("%s %s", self.client_address[0], format % args)


def serve(host: str, port: int, shown: Shown) -> ThreadingHTTPServer | None:
    """In threads of this process, until it ends. None, told in the log, where the port is another's: work goes on."""
    try:
        server = _Server((host, port), shown)
    except OSError as error:
        logger.error("metrics and health cannot be shown on %s port %d: %s", host, port, error)  # noqa: TRY400
        return None
    threading.Thread(target=server.serve_forever, name="symphony-metrics", daemon=True).start()
    logger.info("metrics and health on http://%s:%d", host, server.server_port)
    return server
