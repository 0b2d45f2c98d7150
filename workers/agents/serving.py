"""`python -m workers.agents.serving`: one graph behind the adapter contract, on a port of this machine.

The process is given a JSON line on its standard input (which graph, the key that signs calls, what it may use) and writes
its port to the descriptor named there. It has no database, no settings and no secrets but that key.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from workers.agents import protocol
from workers.agents.graphs import GraphAdapter
from workers.agents.plain import shortened
from workers.agents.port import AgentCall, Done, Paused
from workers.contract import StepFailed

LARGEST_REQUEST: Final = 32 << 20
MOST_REMEMBERED: Final = 500
LARGEST_REMEMBERED: Final = 1 << 18
MOST_OPEN_FILES: Final = 1024
LARGEST_FILE: Final = 1 << 30


class Remembered:
    """The last few hundred of something by name; bounded, for threads."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._kept: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> Any:
        with self._lock:
            return self._kept.get(name)

    def put(self, name: str, value: Any) -> None:
        with self._lock:
            self._kept[name] = value
            self._kept.move_to_end(name)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


class Served:
    """A graph, the threads it is in the middle of, and the answers it gave."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.key: str = given["key"]
        self._graph: str = given["graph"]
        self._recursion_limit: int | None = given.get("recursion_limit")
        self._adapter = GraphAdapter(tuple(given["allowed"]))
        self._threads = Remembered()
        self._answers = Remembered()

    def prepare(self) -> None:
        """Import the graph now, not with the first call."""
        self._adapter.compiled(self._graph)

    def known(self, key: str) -> bytes | None:
        """The answer to this very call, if it was given before."""
        found: bytes | None = self._answers.get(key)
        return found

    def final(self, key: str, asked: Mapping[str, Any], watch: Any) -> bytes:
        """Run the graph; the last event of the answer."""
        call = self._call(asked)
        try:
            came = self._adapter.run(call, watch)
        except StepFailed as error:
            return line({"type": "error", "code": error.code, "message": str(error), "retryable": error.transient})
        self._threads.put(call.thread_id, came.checkpoint)
        event = line(_final(came))
        if len(event) <= LARGEST_REMEMBERED:
            self._answers.put(key, event)
        return event

    def _call(self, asked: Mapping[str, Any]) -> AgentCall:
        resumed = asked.get("resume")
        answers = resumed.get("answers") if isinstance(resumed, Mapping) else None
        thread = str(asked.get("thread_id") or "")
        agent = asked.get("agent")
        told = agent if isinstance(agent, Mapping) else {}
        configurable = asked.get("configurable")
        return AgentCall(
            agent=str(told.get("id", "")),
            version=str(told.get("version", "")),
            framework="langgraph",
            run_id=str(asked.get("run_id", "")),
            task_id=str(asked.get("task_id", "")),
            attempt=int(asked.get("attempt") or 1),
            config={"graph": self._graph, "recursion_limit": self._recursion_limit},
            thread_id=thread,
            input=asked.get("input"),
            configurable=configurable if isinstance(configurable, Mapping) else {},
            recursion_limit=asked.get("recursion_limit"),
            checkpoint=self._threads.get(thread),
            answers=answers if isinstance(answers, Mapping) else None,
        )


def _final(came: Done | Paused) -> dict[str, Any]:
    if isinstance(came, Done):
        return {"type": "result", "output": came.output, "usage": came.usage.as_dict()}
    questions = [{"id": one.id, "value": one.value} for one in came.interrupts]
    return {"type": "interrupt", "interrupts": questions, "usage": came.usage.as_dict()}


def line(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


class _Stream:
    """Writes updates to the caller while the graph runs. When the caller is gone, the graph stops at its next step."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def update(self, kind: str, data: Any) -> None:
        told = shortened(data, protocol.LONGEST_EVENT // 8)
        self._handler.chunk(line({"type": kind, **(told if isinstance(told, dict) else {"data": told})}))

    def check(self) -> None:
        """Nothing to ask: writing to a caller that is gone raises."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "symphony-agent"
    sys_version = ""
    timeout = 60
    served: Served

    def do_GET(self) -> None:
        if self.path != "/health":
            self._whole(404, {"type": "error", "code": "not_found", "message": "There is only /health and /invoke."})
            return
        self._whole(200, {"type": "result", "output": "ok"})

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        key = self.headers.get("Idempotency-Key", "")[:200]
        header = self.headers.get(protocol.SIGNATURE, "")
        if not protocol.is_signed(self.served.key, body, key=key, header=header, now=int(time.time())):
            self._whole(401, {"type": "error", "code": "bad_signature", "message": "The signature is not good."})
            return
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            asked = None
        if self.path != "/invoke" or not isinstance(asked, dict) or asked.get("protocol") != protocol.PROTOCOL:
            message = f"POST /invoke with an object of {protocol.PROTOCOL}."
            self._whole(400, {"type": "error", "code": "bad_request", "message": message})
            return
        self._answer(key, asked)

    def _answer(self, key: str, asked: Mapping[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", protocol.STREAMS[0])
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.chunk(self.served.known(key) or self.served.final(key, asked, _Stream(self)))
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= LARGEST_REQUEST):
            self.close_connection = True
            self._whole(413, {"type": "error", "code": "too_large", "message": "A request is at most 32 MB."})
            return None
        return self.rfile.read(int(length))

    def _whole(self, status: int, event: Mapping[str, Any]) -> None:
        data = line(event)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has there
        """What is printed is the graph's; each request is told by the worker that made it."""


def limit(cpu: int, memory_mb: int) -> None:
    """What this process may use, before a line of somebody else's code runs."""
    memory = memory_mb << 20
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MOST_OPEN_FILES),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))
    if hasattr(os, "sched_setaffinity"):
        own = sorted(os.sched_getaffinity(0))
        # Agents of one machine start at different processors.
        first = os.getpid() % len(own)
        os.sched_setaffinity(0, {own[(first + number) % len(own)] for number in range(min(cpu, len(own)))})


def main() -> int:
    given = json.loads(sys.stdin.buffer.readline())
    limit(given["cpu"], given["memory_mb"])
    served = Served(given)
    try:
        served.prepare()
    except StepFailed as error:
        print(f"{error.code}: {error}", flush=True)
        return 3
    except Exception:  # noqa: BLE001 - whatever a graph does when it is imported
        traceback.print_exc()
        return 3
    handler = type("BoundHandler", (Handler,), {"served": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    os.write(given["report"], f"{server.server_address[1]}\n".encode())
    os.close(given["report"])
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())


__all__ = ["Handler", "Remembered", "Served", "limit", "main"]
