"""SYMPHONY_QUEUES: which queues there are besides those built in, and what `make up` starts for them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from django.core.exceptions import ImproperlyConfigured

from apps.executions.routes import BUILT_IN
from apps.melodies.definition.placing import is_plain

Pool = Literal["prefork", "threads"]
_FORM = "`name`, or `name:prefork:slots`, or `name:threads:slots`"


@dataclass(frozen=True, slots=True)
class FurtherQueue:
    """`pool` None: its workers are started elsewhere."""

    name: str
    pool: Pool | None = None
    slots: int = 0


def further_queues(written: Iterable[str]) -> tuple[FurtherQueue, ...]:
    """The queues of SYMPHONY_QUEUES; ImproperlyConfigured says which of them cannot be."""
    found: dict[str, FurtherQueue] = {}
    for text in written:
        queue = _queue(text)
        if queue.name in BUILT_IN or queue.name in found:
            raise ImproperlyConfigured(f"SYMPHONY_QUEUES: there is a queue {queue.name!r} already.")
        found[queue.name] = queue
    return tuple(found.values())


def capabilities(variable: str, written: Iterable[str]) -> tuple[str, ...]:
    """Names of capabilities, sorted and each once."""
    names = tuple(sorted(set(written)))
    for name in names:
        if not is_plain(name):
            raise ImproperlyConfigured(f"{variable}: {name!r} is not a plain name ({_PLAIN}).")
    return names


_PLAIN = "1 to 40 small letters, digits, `_`, `.`, `-`"


def _queue(text: str) -> FurtherQueue:
    name, *worker = text.split(":")
    if not is_plain(name):
        raise ImproperlyConfigured(f"SYMPHONY_QUEUES: {name!r} is not a plain name ({_PLAIN}).")
    match worker:
        case []:
            return FurtherQueue(name)
        case ["prefork" | "threads" as pool, slots] if slots.isascii() and slots.isdigit() and 0 < int(slots) <= 10_000:
            return FurtherQueue(name, pool, int(slots))
    raise ImproperlyConfigured(f"SYMPHONY_QUEUES: {text!r} is not {_FORM}.")
