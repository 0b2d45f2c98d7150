from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "apps.billing"
    label = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        import_module("apps.billing.receivers")
