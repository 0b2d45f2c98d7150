"""Triggers and what they fired, for staff to look at, pause and resume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.errors import SymphonyError
from apps.triggers import services
from apps.triggers.models import Backfill, Firing, NamedEvent, Trigger

Verb = Callable[..., Trigger]


class _ReadOnly(admin.ModelAdmin):
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Trigger)
class TriggerAdmin(_ReadOnly):
    list_display = (
        "name",
        "kind",
        "melody",
        "organization",
        "state",
        "failures",
        "next_due_at",
        "last_error_code",
        "owner",
    )
    list_filter = ("kind", "state", "overlap")
    list_select_related = ("organization", "melody", "owner")
    search_fields = ("name", "melody__name", "organization__name", "=event_name")
    ordering = ("-id",)
    # The address of a webhook is for its senders.
    exclude = ("public_id",)
    actions = ("pause", "resume")

    @admin.action(description="Pause selected triggers", permissions=["view"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Trigger]) -> None:
        self._each(request, queryset, services.pause_trigger, "paused")

    @admin.action(description="Resume selected triggers", permissions=["view"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Trigger]) -> None:
        self._each(request, queryset, services.resume_trigger, "resumed")

    def _each(self, request: HttpRequest, queryset: QuerySet[Trigger], verb: Verb, done: str) -> None:
        """One that cannot be keeps no other from it, and says why."""
        assert isinstance(request.user, User)
        changed = 0
        for trigger in queryset.select_related("organization", "melody__organization", "melody__project", "owner"):
            try:
                verb(actor=request.user, trigger=trigger)
                changed += 1
            except SymphonyError as error:
                self.message_user(request, f"{trigger}: {error.detail}", messages.WARNING)
        if changed:
            self.message_user(request, f"{changed} triggers {done}.", messages.SUCCESS)


@admin.register(Firing)
class FiringAdmin(_ReadOnly):
    list_display = (
        "created_at",
        "trigger",
        "source",
        "due_at",
        "state",
        "waiting",
        "reason_code",
        "execution_id",
        "running",
    )
    list_filter = ("state", "source", "waiting", "running")
    list_select_related = ("trigger",)
    search_fields = ("=key", "=execution_id")
    ordering = ("-id",)


@admin.register(Backfill)
class BackfillAdmin(_ReadOnly):
    list_display = ("trigger", "since", "until", "total", "parallel", "state", "created_by", "created_at")
    list_filter = ("state",)
    list_select_related = ("trigger", "created_by")
    ordering = ("-id",)


@admin.register(NamedEvent)
class NamedEventAdmin(_ReadOnly):
    list_display = ("received_at", "name", "organization", "key", "matched", "sent_by")
    list_select_related = ("organization", "sent_by")
    search_fields = ("=name", "=key")
    ordering = ("-id",)
