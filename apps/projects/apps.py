from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "apps.projects"
    label = "projects"
    verbose_name = "Projects"

    def ready(self) -> None:
        import_module("apps.projects.receivers")
