"""What other apps ask of agents."""

from __future__ import annotations

from uuid import UUID

from apps.agents.models import Agent
from apps.billing.entitlements import Quota
from apps.billing.measures import measures


@measures(Quota.AGENTS)
def count_agents(organization_id: UUID) -> int:
    return Agent.objects.filter(organization_id=organization_id).count()
