"""Chains that follow a melody in a project that is hidden: from its owner by now, or from whoever else works with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, staff
from apps.executions.models import Execution
from apps.executions.services import start_execution
from apps.melodies.models import Melody
from apps.projects import services as projects
from apps.projects.models import Project
from apps.triggers.models import Trigger
from tests.apps.executions.conftest import Player
from tests.apps.triggers.conftest import MakeMelody, MakeTrigger, Sweep

ApiOf = Callable[[User], APIClient]
MARK = "nightingale"


@pytest.fixture
def quartet(alice: User, orchestra: Organization) -> Project:
    with acting_as(alice.pk):
        return projects.create_project(actor=alice, organization=orchestra, name="Quartet", access="restricted")


@pytest.fixture
def source(make_melody: MakeMelody, quartet: Project) -> Melody:
    return make_melody("secret tune", project=quartet)


@pytest.fixture
def chain(make_trigger: MakeTrigger, source: Melody) -> Trigger:
    return make_trigger("chain", source_melody=source.pk)


@pytest.fixture
def member(alice: User, carol: User, orchestra: Organization) -> User:
    accounts.add_member(actor=alice, organization=orchestra, user=carol, role="member")
    return carol


def ended(actor: User, melody: Melody) -> None:
    with acting_as(actor.pk):
        execution = start_execution(actor=actor, melody=melody, input={"x": MARK})
    Player(execution).play()


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("", {"mapping": {"x": "{{run.input}}"}}),
        ("", {"source_melody": "own"}),
        ("take-over/", {}),
    ],
)
def test_who_may_not_see_the_source_cannot_bend_the_chain(
    chain: Trigger, melody: Melody, member: User, api_of: ApiOf, address: str, body: dict[str, Any]
) -> None:
    body = {name: str(melody.pk) if value == "own" else value for name, value in body.items()}
    client = api_of(member)
    url = f"/api/v1/triggers/{chain.pk}/{address}"
    answer = client.post(url, body, format="json") if address else client.patch(url, body, format="json")
    assert answer.status_code == 422, answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/source_melody"]
    with staff():
        chain.refresh_from_db()
    assert (chain.owner_id != member.pk, chain.mapping) == (True, {})


def test_an_owner_the_source_is_hidden_from_is_told_nothing_of_its_runs(
    alice: User, member: User, quartet: Project, source: Melody, make_trigger: MakeTrigger, sweep: Sweep, web_role: None
) -> None:
    with acting_as(alice.pk):
        grant = projects.name_in_project(actor=alice, project=quartet, user=member, role="viewer")
    chain = make_trigger("chain", actor=member, source_melody=source.pk)
    ended(alice, source)
    (told,) = sweep()
    assert told.state == "started"
    with acting_as(alice.pk):
        projects.remove_access(actor=alice, grant=grant)
    ended(alice, source)
    *_, kept = sweep()
    with staff():
        chain.refresh_from_db()
        runs = Execution.objects.filter(trigger_id=chain.pk)
        assert [MARK in json.dumps(run.input) for run in runs] == [True]
    assert (kept.state, kept.reason_code, chain.state) == ("failed", "owner_may_not", "stopped")
    assert MARK not in json.dumps(kept.payload)
