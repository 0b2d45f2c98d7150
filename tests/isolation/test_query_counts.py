"""A list asks the database as often for many rows as for few: every list of the schema, as its owner sees it."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import User
from symphony import roles
from tests.conftest import database_role
from tests.isolation.addresses import filled
from tests.isolation.cast import Cast
from tests.isolation.schema import Operation, is_list, operations

FEW, MANY = 3, 12
# Lists that rows alone do not make longer (a task waits for a decision, a plan is offered, an invitation is open): what
# they cost is pinned where they are tested.
SHORT = {
    "agent_deployments_list",
    "agent_executions_list",
    "approvals_list",
    "auth_connections_list",
    "executions_tasks",
    "history_list",
    "invitations_list",
    "mentions_list",
    "organizations_secrets",
    "plans_list",
    "users_invitations",
    "versions_list",
}


@pytest.fixture
def lists() -> list[Operation]:
    return [operation for operation in operations() if is_list(operation)]


def measured(cast: Cast, client: APIClient, lists: list[Operation]) -> dict[str, tuple[int, int]]:
    """Of each list: how many results, how many queries."""
    found = {}
    for operation in lists:
        with cast.seeing_everything():
            path = operation.path.format(**filled(operation.path, cast.filling))
        with (
            database_role(roles.GROUPS["web"]),
            CaptureQueriesContext(
                connection,
            ) as asked,
        ):
            response = client.get(path, {"page_size": 100})
        assert response.status_code == 200, (path, response.content)
        found[operation.id] = len(response.json()["results"]), len(asked)
    return found


def test_no_list_asks_for_each_row(cast: Cast, lists: list[Operation], settings: Settings) -> None:
    settings.SYMPHONY_RATE_LIMITS = 0.0
    _, secret = accounts.create_token(actor=cast.alice, name="lists")
    client = APIClient(headers={"Authorization": f"Token {secret}"})
    measured(cast, client, lists)  # what is asked once per process
    _grow(cast, range(1, FEW))
    few = measured(cast, client, lists)
    _grow(cast, range(FEW, MANY))
    many = measured(cast, client, lists)
    costly: dict[str, Any] = {name: (few[name], many[name]) for name in few if many[name][1] > few[name][1]}
    assert costly == {}, "results and queries before and after"
    assert {name for name in few if many[name][0] < few[name][0] + 3} == SHORT


def _grow(cast: Cast, numbers: range) -> None:
    with cast.seeing_everything():
        assert cast.filling.more(numbers) > 50
    for number in numbers:
        user = accounts.create_user(email=f"member{number}@example.org", password=None, display_name="Member")
        accounts.add_member(actor=cast.alice, organization=cast.organization, user=user, role="member")
        accounts.create_organization(actor=cast.alice, name=f"Another {number}")
        accounts.create_token(actor=cast.alice, name=f"token {number}")
        _named(cast, user)


def _named(cast: Cast, user: User) -> None:
    """In the team, in the project; and a workflow of the agent with a run."""
    melody = apps.get_model("melodies", "Melody")
    with cast.seeing_everything():
        cast.filling.made(apps.get_model("accounts", "TeamMembership"), user=user)
        cast.filling.made(apps.get_model("projects", "ProjectAccess"), user=user, role="member")
        agent = cast.filling.row(apps.get_model("agents", "Agent"))
        cast.filling.made(melody, agent=agent, name=user.email)
        cast.filling.made(apps.get_model("executions", "Execution"), agent_id=agent.pk, correlation_id=user.pk)
