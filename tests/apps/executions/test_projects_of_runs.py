"""What the project of a melody means for its runs: who sees them, and what they begin with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as
from apps.executions.models import Execution, Variable
from apps.executions.services import start_execution
from apps.melodies.models import MelodyVersion
from apps.melodies.services import create_melody
from apps.projects import services as projects
from apps.projects.models import Project
from apps.projects.services.variables import GivenVariable

pytestmark = pytest.mark.django_db

SOURCE = """\
workflow:
  name: piece
  variables: {tempo: slow}
  steps:
    - {name: key, type: test_echo, value: "{{tempo}}"}
"""
TABLES = ("execution", "task", "event", "plannode", "variable")


@pytest.fixture
def quartet(alice: User, orchestra: Organization) -> Project:
    """A project only Alice, who owns the orchestra, and those she names can see."""
    with acting_as(alice.pk):
        return projects.create_project(actor=alice, organization=orchestra, name="Quartet", access="restricted")


@pytest.fixture
def piece(alice: User, orchestra: Organization, quartet: Project) -> MelodyVersion:
    with acting_as(alice.pk):
        return create_melody(actor=alice, organization=orchestra, source=SOURCE, media="yaml", project=quartet)


def test_runs_of_a_restricted_project_are_not_there_for_others(
    alice: User, carol: User, orchestra: Organization, quartet: Project, piece: MelodyVersion,
    api_of: Callable[[User], APIClient],
) -> None:  # fmt: skip
    accounts.add_member(actor=alice, organization=orchestra, user=carol, role="member")
    with acting_as(alice.pk):
        run = start_execution(actor=alice, melody=piece.melody)
    hers, others = api_of(alice), api_of(carol)
    task = hers.get(f"/api/v1/executions/{run.pk}/tasks/").json()["results"][0]["id"]
    for address in (f"executions/{run.pk}/", f"executions/{run.pk}/tasks/", f"executions/{run.pk}/events/",
                    f"tasks/{task}/", f"melodies/{piece.melody_id}/statistics/"):  # fmt: skip
        assert hers.get(f"/api/v1/{address}").status_code == 200, address
        assert others.get(f"/api/v1/{address}").status_code == 404, address
    assert others.post(f"/api/v1/executions/{run.pk}/cancel/").status_code == 404
    assert others.post(f"/api/v1/melodies/{piece.melody_id}/executions/", {}).status_code == 404
    assert others.get("/api/v1/executions/").json()["results"] == []
    with acting_as(carol.pk), connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM executions_{table}")
            assert cursor.fetchone() == (0,), table
        cursor.execute("UPDATE executions_execution SET status_message = 'mine'")
        assert cursor.rowcount == 0
    with acting_as(alice.pk):
        projects.name_in_project(actor=alice, project=quartet, user=carol, role="member")
    assert others.get(f"/api/v1/executions/{run.pk}/").status_code == 200
    assert others.post(f"/api/v1/executions/{run.pk}/cancel/").status_code == 200


def test_a_run_begins_with_the_variables_of_its_project(alice: User, quartet: Project, piece: MelodyVersion) -> None:
    with acting_as(alice.pk):
        for name, value in (("tempo", "fast"), ("hall", {"seats": 400}), ("key", "a step"), ("encore", "an input")):
            projects.set_variable(actor=alice, project=quartet, given=GivenVariable(name, value))
        run = start_execution(actor=alice, melody=piece.melody, input={"encore": True})
        found: dict[str, Any] = dict(Variable.objects.filter(execution=run).values_list("name", "value"))
    assert found == {"tempo": "slow", "hall": {"seats": 400}}
    assert run.project_id == quartet.pk


def test_what_was_started_for_a_hidden_run_can_be_run_again(
    alice: User, carol: User, orchestra: Organization, piece: MelodyVersion, api_of: Callable[[User], APIClient],
) -> None:  # fmt: skip
    accounts.add_member(actor=alice, organization=orchestra, user=carol, role="member")
    with acting_as(alice.pk):
        parent = start_execution(actor=alice, melody=piece.melody)
        seen = create_melody(actor=alice, organization=orchestra, source=SOURCE, media="yaml", path="open/piece.yaml")
        child = start_execution(actor=alice, melody=seen.melody, parent=parent)
    client = api_of(carol)
    assert client.post(f"/api/v1/executions/{child.pk}/cancel/").status_code == 200
    made = client.post(f"/api/v1/executions/{child.pk}/rerun/", {"mode": "failed"}, format="json")
    assert made.status_code == 201, made.content
    with acting_as(alice.pk):
        assert Execution.objects.get(pk=made.json()["id"]).parent_execution_id == parent.pk
