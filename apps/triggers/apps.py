"""Django application of what starts runs by itself."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    name = "apps.triggers"

    def ready(self) -> None:
        import_module("apps.triggers.receivers")
