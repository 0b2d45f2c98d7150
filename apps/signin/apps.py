from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class SigninConfig(AppConfig):
    name = "apps.signin"
    label = "signin"
    verbose_name = "Signing in"

    def ready(self) -> None:
        import_module("apps.signin.receivers")
