"""That an agent is offered on a marketplace: recorded here, told to nobody."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.agents.errors import AgentNotActive, IllegalMove
from apps.agents.models import Agent, IntegrationStatus, MarketplaceIntegration
from apps.agents.states import AgentStatus
from apps.core.trail import leave_trace
from apps.projects.permissions import require_in


def publish_agent(*, actor: User, agent: Agent, marketplace_name: str | None = None) -> MarketplaceIntegration:
    """Only an active agent is offered. Publishing what is published changes nothing."""
    require_in(actor=actor, organization=agent.organization, project=agent.project, action=Action.ADMINISTER)
    with transaction.atomic():
        locked = Agent.objects.select_for_update().get(pk=agent.pk)
        if locked.status != AgentStatus.ACTIVE:
            raise AgentNotActive(f"The agent is {locked.status}; only an active one can be published.")
        found = MarketplaceIntegration.objects.filter(agent=locked).first()
        record = found or MarketplaceIntegration(organization_id=locked.organization_id, agent=locked)
        named = marketplace_name or record.marketplace_name
        if record.status == IntegrationStatus.PUBLISHED and named == record.marketplace_name:
            return record
        before = record.status if found else None
        record.marketplace_name = named
        record.status = IntegrationStatus.PUBLISHED
        record.published_at = timezone.now()
        record.save()
        _trace(actor, agent, record, "agent.marketplace_published", before)
    return record


def unpublish_agent(*, actor: User, agent: Agent) -> MarketplaceIntegration:
    require_in(actor=actor, organization=agent.organization, project=agent.project, action=Action.ADMINISTER)
    with transaction.atomic():
        record = MarketplaceIntegration.objects.select_for_update().filter(agent=agent).first()
        if record is None:
            raise IllegalMove("The agent was never published.")
        if record.status == IntegrationStatus.UNPUBLISHED:
            return record
        before, record.status = record.status, IntegrationStatus.UNPUBLISHED
        record.unpublished_at = timezone.now()
        record.save(update_fields=["status", "unpublished_at", "updated_at"])
        _trace(actor, agent, record, "agent.marketplace_unpublished", before)
    return record


def _trace(actor: User, agent: Agent, record: MarketplaceIntegration, action: str, before: str | None) -> None:
    leave_trace(
        action,
        actor=actor,
        organization=agent.organization,
        target=agent,
        before={"status": before},
        after={"status": record.status, "marketplace_name": record.marketplace_name},
    )
