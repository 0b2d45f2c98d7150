from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from apps.core.db.grants import grant_on_foreign_tables


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        post_migrate.connect(grant_on_foreign_tables, dispatch_uid="core.grant_on_foreign_tables")
