"""Django application of melodies: documents and their immutable versions."""

from django.apps import AppConfig


class MelodiesConfig(AppConfig):
    name = "apps.melodies"
    default_auto_field = "django.db.models.BigAutoField"
