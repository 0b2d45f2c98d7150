"""The composition root: settings, URLs, processes. It imports everybody and nobody imports it."""

from __future__ import annotations

from symphony.celery import app as celery_app

__all__ = ["celery_app"]
