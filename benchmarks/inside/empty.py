"""Symphony's web with one more address, whose POST does nothing: `uvicorn benchmarks.inside.empty:application`."""

from __future__ import annotations

from django.conf import settings

settings.ROOT_URLCONF = "benchmarks.inside.empty_urls"

from symphony.asgi import application  # noqa: E402 - reads the addresses

__all__ = ["application"]
