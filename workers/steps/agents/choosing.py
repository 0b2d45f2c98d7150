"""Which agent a step means, and by which road it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.agents import queries
from apps.agents.errors import AgentVersionNotFound
from apps.agents.models import Agent, AgentVersion, Deployment
from apps.agents.services import record_use
from apps.agents.snapshots import SnapshotBrokenError
from apps.agents.states import AgentStatus
from apps.core.tenancy import working_for
from workers.agents.graphs import GraphAdapter
from workers.agents.keys import deployment_key
from workers.agents.port import FrameworkAdapter
from workers.contract import StepContext, StepFailed
from workers.steps.agents.calling import HttpAdapter
from workers.steps.web.addresses import Reach

LOOPBACK = "127.0.0.1/32"


@dataclass(frozen=True, slots=True)
class Chosen:
    agent: Agent
    version: AgentVersion
    config: Mapping[str, Any]
    adapter: FrameworkAdapter


def choose(step: StepContext, reference: str, number: str | None, *, deployed: bool) -> Chosen:
    """Raises `StepFailed` for an agent that is not there, not active, or not to be reached."""
    organization = step.workflow.organization_id
    if not organization:
        raise StepFailed("An agent runs within an organization only.", code="agent_not_found", final=True)
    with working_for(organization):
        agent = _agent(step, organization, reference)
        deployment = queries.running_deployment(agent) if deployed else None
        version = deployment.version if deployment is not None else _version(agent, number)
        try:
            config = dict(queries.snapshot_of(version).config)
        except SnapshotBrokenError as error:
            raise StepFailed(str(error), code="agent_version_broken", final=True) from error
    record_use(organization_id=organization, version=version, execution_id=step.execution_id)
    adapter = _deployed(agent, deployment, step) if deployed else _adapter(agent, config, step)
    return Chosen(agent, version, config, adapter)


def _agent(step: StepContext, organization: str, reference: str) -> Agent:
    agent = queries.agent_named(organization, reference)
    project = None if agent is None or agent.project_id is None else str(agent.project_id)
    if agent is None or project not in (None, step.workflow.project_id):
        raise StepFailed(
            f"There is no agent {reference[:120]!r} here; name it by its slug or id. One that belongs to a project is "
            "for the melodies of that project.",
            code="agent_not_found",
            final=True,
        )
    if agent.status != AgentStatus.ACTIVE:
        raise StepFailed(
            f"The agent {agent.slug} is {agent.status}; activate it first.", code="agent_not_active", final=True
        )
    return agent


def _version(agent: Agent, number: str | None) -> AgentVersion:
    try:
        return queries.version_of(agent, number)
    except AgentVersionNotFound as error:
        raise StepFailed(error.detail, code=error.code, final=True) from error


def _adapter(agent: Agent, config: Mapping[str, Any], step: StepContext) -> FrameworkAdapter:
    endpoint = config.get("endpoint")
    if isinstance(endpoint, str):
        reach = Reach.of(settings.SYMPHONY_HTTP_ALLOW_PRIVATE, step.workflow.section("safety"))
        return HttpAdapter(endpoint, _secret(config, step), reach, step.deadline)
    if agent.framework == "langgraph" and isinstance(config.get("graph"), str):
        return GraphAdapter(settings.SYMPHONY_AGENT_MODULES)
    raise StepFailed(
        f"The config of {agent.slug} names no way to reach it: give an `endpoint`"
        f"{', or a `graph`' if agent.framework == 'langgraph' else ''}.",
        code="agent_not_reachable",
        final=True,
    )


def _deployed(agent: Agent, deployment: Deployment | None, step: StepContext) -> FrameworkAdapter:
    if deployment is None:
        raise StepFailed(f"No deployment of {agent.slug} runs.", code="agent_not_running", transient=True)
    # The runner wrote this address itself: a process of its own, on this machine.
    return HttpAdapter(
        f"{deployment.address}/invoke", deployment_key(deployment), Reach.of([LOOPBACK], {}), step.deadline
    )


def _secret(config: Mapping[str, Any], step: StepContext) -> str | None:
    name = config.get("secret")
    if not isinstance(name, str):
        return None
    value = step.engine.secret(name) if step.engine is not None else None
    if value is None:
        message = f"There is no secret {name}; add it to the project or the organization."
        raise StepFailed(message, code="secret_missing", final=True)
    return value


__all__ = ["Chosen", "choose"]
