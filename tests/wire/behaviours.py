"""What a scripted server does with one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: a text, then calls of tools (name, arguments). `pieces` is into how many the text is cut in a stream,
    `stop` the stop reason as the wire calls it, `details` further fields of the message (a refusal's reason)."""

    text: str = ""
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    input_tokens: int = 11
    output_tokens: int = 7
    cache_read: int = 0
    cache_write: int = 0
    thoughts: int = 0
    stop: str | None = None
    pieces: int = 3
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slow:
    """An answer that takes its time: `first` seconds before anything comes, `between` before each further piece."""

    answer: Answer
    first: float = 0.0
    between: float = 0.0


@dataclass(frozen=True, slots=True)
class Status:
    """No answer, but an HTTP status. `kind` is the error type as the wire calls it, `details` what stands beside it."""

    status: int
    message: str = "scripted"
    kind: str | None = None
    retry_after: str | None = None
    details: Any = None


@dataclass(frozen=True, slots=True)
class StreamError:
    """A stream that begins well and then holds an error event."""

    text: str
    kind: str = "overloaded_error"
    status: int = 503


@dataclass(frozen=True, slots=True)
class Cut:
    """A stream whose connection breaks after this text; `clean` ends it as if it were whole."""

    text: str
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Garbage:
    """Status 200 and a body that is not of this world."""

    body: bytes = b"<html>it works!</html>"
    content_type: str = "text/html"


@dataclass(frozen=True, slots=True)
class Hang:
    """Accept the request and say nothing, until the server is closed. With `after`, say so much before."""

    after: str | None = None


Behaviour = Answer | Slow | Status | StreamError | Cut | Garbage | Hang


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came; `at` on the monotonic clock."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    at: float = field(default_factory=monotonic)
