"""What may be read of agents, and by whom.

Each query names its user beside row-level security, so that it also holds for a database role that bypasses that.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from apps.accounts import queries as accounts
from apps.accounts.models import User
from apps.agents.errors import AgentNotFound, AgentVersionNotFound, DeploymentNotFound
from apps.agents.models import Agent, AgentVersion, Deployment
from apps.agents.snapshots import Snapshot, unpack
from apps.agents.states import DeploymentStatus
from apps.core.semver import NoVersionError, Semver


def agents(*, actor: User) -> QuerySet[Agent]:
    """Those of the actor's organizations, with what a list shows of each."""
    return Agent.objects.filter(organization__in=accounts.organizations(actor=actor)).select_related(
        "organization", "project", "resources", "integration"
    )


def agent_for(*, actor: User, agent_id: UUID) -> Agent:
    agent = agents(actor=actor).filter(pk=agent_id).first()
    if agent is None:
        raise AgentNotFound
    return agent


def versions_of(agent: Agent) -> QuerySet[AgentVersion]:
    """Newest first, without what they hold."""
    return AgentVersion.objects.filter(agent=agent).defer("config", "source", "archive")


def version_of(agent: Agent, number: str | None = None) -> AgentVersion:
    """One version: the agent's latest unless one is named."""
    text = agent.version if number is None else number
    try:
        wanted = Semver.parse(text)
    except NoVersionError as error:
        raise AgentVersionNotFound(str(error)) from None
    found = AgentVersion.objects.filter(agent=agent, major=wanted.major, minor=wanted.minor, patch=wanted.patch).first()
    if found is None:
        raise AgentVersionNotFound(f"This agent has no version {wanted}, or it is not kept any more.")
    return found


def snapshot_of(version: AgentVersion) -> Snapshot:
    """What a version holds, archived or not. Raises `SnapshotBrokenError` when an archive does not open."""
    if version.archive is not None:
        return unpack(bytes(version.archive), version.sha256)
    return Snapshot(version.config, version.source)


def deployments(*, actor: User) -> QuerySet[Deployment]:
    return (
        Deployment.objects.filter(organization__in=accounts.organizations(actor=actor))
        .select_related("agent__project", "version")
        .defer(
            "logs", "agent__description", "agent__metadata", "version__config", "version__source", "version__archive"
        )
    )


def deployment_for(*, actor: User, deployment_id: UUID) -> Deployment:
    found = deployments(actor=actor).select_related("organization").filter(pk=deployment_id).first()
    if found is None:
        raise DeploymentNotFound
    return found


def agent_named(organization_id: UUID | str, reference: str) -> Agent | None:
    """By id or slug, for a worker: call it while working for the organization."""
    try:
        named = Q(pk=UUID(reference))
    except ValueError:
        named = Q(slug=reference)
    return Agent.objects.filter(named, organization_id=organization_id).first()


def running_deployment(agent: Agent) -> Deployment | None:
    """Where the agent answers just now, for a worker."""
    return (
        Deployment.objects.filter(agent=agent, status=DeploymentStatus.RUNNING.value)
        .exclude(address="")
        .select_related("version")
        .defer("logs")
        .order_by("-id")
        .first()
    )
