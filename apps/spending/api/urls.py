"""To be included under `api/v1/`."""

from __future__ import annotations

from apps.core.api.routes import route
from apps.spending.api.views import BudgetListView, BudgetView, SpendingView

urlpatterns = [
    *route("organizations/<uuid:organization_id>/spending/", SpendingView, "organization-spending"),
    *route("organizations/<uuid:organization_id>/budgets/", BudgetListView, "budgets"),
    *route("budgets/<uuid:budget_id>/", BudgetView, "budget"),
]
