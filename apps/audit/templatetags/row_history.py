from __future__ import annotations

import json
from typing import Any

from django import template
from django.db.models import Model

from apps.audit.models import history_of, rows_of
from apps.audit.reading import Change, described

register = template.Library()

MOST_SHOWN = 100


@register.simple_tag
def row_history(row: Model) -> list[Change]:
    """The latest changes of a row, newest first; none for what has no history."""
    history = history_of(type(row))
    if history is None:
        return []
    return described(list(rows_of(history, row.pk)[:MOST_SHOWN]))


@register.filter
def as_text(value: Any) -> str:
    """A value of a change in one line."""
    if value is None:
        return "–"
    if isinstance(value, dict) and set(value) == {"id", "name"}:
        return str(value["name"] or value["id"])
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
