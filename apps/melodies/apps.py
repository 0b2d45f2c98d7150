"""Django application of melodies: documents and their immutable versions."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class MelodiesConfig(AppConfig):
    name = "apps.melodies"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("apps.melodies.receivers")
