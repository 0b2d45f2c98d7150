"""What an agent is checked for before it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.accounts.models import Organization
from apps.agents.errors import AgentInvalid
from apps.agents.frameworks import LARGEST_SOURCE, mapping_problem, problems_of
from apps.agents.snapshots import Snapshot
from apps.agents.tiers import ALLOWANCES, container_tier
from apps.projects.errors import ProjectElsewhere
from apps.projects.models import Project

LARGEST_METADATA: Final = 65_536
LIMITS: Final = ("cpu_limit", "memory_limit_mb")


def snapshot(framework: str, agent_type: str, config: Any, source: str) -> Snapshot:
    """What a version will hold."""
    errors = [
        {"code": one.code, "message": one.message, "pointer": f"/config{one.pointer}"}
        for one in problems_of(framework, config)
    ]
    if source and agent_type != "code":
        errors.append(_error("invalid", "Only an agent of type code has a source.", "/source"))
    if len(source.encode("utf-8", "surrogatepass")) > LARGEST_SOURCE:
        errors.append(_error("too_large", f"A source is at most {LARGEST_SOURCE:,} bytes long.", "/source"))
    if "\0" in source:
        errors.append(_error("invalid", "A source holds no NUL.", "/source"))
    if errors:
        raise refused(errors)
    return Snapshot(config, source)


def metadata(value: Any) -> Mapping[str, Any]:
    problem = mapping_problem(value, LARGEST_METADATA)
    if problem is not None:
        raise refused([_error(problem.code, problem.message, f"/metadata{problem.pointer}")])
    return dict(value)


def resource_limits(organization: Organization, value: Any) -> Mapping[str, int]:
    """An agent may be given less than its organization's tier allows, never more."""
    if not isinstance(value, Mapping):
        raise refused([_error("invalid", "The limits are a mapping.", "/resource_limits")])
    allowed = ALLOWANCES[container_tier(organization.subscription_tier)]
    most = {"cpu_limit": allowed.cpu, "memory_limit_mb": allowed.memory_mb}
    errors = []
    for name, limit in value.items():
        pointer = f"/resource_limits/{name}"
        if name not in LIMITS:
            errors.append(_error("unknown", f"There is no such limit; there are {' and '.join(LIMITS)}.", pointer))
        elif isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= most[name]:
            errors.append(
                _error("invalid", f"This is a whole number from 1 to {most[name]}, what the tier allows.", pointer)
            )
    if errors:
        raise refused(errors)
    return dict(value)


def name(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise refused([_error("required", "An agent needs a name.", "/name")])
    return stripped


def project(organization: Organization, given: Project | None) -> Project | None:
    if given is not None and given.organization_id != organization.pk:
        message = f"The project {given.name!r} belongs to another organization than the agent."
        raise ProjectElsewhere(message, errors=[_error("project_elsewhere", message, "/project")])
    return given


def refused(errors: list[dict[str, str]]) -> AgentInvalid:
    count = len(errors)
    return AgentInvalid(f"The agent has {count} problem{'s' if count != 1 else ''}.", errors=errors)


def _error(code: str, message: str, pointer: str) -> dict[str, str]:
    return {"code": code, "message": message, "pointer": pointer}
