"""Histories as people read them: who changed what from what to what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from apps.accounts.models import User
from apps.audit.content import changes
from apps.audit.models import HISTORIES, TRACKED, RowHistory, Tracked, rows_of


@dataclass(frozen=True, slots=True)
class FieldChange:
    """`before` and `after` are JSON; what a row refers to is {"id": …, "name": …}. What must stay secret is hidden."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    id: int
    kind: str
    occurred_at: datetime
    actor: User | None
    request_id: str
    changes: tuple[FieldChange, ...]

    @property
    def summary(self) -> str:
        """`changed name, status`."""
        return (
            f"{self.kind} {', '.join(each.field for each in self.changes)}".strip()
            if self.kind == "changed"
            else self.kind
        )


def described(rows: Sequence[RowHistory]) -> list[Change]:
    """Rows of one thing, newest first. One more query for what was before the last of them, one for each kind of thing
    that they refer to."""
    if not rows:
        return []
    history = type(rows[0])
    tracked = next(each for each in TRACKED if HISTORIES[each.name] is history)
    oldest = rows[-1]
    earlier = None
    if oldest.pgh_label != "created":
        earlier = rows_of(history, oldest.pgh_obj_id).filter(pgh_id__lt=oldest.pgh_id).first()  # type: ignore[attr-defined]
    names = _names(tracked, [*rows, earlier] if earlier else rows)
    before = [*rows[1:], earlier]
    return [_described(tracked, row, old, names) for row, old in zip(rows, before, strict=True)]


Names = dict[str, dict[UUID, str]]


def _described(tracked: Tracked, row: RowHistory, old: RowHistory | None, names: Names) -> Change:
    after = _values(tracked, row, names)
    before = {} if old is None or row.pgh_label == "created" else _values(tracked, old, names)
    if row.pgh_label == "deleted":
        before, after = after, {}
    was, now = changes(before, after)
    fields = tuple(
        FieldChange(name, was.get(name), now.get(name)) for name in tracked.fields if name in was or name in now
    )
    return Change(row.pgh_id, row.pgh_label, row.pgh_created_at, row.pgh_actor, row.pgh_request_id, fields)


def _values(tracked: Tracked, row: RowHistory, names: Names) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in tracked.fields if name != "organization"}
    for name, found in names.items():
        if name in values and values[name] is not None:
            values[name] = {"id": values[name], "name": found.get(values[name])}
    return values


def _names(tracked: Tracked, rows: Iterable[RowHistory]) -> Names:
    """For each field that refers to something: what that is called now, as far as it can be seen."""
    by_model: dict[type[models.Model], set[UUID]] = {}
    fields: dict[str, type[models.Model]] = {}
    for name in tracked.fields:
        field = tracked.model._meta.get_field(name)  # noqa: SLF001 - public API
        if isinstance(field, models.ForeignKey) and name != "organization":
            fields[name] = field.related_model
            by_model.setdefault(field.related_model, set()).update(
                getattr(row, name) for row in rows if getattr(row, name) is not None
            )
    found = {model: model._default_manager.in_bulk(list(ids)) if ids else {} for model, ids in by_model.items()}  # noqa: SLF001
    return {name: {key: _name(thing) for key, thing in found[model].items()} for name, model in fields.items()}


def _name(thing: models.Model) -> str:
    return thing.get_full_name() if isinstance(thing, User) else str(thing)
