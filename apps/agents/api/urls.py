"""To be included under `api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern

from apps.agents.api.deployment_views import (
    AgentDeploymentListView,
    DeploymentLogsView,
    DeploymentRestartView,
    DeploymentStopView,
    DeploymentView,
)
from apps.agents.api.views import (
    AgentActivateView,
    AgentDeactivateView,
    AgentListView,
    AgentMarketplaceView,
    AgentPublishView,
    AgentUnpublishView,
    AgentVersionListView,
    AgentVersionView,
    AgentView,
)
from apps.core.api.routes import route

urlpatterns: list[URLPattern] = [
    *route("agents/", AgentListView, "agents"),
    *route("agents/<uuid:agent_id>/", AgentView, "agent"),
    *route("agents/<uuid:agent_id>/activate/", AgentActivateView, "agent-activate"),
    *route("agents/<uuid:agent_id>/deactivate/", AgentDeactivateView, "agent-deactivate"),
    *route("agents/<uuid:agent_id>/versions/", AgentVersionListView, "agent-versions"),
    *route("agents/<uuid:agent_id>/versions/<str:number>/", AgentVersionView, "agent-version"),
    *route("agents/<uuid:agent_id>/marketplace/", AgentMarketplaceView, "agent-marketplace"),
    *route("agents/<uuid:agent_id>/publish/", AgentPublishView, "agent-publish"),
    *route("agents/<uuid:agent_id>/unpublish/", AgentUnpublishView, "agent-unpublish"),
    *route("agents/<uuid:agent_id>/deployments/", AgentDeploymentListView, "agent-deployments"),
    *route("deployments/<uuid:deployment_id>/", DeploymentView, "deployment"),
    *route("deployments/<uuid:deployment_id>/logs/", DeploymentLogsView, "deployment-logs"),
    *route("deployments/<uuid:deployment_id>/stop/", DeploymentStopView, "deployment-stop"),
    *route("deployments/<uuid:deployment_id>/restart/", DeploymentRestartView, "deployment-restart"),
]
