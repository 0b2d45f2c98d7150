"""Answers composed after the commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any


class Late(Mapping[str, Any]):
    """Data of a response that is made when the response is rendered. That is after the request's transaction: whoever waits
    for the commit (a worker, for a run that begins) does not wait for it. So `make` may ask the database nothing."""

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Mapping[str, Any]:
        return self._make()

    def __getitem__(self, name: str) -> Any:
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)
