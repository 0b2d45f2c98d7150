"""Text of an answer on its way into events, in pieces that are worth a row each."""

from __future__ import annotations

import logging
import threading
from time import monotonic
from typing import Self

from django.db import DatabaseError, InterfaceError

from workers.contract import Engine

logger = logging.getLogger(__name__)

_SECONDS = 0.5
_WRITES_PER_SECOND = 100
"""Of all streams of this process together."""

_lock = threading.Lock()
_open = 0


class TextStream:
    """Gathers what comes and records it about twice a second, less often when many answers stream at once."""

    def __init__(self, engine: Engine, step: str) -> None:
        self._engine = engine
        self._step = step
        self._parts: list[str] = []
        self._number = 0
        self._written = monotonic()

    def __enter__(self) -> Self:
        global _open  # noqa: PLW0603 - a count of the process
        with _lock:
            _open += 1
        return self

    def __exit__(self, *_: object) -> None:
        global _open  # noqa: PLW0603 - as above
        with _lock:
            _open -= 1
        self._write()

    def __call__(self, text: str) -> None:
        self._parts.append(text)
        if monotonic() - self._written >= max(_SECONDS, _open / _WRITES_PER_SECOND):
            self._write()

    def _write(self) -> None:
        if not self._parts:
            return
        told = {"step": self._step, "number": self._number, "text": "".join(self._parts)}
        self._parts.clear()
        self._number += 1
        try:
            self._engine.progress("model_output", told)
            self._engine.release_database()
        except (DatabaseError, InterfaceError) as error:
            # The whole answer is the step's result; it is worth more than its pieces.
            logger.warning("a piece of a model's answer could not be recorded: %s", error)
        self._written = monotonic()
