"""Grants on the tables of Django and of packages.

Our own tables are granted by the migration that makes them. The tables of `auth`, `sessions` and so on are made by
migrations we do not write, in an order we do not choose, and a later release of a package may add one. `post_migrate`
comes once for each app after all migrations have run, on a fresh database as on an old one: each time the tables of
that app exist, whatever the order was. Granting twice changes nothing.
"""

from __future__ import annotations

from typing import Any, Final

from django.apps import AppConfig
from django.db import connections

from apps.core.db.policies import ALL, grant_sql

# app label: (web, worker)
FOREIGN_GRANTS: Final[dict[str, tuple[str, str]]] = {
    "account": (ALL, ""),
    "admin": (ALL, ""),
    "auth": (ALL, "select"),
    "contenttypes": ("select", "select"),
    "django_celery_results": (ALL, ALL),
    "mfa": (ALL, ""),
    "oauth2_provider": (ALL, ""),
    "sessions": (ALL, ""),
    "socialaccount": (ALL, ""),
}
# Belongs to no app; read by `migrate --check` and by checks before a server starts.
MIGRATIONS_TABLE: Final = "django_migrations"


def grant_on_foreign_tables(*, app_config: AppConfig, using: str, **_: Any) -> None:
    wanted = _wanted(app_config)
    if not wanted:
        return
    connection = connections[using]
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for table, web, worker in wanted:
            if table in existing:
                for statement in grant_sql(table, web=web, worker=worker):
                    cursor.execute(statement)


def _wanted(app_config: AppConfig) -> list[tuple[str, str, str]]:
    if app_config.label not in FOREIGN_GRANTS:
        return []
    web, worker = FOREIGN_GRANTS[app_config.label]
    models = app_config.get_models(include_auto_created=True)
    tables = [model._meta.db_table for model in models]  # noqa: SLF001 - public API, for all its name
    return [(MIGRATIONS_TABLE, "select", "select"), *((table, web, worker) for table in tables)]
