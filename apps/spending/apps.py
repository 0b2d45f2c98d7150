from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class SpendingConfig(AppConfig):
    name = "apps.spending"
    label = "spending"
    verbose_name = "Spending"

    def ready(self) -> None:
        import_module("apps.spending.receivers")
