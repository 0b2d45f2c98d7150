from __future__ import annotations

from apps.core.errors import Conflict, Invalid, NotFound


class AgentNotFound(NotFound):
    """There is no such agent, or it is not yours to see."""

    code = "agent_not_found"


class AgentVersionNotFound(NotFound):
    """This agent has no such version, or it is not kept any more."""

    code = "agent_version_not_found"


class DeploymentNotFound(NotFound):
    """There is no such deployment, or it is not yours to see."""

    code = "deployment_not_found"


class IllegalMove(Conflict):
    """This cannot become that; read it again and decide anew."""

    code = "illegal_move"


class AgentNotActive(Conflict):
    """Only an active agent can do this; activate it first."""

    code = "agent_not_active"


class AgentInUse(Conflict):
    """The agent has running deployments; stop them first."""

    code = "agent_in_use"


class AlreadyDeployed(Conflict):
    """Another deployment of this agent was asked for at the same moment; read the list again."""

    code = "already_deployed"


class AgentInvalid(Invalid):
    """The agent cannot be stored like this; `errors` says where."""

    code = "invalid_agent"
    title = "Invalid agent"


class VersionNotGreater(Invalid):
    """A new version is greater than all before it."""

    code = "version_not_greater"
