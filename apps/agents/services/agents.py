"""Agents themselves: made, changed, activated, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from apps.accounts.errors import SlugTaken
from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action
from apps.agents.errors import AgentInUse, IllegalMove
from apps.agents.events import agent_deleting
from apps.agents.models import Agent, AgentVersion, ContainerResources, Deployment, Desired
from apps.agents.services import checking
from apps.agents.states import AGENT_MOVES, DEPLOYMENT_HELD, AgentStatus, may_move
from apps.agents.tiers import ALLOWANCES, container_tier
from apps.billing.entitlements import Quota
from apps.billing.services.quotas import require_room
from apps.core.semver import FIRST
from apps.core.trail import leave_trace
from apps.projects.models import Project
from apps.projects.permissions import require_in

UNCHANGED: Final[Any] = object()
"""Stands for a field nobody spoke of, where None means none."""


def create_agent(
    *,
    actor: User,
    organization: Organization,
    name: str,
    framework: str,
    agent_type: str,
    slug: str | None = None,
    description: str = "",
    project: Project | None = None,
    config: Mapping[str, Any] | None = None,
    source: str = "",
    resource_limits: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Agent:
    """A draft with its version 1.0.0 and what its container may use."""
    project = checking.project(organization, project)
    require_in(actor=actor, organization=organization, project=project, action=Action.WRITE)
    snapshot = checking.snapshot(framework, agent_type, {} if config is None else config, source)
    agent = Agent(
        organization=organization,
        project=project,
        name=checking.name(name),
        slug=slug or slugify(name)[:120] or "agent",
        description=description,
        framework=framework,
        agent_type=agent_type,
        version=str(FIRST),
        resource_limits=checking.resource_limits(organization, {} if resource_limits is None else resource_limits),
        metadata=checking.metadata({} if metadata is None else metadata),
        created_by=actor,
    )
    with transaction.atomic():
        require_room(organization_id=organization.pk, quota=Quota.AGENTS)
        _save(agent)
        AgentVersion.objects.create(
            organization=organization,
            agent=agent,
            major=FIRST.major,
            minor=FIRST.minor,
            patch=FIRST.patch,
            config=snapshot.config,
            source=snapshot.source,
            sha256=snapshot.sha256,
            change_summary="The first version.",
            created_by=actor,
        )
        agent.resources = _resources(organization, agent)
        leave_trace("agent.created", actor=actor, organization=organization, target=agent, after=_told(agent))
    return agent


def update_agent(
    *,
    actor: User,
    agent: Agent,
    name: str | None = None,
    slug: str | None = None,
    description: str | None = None,
    project: Project | None = UNCHANGED,
    resource_limits: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Agent:
    """What is None stays as it is. What the agent is made of changes by publishing its next version."""
    require_in(actor=actor, organization=agent.organization, project=agent.project, action=Action.WRITE)
    before = _told(agent)
    if name is not None:
        agent.name = checking.name(name)
    if project is not UNCHANGED:
        agent.project = checking.project(agent.organization, project)
        require_in(actor=actor, organization=agent.organization, project=agent.project, action=Action.WRITE)
    if resource_limits is not None:
        agent.resource_limits = checking.resource_limits(agent.organization, resource_limits)
    if metadata is not None:
        agent.metadata = checking.metadata(metadata)
    agent.slug = slug or agent.slug
    agent.description = agent.description if description is None else description
    with transaction.atomic():
        _save(agent, ["name", "slug", "description", "project", "resource_limits", "metadata", "updated_at"])
        leave_trace(
            "agent.updated",
            actor=actor,
            organization=agent.organization,
            target=agent,
            before=before,
            after=_told(agent),
        )
    return agent


def activate_agent(*, actor: User, agent: Agent) -> Agent:
    """From now on it can be run and deployed."""
    require_in(actor=actor, organization=agent.organization, project=agent.project, action=Action.WRITE)
    return _move(actor, agent, AgentStatus.ACTIVE)


def deactivate_agent(*, actor: User, agent: Agent) -> Agent:
    """Its deployments are asked to stop; steps that want it fail."""
    require_in(actor=actor, organization=agent.organization, project=agent.project, action=Action.WRITE)
    with transaction.atomic():
        moved = _move(actor, agent, AgentStatus.INACTIVE)
        Deployment.objects.filter(agent=agent, desired=Desired.RUNNING).update(desired=Desired.STOPPED)
    return moved


def delete_agent(*, actor: User, agent: Agent) -> None:
    """With its versions and past deployments; its melodies stay, as the organization's own. For admins."""
    require_in(actor=actor, organization=agent.organization, project=agent.project, action=Action.ADMINISTER)
    with transaction.atomic():
        Agent.objects.select_for_update().get(pk=agent.pk)
        held = Deployment.objects.filter(agent=agent, status__in=[status.value for status in DEPLOYMENT_HELD])
        if held.exists():
            raise AgentInUse
        agent_deleting.send(sender=Agent, agent=agent)
        leave_trace("agent.deleted", actor=actor, organization=agent.organization, target=agent, before=_told(agent))
        agent.delete()


def _move(actor: User, agent: Agent, status: AgentStatus) -> Agent:
    with transaction.atomic():
        current = AgentStatus(Agent.objects.select_for_update().values_list("status", flat=True).get(pk=agent.pk))
        if not may_move(AGENT_MOVES, current, status):
            raise IllegalMove(
                f"The agent is {current}, which cannot become {status}.", status=current.value, wanted=status.value
            )
        agent.status = status.value
        agent.save(update_fields=["status", "updated_at"])
        if current != status:
            leave_trace(
                f"agent.{'activated' if status is AgentStatus.ACTIVE else 'deactivated'}",
                actor=actor,
                organization=agent.organization,
                target=agent,
                before={"status": current.value},
                after={"status": status.value},
            )
    return agent


def _resources(organization: Organization, agent: Agent) -> ContainerResources:
    """A trigger gives them what the organization's tier says at this moment."""
    tier = container_tier(organization.subscription_tier)
    allowed = ALLOWANCES[tier]
    made = ContainerResources.objects.create(
        organization=organization,
        agent=agent,
        subscription_tier=tier.value,
        cpu_limit=allowed.cpu,
        memory_limit_mb=allowed.memory_mb,
        network_isolation=allowed.isolation.value,
    )
    made.refresh_from_db()
    return made


def _save(agent: Agent, fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            agent.save(update_fields=fields, force_insert=fields is None)
    except IntegrityError as error:
        if "agent_slug" in str(error):
            message = f"There is an agent {agent.slug!r} in {agent.organization.name} already."
            raise SlugTaken(message) from error
        raise


def _told(agent: Agent) -> dict[str, Any]:
    """What of an agent a trace holds."""
    return {
        "name": agent.name,
        "slug": agent.slug,
        "description": agent.description[:1000],
        "project": None if agent.project_id is None else str(agent.project_id),
        "framework": agent.framework,
        "status": agent.status,
        "version": agent.version,
        "resource_limits": agent.resource_limits,
    }
