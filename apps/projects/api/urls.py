"""To be included under `api/v1/`."""

from __future__ import annotations

from apps.core.api.routes import route
from apps.projects.api.access import ProjectAccessListView, ProjectAccessView, ProjectMemberListView
from apps.projects.api.secrets import (
    OrganizationSecretListView,
    OrganizationSecretView,
    ProjectSecretListView,
    ProjectSecretView,
)
from apps.projects.api.variables import VariableListView, VariableView
from apps.projects.api.views import ProjectListView, ProjectView

urlpatterns = [
    *route("organizations/<uuid:organization_id>/projects/", ProjectListView, "projects"),
    *route("organizations/<uuid:organization_id>/secrets/", OrganizationSecretListView, "organization-secrets"),
    *route("organizations/<uuid:organization_id>/secrets/<str:name>/", OrganizationSecretView, "organization-secret"),
    *route("projects/<uuid:project_id>/", ProjectView, "project"),
    *route("projects/<uuid:project_id>/access/", ProjectAccessListView, "project-access"),
    *route("projects/<uuid:project_id>/access/<uuid:access_id>/", ProjectAccessView, "project-access-one"),
    *route("projects/<uuid:project_id>/members/", ProjectMemberListView, "project-members"),
    *route("projects/<uuid:project_id>/secrets/", ProjectSecretListView, "project-secrets"),
    *route("projects/<uuid:project_id>/secrets/<str:name>/", ProjectSecretView, "project-secret"),
    *route("projects/<uuid:project_id>/variables/", VariableListView, "project-variables"),
    *route("projects/<uuid:project_id>/variables/<str:name>/", VariableView, "project-variable"),
]
