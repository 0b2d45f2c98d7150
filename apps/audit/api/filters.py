from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet

from apps.audit.models import ActorKind, AuditEntry


class AuditFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    action = django_filters.CharFilter(
        method="of_action", label="An action, `membership.role_changed`; or what it is done to, `membership`."
    )
    actor = django_filters.UUIDFilter(field_name="actor_id")
    actor_kind = django_filters.ChoiceFilter(choices=ActorKind.choices)
    target = django_filters.CharFilter(field_name="target_id", label="Id of what it was done to.")
    target_type = django_filters.CharFilter(label="Such as `projects.project`.")
    request_id = django_filters.CharFilter()
    correlation_id = django_filters.CharFilter()
    occurred_after = django_filters.IsoDateTimeFilter(field_name="occurred_at", lookup_expr="gte")
    occurred_before = django_filters.IsoDateTimeFilter(field_name="occurred_at", lookup_expr="lt")

    class Meta:
        model = AuditEntry
        fields = (
            "action",
            "actor",
            "actor_kind",
            "target",
            "target_type",
            "request_id",
            "correlation_id",
            "occurred_after",
            "occurred_before",
        )

    def of_action(self, queryset: QuerySet[AuditEntry], _name: str, value: str) -> QuerySet[AuditEntry]:
        return queryset.filter(Q(action=value) | Q(action__startswith=f"{value}."))
