from __future__ import annotations

import django_filters
from django.db.models import QuerySet

from apps.core.api.filters import TrueOrFalseFilter
from apps.triggers.api.serializers import FIRING_STATES, KINDS, SOURCES, TRIGGER_STATES
from apps.triggers.models import Firing, NamedEvent, Trigger


class TriggerFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    kind = django_filters.MultipleChoiceFilter(choices=KINDS, label="May be given several times.")
    state = django_filters.MultipleChoiceFilter(choices=TRIGGER_STATES, label="May be given several times.")
    melody = django_filters.UUIDFilter(field_name="melody_id")
    organization = django_filters.UUIDFilter(field_name="organization_id")
    failing = TrueOrFalseFilter(method="is_failing", label="Whether the last firings failed.")

    class Meta:
        model = Trigger
        fields = ("kind", "state", "melody", "organization", "failing")

    def is_failing(self, queryset: QuerySet[Trigger], _name: str, value: bool) -> QuerySet[Trigger]:  # noqa: FBT001
        return queryset.filter(failures__gt=0) if value else queryset.filter(failures=0)


class FiringFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    state = django_filters.MultipleChoiceFilter(choices=FIRING_STATES, label="May be given several times.")
    source = django_filters.MultipleChoiceFilter(choices=SOURCES, label="May be given several times.")
    trigger = django_filters.UUIDFilter(field_name="trigger_id")
    melody = django_filters.UUIDFilter(field_name="trigger__melody_id")
    backfill = django_filters.UUIDFilter(field_name="backfill_id")
    execution = django_filters.UUIDFilter(field_name="execution_id")
    due_after = django_filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="gte")
    due_before = django_filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="lt")

    class Meta:
        model = Firing
        fields = ("state", "source", "trigger", "melody", "backfill", "execution", "due_after", "due_before")


class NamedEventFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    name = django_filters.CharFilter()
    key = django_filters.CharFilter()
    organization = django_filters.UUIDFilter(field_name="organization_id")

    class Meta:
        model = NamedEvent
        fields = ("name", "key", "organization")
