"""Answers composed after the commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any

from django.http import HttpResponse
from rest_framework import status
from rest_framework.response import Response


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


def created(make: Callable[[], Mapping[str, Any]]) -> Response:
    """201 with what was made, shown late, and its `url` as where it is."""
    shown = Late(make)
    response = Response(shown, status=status.HTTP_201_CREATED)
    response.add_post_render_callback(partial(_locate, shown))
    return response


def _locate(shown: Mapping[str, Any], response: HttpResponse) -> None:
    response.headers["Location"] = shown["url"]
