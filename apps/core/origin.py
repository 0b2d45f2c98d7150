"""Where what is being done comes from: the request (or command, or task) that this code runs for.

Set by the web's middleware, by commands, and by workers from the header of a message; read by logs and by the trail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Final, NamedTuple

from apps.core.ids import uuid7

# Long enough to be told apart, short enough to stand in every line of a log, and nothing that could break one.
REQUEST_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
"""Groups: trace id, span id."""

API: Final = "api"
ADMIN: Final = "admin"
PAGES: Final = "pages"
COMMAND: Final = "command"
WORKER: Final = "worker"


class Origin(NamedTuple):
    """`request_id` is what the answer's `X-Request-ID` says; `address` is the client's; empty where there is none.

    `channel` is one of the constants above. `credential` is what a request was let in by ("token" for API tokens), once
    that is known. Workers add what they work on: ids of the execution and of the task. `traceparent` is the W3C header of
    a client that traces its requests, if it is one.
    """

    request_id: str = ""
    address: str = ""
    user_agent: str = ""
    channel: str = ""
    credential: str = ""
    execution_id: str = ""
    task_id: str = ""
    traceparent: str = ""


_NOWHERE = Origin()
_current: ContextVar[Origin] = ContextVar("symphony_origin", default=_NOWHERE)


def current_origin() -> Origin:
    return _current.get()


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)


def arrive(origin: Origin) -> Token[Origin]:
    """As `coming_from`, for code that hears of beginning and end apart; give what comes back to `depart`."""
    return _current.set(origin)


def depart(token: Token[Origin]) -> None:
    _current.reset(token)


def let_in_by(credential: str) -> None:
    """Say what the request was let in by; holds as long as the origin it is said of."""
    _current.set(_current.get()._replace(credential=credential))


def work_on(*, execution_id: str, task_id: str) -> None:
    """Name the execution and the task in all that is logged from now on, until `depart` or the next of them."""
    _current.set(_current.get()._replace(execution_id=execution_id, task_id=task_id))


def new_request_id() -> str:
    return uuid7().hex


def sane_traceparent(given: str | None) -> str:
    """The header as it is, "" for anything else: version 00, a trace and a span that are not zero."""
    found = TRACEPARENT.fullmatch(given) if given else None
    return "" if found is None or not int(found[1], 16) or not int(found[2], 16) else found[0]


def sane_request_id(given: str | None) -> str | None:
    """What a client calls its request, if that can be kept; else None."""
    return given if given and REQUEST_ID.fullmatch(given) else None
