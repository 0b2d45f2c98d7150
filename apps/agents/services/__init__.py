"""The only writers of agents and all that belongs to them. Call them while acting as the actor (a request does)."""

from __future__ import annotations

from apps.agents.services.agents import (
    activate_agent,
    create_agent,
    deactivate_agent,
    delete_agent,
    update_agent,
)
from apps.agents.services.deployments import deploy, restart_deployment, stop_deployment
from apps.agents.services.marketplace import publish_agent, unpublish_agent
from apps.agents.services.running import note_status, take_deployments
from apps.agents.services.uses import forget_uses, record_use
from apps.agents.services.versions import publish_version, tidy_versions

__all__ = [
    "activate_agent",
    "create_agent",
    "deactivate_agent",
    "delete_agent",
    "deploy",
    "forget_uses",
    "note_status",
    "publish_agent",
    "publish_version",
    "record_use",
    "restart_deployment",
    "stop_deployment",
    "take_deployments",
    "tidy_versions",
    "unpublish_agent",
    "update_agent",
]
