"""A row for every table, made from what its model says: so that a new table is part of the walk on the day it appears."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from apps.accounts.models import Organization, User

MARK: Final = "nightingale"
"""In every text of the cast: who reads it has read what is Alice's."""

_EXTRA: dict[str, Callable[[Filling], dict[str, Any]]] = {}
"""By model label: the fields of which the model's own words do not say enough."""


_TOGETHER: Final = {"agents.Agent": (("agents.ContainerResources", "agent"),)}
"""By model label: what no row is without, and by which field it belongs to the row."""


def extra(label: str) -> Callable[[Callable[[Filling], dict[str, Any]]], None]:
    def keep(values: Callable[[Filling], dict[str, Any]]) -> None:
        _EXTRA[label] = values

    return keep


@extra("billing.LedgerPosting")
def _posting(filling: Filling) -> dict[str, Any]:
    """With its counterpart: an entry balances."""
    entry = apps.get_model("billing", "LedgerEntry")._base_manager.create(
        organization=filling.organization, reference=f"{MARK}-{filling.number}", description=MARK
    )
    model = apps.get_model("billing", "LedgerAccount")
    debit, credit = (
        model._base_manager.get_or_create(organization=filling.organization, kind=kind, currency="eur")[0]
        for kind in ("cash", "revenue")
    )
    posting = apps.get_model("billing", "LedgerPosting")
    posting._base_manager.create(organization=filling.organization, entry=entry, account=debit, amount=1)
    return {"entry": entry, "account": credit, "amount": -1}


@extra("audit.AuditSegment")
def _segment(filling: Filling) -> dict[str, Any]:
    # The seal of an entry before it has taken the key away.
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.audit', 'writing', true)")
    return {"chain": filling.organization.pk}


@extra("billing.Plan")
def _plan(_: Filling) -> dict[str, Any]:
    return {"name": "Everybody's"}


@extra("melodies.MelodyComment")
def _comment(_: Filling) -> dict[str, Any]:
    return {"body": MARK}


@extra("melodies.MelodyTemplate")
def _template(_: Filling) -> dict[str, Any]:
    step = {"name": "only", "type": "test_echo", "value": MARK}
    return {"document": {"workflow": {"name": MARK, "steps": [step]}}}


@extra("executions.Decision")
def _decision(_: Filling) -> dict[str, Any]:
    return {"person": f"{MARK}@example.org"}


@extra("executions.Pool")
def _pool(filling: Filling) -> dict[str, Any]:
    return {"kind": "key", "name": f"{MARK}-{filling.number}", "slots": 1}


@extra("projects.ProjectVariable")
def _variable(filling: Filling) -> dict[str, Any]:
    return {"name": f"{MARK}_{filling.number}"}


@extra("projects.Secret")
def _secret(filling: Filling) -> dict[str, Any]:
    return {"name": f"{MARK.upper()}_{filling.number}", "project": filling.row(apps.get_model("projects", "Project"))}


@extra("spending.Budget")
def _budget(filling: Filling) -> dict[str, Any]:
    return {"scope": "organization", "limit_usd": Decimal(1)}


class Filling:
    """Rows of one organization and one person. To be used as somebody whom row-level security shows them all."""

    def __init__(self, person: User, organization: Organization) -> None:
        self.person = person
        self.organization = organization
        self._making: list[type[models.Model]] = []
        self.number = 0
        """Of the rows beyond the first: texts and numbers tell them apart."""

    def everything(self, tables: Iterable[str]) -> dict[str, str]:
        """A row in each of the tables. Returns the tables that stayed empty, with the reason."""
        models_of_tables = (model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy)
        by_table = {model._meta.db_table: model for model in models_of_tables}
        failed: dict[str, str] = {}
        # Triggers write a history of the others; who makes a posting makes its entry.
        for table in sorted(
            tables, key=lambda name: (name.startswith("audit_"), name != "billing_ledgerposting", name)
        ):
            if table not in by_table:
                failed[table] = "no model of ours has this table"
                continue
            try:
                with transaction.atomic():
                    self.row(by_table[table])
                    _at_once()
            except (DatabaseError, TypeError, ValueError, RecursionError, ValidationError) as error:
                failed[table] = str(error).strip()
        return failed

    def more(self, numbers: range) -> int:
        """A row besides for each number, in every table that can have them; how many there are."""
        made = 0
        for model in apps.get_models():
            if not model.__module__.startswith("apps.") or model._meta.proxy or model in (User, Organization):
                continue
            for self.number in numbers:
                try:
                    with transaction.atomic():
                        self.made(model)
                        _at_once()
                except (DatabaseError, TypeError, ValueError, RecursionError, ValidationError):
                    break
                made += 1
        self.number = 0
        return made

    def row(self, model: type[models.Model]) -> models.Model:
        """A row of this organization, or of this person: one that is there, or a new one."""
        model = model._meta.concrete_model or model
        if model is User:
            return self.person
        if model is Organization:
            return self.organization
        return self.found(model) or self.made(model)

    def found(self, model: type[models.Model]) -> models.Model | None:
        return self.ours(model).order_by("pk").first()

    def ours(self, model: type[models.Model]) -> models.QuerySet[models.Model]:
        rows = model._base_manager.all()
        for name, value in (("organization", self.organization), ("user", self.person)):
            if _has(model, name):
                # By its key: a history keeps that and no reference.
                return rows.filter(**{name: value.pk})
        return rows

    def made(self, model: type[models.Model], **said: Any) -> models.Model:
        if model in self._making:
            raise RecursionError(f"{model.__name__} needs itself")
        self._making.append(model)
        try:
            given = _EXTRA.get(model._meta.label, lambda _: {})(self) | said
            values = {
                field.name: self._value(field)
                for field in model._meta.concrete_fields
                if field.name not in given and _is_needed(field)
            }
            # Not `save`: rules of the models' own code are the services' business, the database's hold here too.
            row = model._base_manager.create(**values, **given)
            for label, name in _TOGETHER.get(model._meta.label, ()):
                self.made(apps.get_model(label), **{name: row})
            return row
        finally:
            self._making.pop()

    def _value(self, field: models.Field[Any, Any]) -> Any:
        if field.is_relation:
            assert isinstance(field.related_model, type)
            return self.row(field.related_model)
        if field.choices:
            return field.flatchoices[0][0]
        if isinstance(field, models.UUIDField) and (model := _meant(field)):
            return self.row(model).pk
        return _plain(field, self.number)


def _at_once() -> None:
    """What the database would complain of at the end, it complains of now."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _has(model: type[models.Model], name: str) -> bool:
    try:
        return bool(model._meta.get_field(name).concrete)
    except FieldDoesNotExist:
        return False


def _meant(field: models.Field[Any, Any]) -> type[models.Model] | None:
    """A key without a constraint: `task_id` is a Task's, of the same app if there are several."""
    wanted = field.name.removesuffix("_id").replace("_", "")
    if wanted == field.name:
        return None
    named = [model for model in apps.get_models() if model._meta.model_name == wanted]
    return min(named, key=lambda model: model._meta.app_label != field.model._meta.app_label, default=None)


def _is_needed(field: models.Field[Any, Any]) -> bool:
    automatic = field.has_default() or field.generated or getattr(field, "auto_now", False)
    automatic = automatic or getattr(field, "auto_now_add", False) or field.db_default is not models.NOT_PROVIDED
    may_be_empty = (field.null and field.name not in {"organization", "created_by"}) or (
        field.blank and field.empty_strings_allowed
    )
    return not (automatic or may_be_empty or isinstance(field, models.AutoField))


def _plain(field: models.Field[Any, Any], number: int) -> Any:
    kinds: list[tuple[type[Any] | tuple[type[Any], ...], Callable[[], Any]]] = [
        (models.UUIDField, uuid.uuid4),
        (models.DateTimeField, lambda: timezone.now() + timedelta(days=1)),
        (models.DateField, date.today),
        (models.DecimalField, lambda: Decimal(1)),
        (models.EmailField, lambda: f"{MARK}@example.org"),
        (models.URLField, lambda: f"https://example.org/{MARK}"),
        (models.SlugField, lambda: _text(field, number)),
        (models.GenericIPAddressField, lambda: "192.0.2.1"),
        ((models.CharField, models.TextField), lambda: _text(field, number)),
        (models.BooleanField, lambda: False),
        ((models.IntegerField, models.FloatField), lambda: 1 + number),
        (models.DurationField, lambda: timedelta(seconds=1)),
        (models.JSONField, lambda: {"about": MARK}),
        (models.BinaryField, MARK.encode),
    ]
    for kind, make in kinds:
        if isinstance(field, kind):
            return make()
    if isinstance(field, ArrayField):
        return [_plain(field.base_field, number)]
    raise TypeError(f"{field.model.__name__}.{field.name}: a {type(field).__name__} cannot be made up")


def _text(field: models.Field[Any, Any], number: int) -> str:
    if field.max_length == 64 and ("hash" in field.name or "sha" in field.name):
        return f"{number:x}".rjust(64, "a")
    text = f"{MARK}-{field.name}"
    return f"{text}-{number}"[: field.max_length] if number else text[: field.max_length]
