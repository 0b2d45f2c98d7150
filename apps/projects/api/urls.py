"""To be included under `api/v1/`."""

from __future__ import annotations

from apps.core.api.routes import route
from apps.projects.api.views import (
    OrganizationSecretListView,
    OrganizationSecretView,
    ProjectListView,
    ProjectSecretListView,
    ProjectSecretView,
    ProjectView,
)

urlpatterns = [
    *route("organizations/<uuid:organization_id>/projects/", ProjectListView, "projects"),
    *route("organizations/<uuid:organization_id>/secrets/", OrganizationSecretListView, "organization-secrets"),
    *route("organizations/<uuid:organization_id>/secrets/<str:name>/", OrganizationSecretView, "organization-secret"),
    *route("projects/<uuid:project_id>/", ProjectView, "project"),
    *route("projects/<uuid:project_id>/secrets/", ProjectSecretListView, "project-secrets"),
    *route("projects/<uuid:project_id>/secrets/<str:name>/", ProjectSecretView, "project-secret"),
]
