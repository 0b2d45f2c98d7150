"""To be included under `api/v1/`."""

from __future__ import annotations

from apps.audit.api.views import ActivityView, AuditListView, HistoryView
from apps.core.api.routes import route

urlpatterns = [
    *route("organizations/<uuid:organization_id>/audit/", AuditListView, "organization-audit"),
    *route("users/me/activity/", ActivityView, "users-me-activity"),
    *route("history/<slug:kind>/<uuid:object_id>/", HistoryView, "history"),
]
