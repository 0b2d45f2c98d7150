"""Django application of executions: runs, tasks, events, artifacts and the ledger that writes them."""

from django.apps import AppConfig


class ExecutionsConfig(AppConfig):
    name = "apps.executions"
    default_auto_field = "django.db.models.BigAutoField"
