from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.admin_fields import Autocompleting
from apps.spending import queries
from apps.spending.models import Budget, Usage

_COUNTED = ("organization", "scope", "target_id", "period", "counts_mock")


class BudgetChangeList(ChangeList):
    """Asks where all budgets of a page stand at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        budgets = list(self.result_list)
        now = queries.standings(budgets)
        for budget in budgets:
            budget.now = now.get(budget.pk)
        self.result_list = budgets


@admin.register(Budget)
class BudgetAdmin(Autocompleting, admin.ModelAdmin):
    list_display = (
        "name",
        "organization",
        "scope",
        "period",
        "limit_usd",
        "limit_tokens",
        "standing",
        "on_exceed",
        "active",
    )
    list_filter = ("scope", "period", "on_exceed", "active")
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name")
    autocomplete_fields = ("organization",)
    fields = (
        *("name", "active", *_COUNTED, "limit_usd", "limit_tokens", "on_exceed", "alert_at"),
        *("standing", "created_by", "created_at", "updated_at"),
    )

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        return BudgetChangeList

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        written = ("standing", "created_by", "created_at", "updated_at")
        return written if obj is None else (*_COUNTED, *written)

    def save_model(self, request: HttpRequest, obj: Budget, form: ModelForm, change: bool) -> None:  # noqa: FBT001 - Django's
        if not change and isinstance(request.user, User):
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    @admin.display(description="spent and reserved now")
    def standing(self, budget: Budget) -> str:
        known = getattr(budget, "now", None)
        now = known or queries.standings([budget]).get(budget.pk)
        if now is None:
            return "–"
        return (
            f"${_short(now.spent_usd)} + ${_short(now.reserved_usd)}, {now.spent_tokens + now.reserved_tokens:,} tokens"
        )


@admin.register(Usage)
class UsageAdmin(admin.ModelAdmin):
    """Single calls, to look at."""

    list_display = ("created_at", "organization", "provider", "model", "state", "tokens", "usd", "mock", "execution_id")
    list_filter = ("state", "mock", "provider", "created_at")
    list_select_related = ("organization",)
    search_fields = ("=execution_id", "=task_id", "=model")
    ordering = ("-id",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[Usage]:
        return super().get_queryset(request).select_related("organization")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _short(usd: Decimal) -> str:
    return f"{usd:,.4f}"
