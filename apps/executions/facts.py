"""What starting a melody takes, in one question to the database (`ledger_facts`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import connection, models

from apps.accounts import permissions as accounts
from apps.accounts.models import Organization
from apps.accounts.permissions import Action
from apps.billing.entitlements import Entitlements
from apps.billing.models import LIVE
from apps.billing.queries import entitled
from apps.core.db.prepared import Prepared
from apps.melodies.definition.model import REMEMBERED_VARIABLES
from apps.melodies.errors import MelodyNotFound
from apps.melodies.models import Melody, MelodyVersion
from apps.projects import permissions as projects
from apps.projects.models import Project, ProjectAccessMode
from apps.projects.standing import effective_role

Row = TypeVar("Row", bound=models.Model)

_FACTS: Final = Prepared.function("ledger_facts", 6)


@dataclass(frozen=True, slots=True)
class Facts:
    """`melody` (with organization and project) and `version` carry the fields a start needs; others load when asked for.
    `workflow` is the version's document without its steps, `remembered` the variables earlier runs have kept."""

    melody: Melody
    version: MelodyVersion
    role: str
    entitlements: Entitlements
    workflow: Mapping[str, Any]
    remembered: Mapping[str, Any]
    particular: bool = False
    """Whether a step says which queue it is for or what its worker must have."""

    def require(self, action: Action) -> None:
        """Raise unless the actor may."""
        if self.melody.project is None:
            accounts.require_of(self.role, self.melody.organization, action)
        else:
            projects.require_of(self.role, self.melody.project, action)


def facts_to_start(*, actor_id: UUID, melody_id: UUID, number: int | None = None, staff: bool = False) -> Facts:
    """Of the version with this number, or the latest. Raises `MelodyNotFound` also for what is hidden from the actor.

    `staff` need no role there: theirs may be empty.
    """
    ((found,),) = _FACTS.rows([actor_id, melody_id, number, REMEMBERED_VARIABLES, list(LIVE), staff])
    if found is None:
        raise MelodyNotFound
    return _read(json.loads(found) if isinstance(found, str) else found, number, staff=staff)


def _read(found: Mapping[str, Any], number: int | None, *, staff: bool) -> Facts:
    organization = _row(Organization, found["organization"])
    project = None if found["project"] is None else _row(Project, found["project"])
    role = found["role"]
    if project is not None and role is not None:
        restricted = project.access == ProjectAccessMode.RESTRICTED
        role = effective_role(role, restricted=restricted, named=found["named"] or ())
    if role is None and not staff:
        raise MelodyNotFound
    if found["version"] is None:
        raise MelodyNotFound(f"This melody has no version{' yet' if number is None else f' {number}'}.")
    workflow = found["version"].pop("workflow")
    melody, version = _row(Melody, found["melody"]), _row(MelodyVersion, found["version"])
    melody.organization, melody.project = organization, project
    version.melody, version.organization = melody, organization
    plan = found["plan"] or {}
    return Facts(
        melody=melody,
        version=version,
        role=role or "",
        entitlements=entitled(organization.subscription_tier, plan.get("tier"), plan.get("features")),
        workflow=workflow,
        remembered=found["remembered"] or {},
        particular=found["version"]["particular"],
    )


def _row(model: type[Row], values: Mapping[str, Any]) -> Row:
    """A row of which only these columns are loaded."""
    readers = _readers(model, tuple(values))
    return model.from_db(connection.alias, list(readers), [read(values[name]) for name, read in readers.items()])


@cache
def _readers(model: type[models.Model], names: tuple[str, ...]) -> dict[str, Callable[[Any], Any]]:
    """By attribute what makes its value of JSON, in the order of the model's fields."""
    fields = [field for field in model._meta.concrete_fields if field.attname in names]  # noqa: SLF001 - public by its documentation
    return {field.attname: _reader(field) for field in fields}


def _reader(field: models.Field[Any, Any]) -> Callable[[Any], Any]:
    if isinstance(field, models.UUIDField | models.ForeignKey):
        return lambda value: value and UUID(value)
    if isinstance(field, models.DateTimeField):
        return lambda value: value and datetime.fromisoformat(value)
    return lambda value: value
