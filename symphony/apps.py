from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class SymphonyConfig(AppConfig):
    """The composition root as a Django app: it owns commands and system checks, no tables."""

    name = "symphony"

    def ready(self) -> None:
        import_module("symphony.checks")
        import_module("symphony.observability.wiring")
