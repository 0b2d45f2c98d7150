"""What a runner writes of the deployments it holds. Runners act for themselves: there is no actor.

A runner holds a row by its name and a lease. Every write names both, so that one that was thought dead changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.agents.models import LONGEST_LOG, Agent, Deployment, Desired, Health
from apps.agents.states import DEPLOYMENT_HELD, AgentStatus, DeploymentStatus
from apps.core.tenancy import sweeping
from apps.core.trail import leave_trace

_OVER = (DeploymentStatus.STOPPED.value, DeploymentStatus.FAILED.value)


def take_deployments(*, runner: str, runtime: str, lease: timedelta, room: int) -> list[Deployment]:
    """Those this runner holds, with their leases renewed, and up to `room` more that nobody holds and that are not as
    they are wanted. Each comes with agent, resources and version."""
    now = timezone.now()
    with sweeping():
        mine = Deployment.objects.filter(runner=runner, lease_until__gte=now)
        held = list(mine.values_list("pk", flat=True))
        free = Q(runner="") | Q(lease_until__lt=now)
        unlike = (
            ~Q(status__in=_OVER)
            | Q(desired=Desired.RUNNING, status=DeploymentStatus.STOPPED.value)
            | Q(desired=Desired.RUNNING, restart_requested=True)
        )
        open_ones = Deployment.objects.select_for_update(skip_locked=True).filter(free, unlike, runtime=runtime)
        taken = list(open_ones.order_by("id").values_list("pk", flat=True)[: max(room - len(held), 0)])
        wanted = [*held, *taken]
        Deployment.objects.filter(pk__in=wanted).update(runner=runner, lease_until=now + lease)
        rows = Deployment.objects.filter(pk__in=wanted).select_related("agent__resources", "version").defer("logs")
        return list(rows.order_by("id"))


def note_status(*, runner: str, deployment_id: UUID, status: DeploymentStatus, **fields: Any) -> bool:
    """Move a deployment this runner holds; False when it holds it no longer. What belongs to the agent follows."""
    now = timezone.now()
    changes: dict[str, Any] = {"status": status.value, "updated_at": now, **fields}
    if "logs" in changes:
        changes["logs"] = bounded(changes["logs"])
    if status is DeploymentStatus.STARTING:
        changes |= {"started_at": now, "stopped_at": None, "health": Health.UNKNOWN}
    elif status not in DEPLOYMENT_HELD and status is not DeploymentStatus.PENDING:
        changes |= {"stopped_at": now, "address": "", "health": Health.UNKNOWN}
    if status.value in _OVER:
        changes |= {"runner": "", "lease_until": None}
    with sweeping(), transaction.atomic():
        held = Deployment.objects.filter(pk=deployment_id, runner=runner)
        if not held.update(**changes):
            return False
        _tell_agent(deployment_id, status, now)
    return True


def note_facts(*, runner: str, deployment_id: UUID, **fields: Any) -> bool:
    """What changes without a move: health, logs."""
    if "logs" in fields:
        fields["logs"] = bounded(fields["logs"])
    with sweeping():
        held = Deployment.objects.filter(pk=deployment_id, runner=runner)
        return bool(held.update(updated_at=timezone.now(), **fields))


def let_go(*, runner: str, deployment_ids: Sequence[UUID]) -> None:
    """When a runner ends: another may take them at once."""
    with sweeping():
        Deployment.objects.filter(pk__in=list(deployment_ids), runner=runner).update(runner="", lease_until=None)


def bounded(text: str) -> str:
    """The last of it, as PostgreSQL can keep it."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()[-LONGEST_LOG:]


def _tell_agent(deployment_id: UUID, status: DeploymentStatus, now: datetime) -> None:
    row = Deployment.objects.select_related("agent", "organization").defer("logs").get(pk=deployment_id)
    agents = Agent.objects.filter(pk=row.agent_id)
    if status is DeploymentStatus.RUNNING:
        agents.update(deployed_at=now, container_id=row.container_id, updated_at=now)
    elif status is DeploymentStatus.FAILED:
        broken = agents.filter(status=AgentStatus.ACTIVE.value)
        broken.update(status=AgentStatus.ERROR.value, container_id="", updated_at=now)
        leave_trace(
            "deployment.failed",
            organization=row.organization,
            target=row,
            after={"agent": str(row.agent_id), "error": row.error_message[:500]},
        )
    elif status in (DeploymentStatus.STOPPED, DeploymentStatus.CRASHED):
        agents.filter(container_id=row.container_id).update(container_id="", updated_at=now)


__all__ = ["bounded", "let_go", "note_facts", "note_status", "take_deployments"]
