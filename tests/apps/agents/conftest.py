from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts import queries as accounts
from apps.accounts.models import Organization, User
from apps.agents import services
from apps.agents.models import Agent
from apps.core.tenancy import acting_as


@pytest.fixture
def agent_of() -> Callable[..., Agent]:
    """An agent of somebody's personal organization, or of the one named."""

    def make(actor: User, organization: Organization | None = None, **fields: Any) -> Agent:
        given = {"name": "Support", "framework": "langgraph", "agent_type": "code", **fields}
        with acting_as(actor.pk):
            home = organization or accounts.organization_for(actor=actor)
            return services.create_agent(actor=actor, organization=home, **given)

    return make
