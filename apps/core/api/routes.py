"""Addresses end in a slash; without it they work just the same, because people forget it in curl."""

from __future__ import annotations

from django.urls import URLPattern, path
from rest_framework.views import APIView


def route(address: str, view: type[APIView], name: str) -> list[URLPattern]:
    """The address as documented, and its twin without the slash, which the schema does not show.

    A redirect would turn a POST into a GET, so there is none.
    """
    return [
        path(address, view.as_view(), name=name),
        path(address.removesuffix("/"), view.as_view(schema=None), name=f"{name}-without-slash"),
    ]
