"""Django application of executions: runs, tasks, events, artifacts and the ledger that writes them."""

from importlib import import_module

from django.apps import AppConfig


class ExecutionsConfig(AppConfig):
    name = "apps.executions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("apps.executions.receivers")
