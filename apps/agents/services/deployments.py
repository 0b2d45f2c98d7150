"""What people ask of deployments. They write what shall be; a runner (`manage.py agents run`) makes it so."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.agents.errors import AgentInvalid, AgentNotActive, AlreadyDeployed
from apps.agents.models import Agent, AgentVersion, Deployment, Desired
from apps.agents.queries import snapshot_of
from apps.agents.states import AgentStatus
from apps.core.trail import leave_trace
from apps.projects.permissions import require_in


def deploy(*, actor: User, agent: Agent, version: AgentVersion, runtime: str = "local") -> Deployment:
    """A deployment to be started; the one that was wanted before is asked to stop."""
    require_in(actor=actor, organization=agent.organization, project=agent.project, action=Action.WRITE)
    _check_config(version)
    try:
        with transaction.atomic():
            locked = Agent.objects.select_for_update().get(pk=agent.pk)
            if locked.status != AgentStatus.ACTIVE:
                raise AgentNotActive(f"The agent is {locked.status}; activate it before it is deployed.")
            Deployment.objects.filter(agent=agent, desired=Desired.RUNNING).update(desired=Desired.STOPPED)
            deployment = Deployment(
                organization_id=agent.organization_id,
                agent=agent,
                version=version,
                runtime=runtime,
                created_by=actor,
            )
            deployment.save(force_insert=True)
            _trace(actor, deployment, "deployment.requested")
    except IntegrityError as error:
        if "deployment_one_wanted_per_agent" not in str(error):
            raise
        raise AlreadyDeployed from error
    return deployment


def stop_deployment(*, actor: User, deployment: Deployment) -> Deployment:
    """Asked twice, it is asked once."""
    _require_control(actor, deployment)
    with transaction.atomic():
        asked = Deployment.objects.filter(pk=deployment.pk, desired=Desired.RUNNING).update(
            desired=Desired.STOPPED, restart_requested=False
        )
        if asked:
            _trace(actor, deployment, "deployment.stop_requested")
    deployment.refresh_from_db()
    return deployment


def restart_deployment(*, actor: User, deployment: Deployment) -> Deployment:
    """Stop it, if it runs, and start it anew; what was stopped or given up on comes back."""
    _require_control(actor, deployment)
    with transaction.atomic():
        agent = Agent.objects.select_for_update().get(pk=deployment.agent_id)
        if agent.status == AgentStatus.ERROR:
            agent.status = AgentStatus.ACTIVE.value
            agent.save(update_fields=["status", "updated_at"])
        if agent.status != AgentStatus.ACTIVE:
            raise AgentNotActive(f"The agent is {agent.status}; activate it before it is started again.")
        wanted = Deployment.objects.filter(agent=agent, desired=Desired.RUNNING)
        wanted.exclude(pk=deployment.pk).update(desired=Desired.STOPPED)
        Deployment.objects.filter(pk=deployment.pk).update(desired=Desired.RUNNING, restart_requested=True)
        _trace(actor, deployment, "deployment.restart_requested")
    deployment.refresh_from_db()
    return deployment


def _require_control(actor: User, deployment: Deployment) -> None:
    """Staff need no role in the organization; in the admin the database lets them see it."""
    if not actor.is_staff:
        require_in(
            actor=actor, organization=deployment.organization, project=deployment.agent.project, action=Action.WRITE
        )


def _check_config(version: AgentVersion) -> None:
    if isinstance(snapshot_of(version).config.get("graph"), str):
        return
    message = (
        "Only a version whose config names a `graph` can be deployed; one with an `endpoint` runs elsewhere already."
    )
    raise AgentInvalid(message, errors=[{"code": "not_deployable", "message": message, "pointer": "/version"}])


def _trace(actor: User, deployment: Deployment, action: str) -> None:
    leave_trace(
        action,
        actor=actor,
        organization=deployment.organization,
        target=deployment,
        after={"agent": str(deployment.agent_id), "version": str(deployment.version), "runtime": deployment.runtime},
    )
