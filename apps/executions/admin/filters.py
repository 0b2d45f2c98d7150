"""Filters whose choices are known without asking a table of millions of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.melodies.definition.kinds import known_kinds

EVENT_TYPES = (
    "execution_created", "execution_started", "execution_paused", "execution_resumed", "execution_completed",
    "execution_failed", "execution_timeout", "execution_cancelled", "execution_retried", "execution_rerun",
    "resource_allocated", "task_received", "task_started", "task_completed", "error_occurred", "task_skipped",
    "task_cancelled", "task_waiting", "task_expanded", "task_lost", "task_broken", "task_handed_over", "task_decided",
    "task_result_set", "task_retrying", "task_reset", "task_revoked", "signal_received", "compensation_started",
    "artifact_produced", "checkpoint",
)  # fmt: skip


class Choice(admin.SimpleListFilter):
    field: ClassVar[str]
    values: ClassVar[Callable[[], Iterable[str]]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value) for value in type(self).values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.field: self.value()}) if self.value() else queryset


class KindFilter(Choice):
    title = "kind"
    parameter_name = field = "kind"
    values = staticmethod(lambda: sorted(known_kinds()))


class QueueFilter(Choice):
    title = "queue"
    parameter_name = field = "queue"
    values = staticmethod(lambda: sorted({kind.queue for kind in known_kinds().values()}))


class TypeFilter(Choice):
    title = "type"
    parameter_name = field = "event_type"
    values = staticmethod(lambda: EVENT_TYPES)


class SetByFilter(admin.SimpleListFilter):
    """Django asks "By …?" of a column, and "By by plan" is nothing one would say."""

    title = "who set it"
    parameter_name = "by_plan"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "the plan of its organization"), ("0", "people")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(by_plan=self.value() == "1") if self.value() in ("0", "1") else queryset


class OfExecution(admin.SimpleListFilter):
    """Rows of one run, named in the address; the model's admin says how they are found fast."""

    title = "execution"
    parameter_name = "execution"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        value = self.value()
        return [(value, f"…{value[-8:]}")] if value else []

    def has_output(self) -> bool:
        return bool(self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset  # `RunRows.get_queryset` has seen to it
