"""What a message carries behind its own task: the rest of a chain, or the body of a chord.

Celery publishes it after the task function has returned. Here it is decided whether it may: only what the ledger has
released, and what is not running in this slot already.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from kombu.exceptions import OperationalError

from apps.executions.ledger import Release
from workers.compiler.canvas import Link, label_of, signature

logger = logging.getLogger(__name__)


class Carried:
    """The canvas around one message, seen from its Celery request."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._covered = False

    def _next(self) -> dict[str, Any] | None:
        """The message Celery would publish next."""
        links = self._request.chain
        following: dict[str, Any] | None = links[-1] if links else self._request.chord
        return following

    def pass_on(self) -> None:
        """Send the message once more, for another worker. What it carries is sent when it is released."""
        request = self._request
        organization_id, task_id = request.args
        link = Link(UUID(task_id), UUID(organization_id), request.delivery_info["routing_key"], request.shadow or "")
        try:
            signature(link).apply_async(ignore_result=True)
        except OperationalError as error:
            logger.warning("broker unreachable, the sweep will send task %s later: %s", task_id, error)

    def taken(self, task_id: str) -> None:
        """This slot runs the task itself; if it was the next link, the link is done with."""
        following = self._next()
        if following is not None and task_id == following["options"]["task_id"]:
            if self._request.chain:
                self._request.chain.pop()
            else:
                self._request.chord = None

    def without_covered(self, released: Sequence[Release]) -> list[Release]:
        """The releases that must be sent; the one Celery publishes by itself is left out."""
        following = self._next()
        rest: list[Release] = []
        for release in released:
            if following is not None and str(release.task_id) == following["options"]["task_id"]:
                self._covered = True
                following["options"]["shadow"] = label_of(release)
            else:
                rest.append(release)
        return rest

    def drop_unclaimed(self) -> None:
        """Keep Celery from publishing what the ledger did not release."""
        if not self._covered:
            self._request.chain = None
            self._request.chord = None
