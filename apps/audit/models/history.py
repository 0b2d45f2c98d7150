"""What became of the rows that people edit: one table for each model, written by triggers on its own table.

The models themselves know nothing of it: proxies of them live here, and with them the triggers, so that migrations of
other apps stay free of both. Who it was and in which request, the row's defaults ask the transaction: no statement of
ours pays for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pghistory
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func
from pghistory.models import Event

from apps.accounts.models import Membership, Organization, Team, TeamMembership
from apps.agents.models import Agent
from apps.audit.triggers import Changed, Created, Deleted
from apps.billing.models import Subscription
from apps.melodies.models import Melody, MelodyComment, MelodyTemplate
from apps.projects.models import Project, ProjectAccess, ProjectVariable
from apps.spending.models import Budget
from apps.triggers.models import Trigger


class RowHistory(Event):
    """A row as it was after a change (before it, where it was deleted). `pgh_label` is created, changed or deleted."""

    pgh_id = models.BigAutoField(primary_key=True)
    pgh_actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
        db_default=Func(function="app_user_id", output_field=models.UUIDField()),
    )
    pgh_request_id = models.CharField(
        max_length=64, db_default=Func(function="app_request_id", output_field=models.CharField())
    )

    class Meta:
        abstract = True
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.pgh_label} {self.pgh_created_at:%Y-%m-%d %H:%M:%S}"


@dataclass(frozen=True, slots=True)
class Tracked:
    """A model with a history. `fields` are kept; `left_out` are not, for they are no work of people or said otherwise."""

    name: str
    model: type[models.Model]
    fields: tuple[str, ...]
    left_out: tuple[str, ...] = ()


_ROW: Final = ("id", "created_by", "created_at", "updated_at")

TRACKED: Final = (
    Tracked(
        "organization",
        Organization,
        ("name", "slug", "subscription_tier", "owner_user", "settings", "is_active"),
        ("is_personal",),
    ),
    Tracked("membership", Membership, ("organization", "user", "role"), ("joined_at",)),
    Tracked("team", Team, ("organization", "name", "description", "settings")),
    Tracked("team_membership", TeamMembership, ("organization", "team", "user", "role"), ("joined_at",)),
    Tracked(
        "project",
        Project,
        ("organization", "name", "slug", "description", "configuration", "access", "archived_at"),
    ),
    Tracked("project_access", ProjectAccess, ("organization", "project", "user", "team", "role"), ("granted_by",)),
    Tracked("project_variable", ProjectVariable, ("organization", "project", "name", "value", "description")),
    Tracked(
        "melody",
        Melody,
        (
            "organization",
            "name",
            "description",
            "status",
            "path",
            "project",
            "agent",
            "tags",
            "compatible_extensions",
            "pricing_tier",
            "published_at",
        ),
        # Where it came from never changes; what is searched is made of the rest.
        ("creation_source", "parent", "forked_from_version", "step_names", "search_vector"),
    ),
    Tracked(
        "comment",
        MelodyComment,
        ("organization", "melody", "author", "body", "resolved_at", "resolved_by", "deleted_at"),
        ("step_id", "step_path", "parent", "edited_at"),
    ),
    Tracked(
        "template",
        MelodyTemplate,
        ("organization", "name", "description", "category", "icon", "document", "default_values"),
        ("usage_count",),
    ),
    Tracked(
        "agent",
        Agent,
        (
            "organization",
            "project",
            "name",
            "slug",
            "description",
            "framework",
            "agent_type",
            "status",
            "version",
            "resource_limits",
            "metadata",
        ),
        ("deployed_at", "container_id"),
    ),
    Tracked(
        "subscription",
        Subscription,
        (
            "organization",
            "plan",
            "status",
            "current_period_start",
            "current_period_end",
            "cancel_at_period_end",
            "cancelled_at",
            "started_at",
            "ended_at",
            "fallback_tier",
            "provider",
        ),
        (
            "anchor",
            "payment_info",
            "provider_subscription_id",
            "provider_seen_at",
            "checkout_id",
            "checkout_url",
        ),
    ),
    Tracked(
        "budget",
        Budget,
        (
            "organization",
            "name",
            "scope",
            "target_id",
            "limit_usd",
            "limit_tokens",
            "period",
            "on_exceed",
            "alert_at",
            "counts_mock",
            "active",
        ),
    ),
    Tracked(
        "trigger",
        Trigger,
        (
            "organization",
            "melody",
            "version",
            "kind",
            "name",
            "description",
            "state",
            "state_reason",
            "owner",
            "input",
            "mapping",
            "filter",
            "priority",
            "cron",
            "timezone",
            "starts_at",
            "ends_at",
            "jitter_seconds",
            "misfire_policy",
            "misfire_grace_seconds",
            "misfire_limit",
            "overlap",
            "concurrency_key",
            "debounce_seconds",
            "queue_limit",
            "event_name",
            "source_melody",
            "source_statuses",
            "max_depth",
        ),
        # Its address is half a secret; how it gets on is told by its firings.
        ("public_id", "next_due_at", "failures", "backoff_until", "last_error_code", "last_error"),
    ),
)


def unaccounted(tracked: Tracked) -> set[str]:
    """Fields of the model of which nobody has said whether they are kept."""
    known = {*tracked.fields, *tracked.left_out, *_ROW}
    return {field.name for field in tracked.model._meta.concrete_fields} - known  # noqa: SLF001 - public API


def _kept(field: models.Field[Any, Any]) -> models.Field[Any, Any]:
    """The column of a field in the history: the same type and nothing else, so that it holds whatever once was there."""
    if isinstance(field, models.ForeignKey):
        return models.UUIDField(null=True, db_column=field.column)
    if isinstance(field, ArrayField):
        return ArrayField(models.TextField(), null=True)
    if isinstance(field, models.DecimalField):
        return models.DecimalField(max_digits=field.max_digits, decimal_places=field.decimal_places, null=True)
    for plain in (
        models.UUIDField,
        models.JSONField,
        models.DateTimeField,
        models.BooleanField,
        models.FloatField,
        models.BigIntegerField,
    ):
        if isinstance(field, plain):
            return plain(null=True)
    return models.BigIntegerField(null=True) if isinstance(field, models.IntegerField) else models.TextField(null=True)


def _track(tracked: Tracked) -> type[RowHistory]:
    model = tracked.model
    options = {"proxy": True, "app_label": "audit", "default_permissions": ()}
    name = model.__name__
    proxy = type(f"{name}Row", (model,), {"__module__": __name__, "Meta": type("Meta", (), options)})
    return pghistory.create_event_model(  # type: ignore[return-value]
        proxy,
        Created(),
        Changed(),
        Deleted(),
        fields=[],
        attrs={field: _kept(model._meta.get_field(field)) for field in tracked.fields},  # type: ignore[arg-type]  # noqa: SLF001
        obj_field=pghistory.ObjForeignKey(related_name="+", db_index=False),
        context_field=None,  # type: ignore[arg-type]  # its documentation says so
        model_name=f"{name}History",
        app_label="audit",
        base_model=RowHistory,
        abstract=False,
        meta={
            "default_permissions": ("view",),
            "ordering": ["-pgh_id"],
            "verbose_name": f"history of {model._meta.verbose_name}",  # noqa: SLF001
            "verbose_name_plural": f"history of {model._meta.verbose_name_plural}",  # noqa: SLF001
            "indexes": [models.Index(fields=["pgh_obj", "-pgh_id"], name=f"history_of_{tracked.name}")],
        },
    )


HISTORIES: Final[dict[str, type[RowHistory]]] = {tracked.name: _track(tracked) for tracked in TRACKED}
"""By the name that addresses have."""


def rows_of(history: type[RowHistory], object_id: Any) -> models.QuerySet[RowHistory]:
    """What became of one thing, newest first."""
    return history.objects.filter(models.Q(("pgh_obj_id", object_id))).select_related("pgh_actor")


def history_of(model: type[models.Model]) -> type[RowHistory] | None:
    return next((HISTORIES[tracked.name] for tracked in TRACKED if tracked.model is model), None)
