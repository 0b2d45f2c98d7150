"""What a message carries behind its own task: the rest of a chain, or the body of a chord.

Celery publishes it after the task function has returned. Here it is decided whether it may: only what the ledger has
released, and what is not running in this slot already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.executions.ledger import Release


class Carried:
    """The canvas around one message, seen from its Celery request."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._covered = False

    def _next(self) -> str | None:
        """Id of the task Celery would publish next."""
        links = self._request.chain
        following = links[-1] if links else self._request.chord
        return following["options"]["task_id"] if following else None

    def taken(self, task_id: str) -> None:
        """This slot runs the task itself; if it was the next link, the link is done with."""
        if task_id == self._next():
            if self._request.chain:
                self._request.chain.pop()
            else:
                self._request.chord = None

    def without_covered(self, released: Sequence[Release]) -> list[Release]:
        """The releases that must be sent; the one Celery publishes by itself is left out."""
        following = self._next()
        rest = [release for release in released if str(release.task_id) != following]
        self._covered = self._covered or len(rest) < len(released)
        return rest

    def drop_unclaimed(self) -> None:
        """Keep Celery from publishing what the ledger did not release."""
        if not self._covered:
            self._request.chain = None
            self._request.chord = None
