"""Where what is being done comes from: the request (or command, or task) that this code runs for.

Set by the web's middleware, by commands, and by workers from the header of a message; read by logs and by the trail.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """`request_id` is what the answer's `X-Request-ID` says; `address` is the client's; empty where there is none."""

    request_id: str = ""
    address: str = ""
    user_agent: str = ""
    channel: str = ""


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
