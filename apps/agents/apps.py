from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "apps.agents"

    def ready(self) -> None:
        import_module("apps.agents.receivers")
