"""Django application of the engine: it makes the step kinds known and wires the compiler to the apps below it."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "workers"

    def ready(self) -> None:
        import_module("workers.steps")
        import_module("workers.receivers")
        dispatch = import_module("apps.executions.dispatch")
        dispatch.install_composer(import_module("workers.compiler.canvas").signatures)
