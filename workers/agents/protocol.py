"""The adapter contract between a worker and an agent that runs elsewhere: what is sent, how it is signed, how the answer
is read. Pure; docs/agents.md tells it to those who write the other side."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from workers.agents.port import AgentCall, Interrupt, Usage

PROTOCOL: Final = "symphony-agent/1"
SIGNATURE: Final = "X-Symphony-Signature"
TOLERANCE: Final = 300
"""Seconds a signature stays good, by the clock of whoever checks it."""
LONGEST_EVENT: Final = 4 << 20
LONGEST_ANSWER: Final = 64 << 20
RETRYABLE: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
STREAMS: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl", "text/event-stream")
ACCEPT: Final = "application/x-ndjson, text/event-stream;q=0.9, application/json;q=0.8"
FINAL: Final = frozenset({"result", "interrupt", "error"})


class BadAnswerError(ValueError):
    """The agent does not keep to the contract."""


def request_body(call: AgentCall) -> bytes:
    """The body of the POST."""
    config = {name: value for name, value in call.config.items() if name not in ("endpoint", "secret", "graph")}
    value = {
        "protocol": PROTOCOL,
        "agent": {"id": call.agent, "version": call.version, "framework": call.framework},
        "run_id": call.run_id,
        "task_id": call.task_id,
        "attempt": call.attempt,
        "thread_id": call.thread_id,
        "config": config,
        "configurable": dict(call.configurable),
        "recursion_limit": call.recursion_limit,
        "input": None if call.answers is not None else call.input,
        "resume": None if call.answers is None else {"answers": dict(call.answers)},
    }
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()


def signature(secret: str, body: bytes, *, key: str, at: int) -> str:
    """Of time, idempotency key and body, so that none of them can be exchanged."""
    signed = f"{at}.{key}.".encode() + body
    return f"t={at},v1={hmac.new(secret.encode('utf-8', 'surrogatepass'), signed, hashlib.sha256).hexdigest()}"


def is_signed(secret: str, body: bytes, *, key: str, header: str, now: int) -> bool:
    """Whether the header is a signature of this request that is not too old."""
    parts = dict(part.split("=", 1) for part in header[:300].split(",") if "=" in part)
    at = parts.get("t", "")
    if not (at.isascii() and at.isdigit() and len(at) < 16 and abs(now - int(at)) <= TOLERANCE):
        return False
    return hmac.compare_digest(signature(secret, body, key=key, at=int(at)).encode(), header.encode("utf-8", "replace"))


def events_of(content_type: str, parts: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The events of an answer, as they come. One JSON object is the only event of its answer."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in STREAMS:
        yield _event(b"".join(_bounded(parts)))
        return
    lines = _lines(_bounded(parts))
    yield from (_sse(lines) if kind == "text/event-stream" else (_event(line) for line in lines if line.strip()))


def _sse(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    data: list[bytes] = []
    size = 0
    for line in lines:
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
            size += len(line)
            if size > LONGEST_EVENT:
                raise BadAnswerError("An event is longer than 4 MB.")
        elif not line and data:
            yield _event(b"\n".join(data))
            data, size = [], 0
    if data:
        yield _event(b"\n".join(data))


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    rest = bytearray()
    for part in parts:
        rest += part
        *whole, last = rest.split(b"\n")
        yield from (bytes(line).removesuffix(b"\r") for line in whole)
        rest = bytearray(last)
        if len(rest) > LONGEST_EVENT:
            raise BadAnswerError("An event is longer than 4 MB.")
    if rest:
        yield bytes(rest)


def _bounded(parts: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for part in parts:
        size += len(part)
        if size > LONGEST_ANSWER:
            raise BadAnswerError("The answer is longer than 64 MB.")
        yield part


def _event(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadAnswerError(f"The answer is not JSON: {line[:80]!r}") from error
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise BadAnswerError('An event is an object with a `type`, such as {"type": "result", "output": ...}.')
    return value


def interrupts_of(event: Mapping[str, Any]) -> list[Interrupt]:
    found = event.get("interrupts")
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise BadAnswerError("`interrupts` is a list of objects with `id` and `value`.")
    return [Interrupt(str(one.get("id", ""))[:200], one.get("value")) for one in found[:50]]


def usage_of(event: Mapping[str, Any]) -> Usage:
    """What an event says of tokens; nothing, where it says nothing that can be a count."""
    told = event.get("usage")
    if not isinstance(told, Mapping):
        return Usage()
    return Usage(_count(told.get("input_tokens")), _count(told.get("output_tokens")))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else 0


__all__ = [
    "ACCEPT",
    "FINAL",
    "PROTOCOL",
    "RETRYABLE",
    "SIGNATURE",
    "BadAnswerError",
    "events_of",
    "interrupts_of",
    "is_signed",
    "request_body",
    "signature",
    "usage_of",
]
