"""How a row is called that is known by what it points at."""

from __future__ import annotations

from typing import Any

from django.db.models import Model


def name_of(row: Model, field: str) -> str:
    """What `row.field` points at: by its name where that is loaded, else by its id. No query is made for a name."""
    relation: Any = row._meta.get_field(field)  # noqa: SLF001 - public API, for all its name
    return str(relation.get_cached_value(row) if relation.is_cached(row) else getattr(row, relation.attname))
