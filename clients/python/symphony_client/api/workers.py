"""The operations of workers. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

import builtins
from typing import Literal

from symphony_client import _base
from symphony_client._base import UNSET, Unset
from symphony_client.api.models import Worker


class WorkersResource(_base.Resource):
    """Workers."""

    def list(
        self,
        *,
        capability: str | Unset = UNSET,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        queue: str | Unset = UNSET,
        state: builtins.list[Literal["draining", "gone", "online"] | str] | Unset = UNSET,
    ) -> _base.Pages[Worker]:
        """Workers, their queues and slots: all of them, page by page."""
        return self._pages(
            Worker,
            "GET",
            "/api/v1/workers/",
            query={
                "capability": capability,
                "ordering": ordering,
                "page_size": page_size,
                "queue": queue,
                "state": state,
            },
        )


class AsyncWorkersResource(_base.AsyncResource):
    """Workers."""

    def list(
        self,
        *,
        capability: str | Unset = UNSET,
        ordering: str | Unset = UNSET,
        page_size: int | Unset = UNSET,
        queue: str | Unset = UNSET,
        state: builtins.list[Literal["draining", "gone", "online"] | str] | Unset = UNSET,
    ) -> _base.AsyncPages[Worker]:
        """Workers, their queues and slots: all of them, page by page."""
        return self._pages(
            Worker,
            "GET",
            "/api/v1/workers/",
            query={
                "capability": capability,
                "ordering": ordering,
                "page_size": page_size,
                "queue": queue,
                "state": state,
            },
        )
