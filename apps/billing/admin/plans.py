from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from apps.billing.models import LIVE, Plan

_BOUGHT = ("tier", "billing_period", "currency")


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):
    list_display = ("name", "tier", "price", "currency", "billing_period", "active", "live", "position")
    list_filter = ("active", "tier", "billing_period", "currency")
    search_fields = ("name", "description")
    fields = (
        *("name", "description", "tier", "price", "currency", "billing_period", "features", "provider_price_ids"),
        *("active", "position", "live", "created_at", "updated_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        live = Count("subscriptions", filter=Q(subscriptions__status__in=LIVE))
        plans: QuerySet[Plan] = super().get_queryset(request)
        return plans.annotate(live_subscriptions=live)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        written = ("live", "created_at", "updated_at")
        return written if obj is None else (*_BOUGHT, *written)

    @admin.display(description="live subscriptions")
    def live(self, plan: Plan) -> int:
        return int(getattr(plan, "live_subscriptions", 0))
