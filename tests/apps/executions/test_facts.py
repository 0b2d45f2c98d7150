"""What starting asks in one statement is what the separate questions answer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action
from apps.billing.queries import entitlements_of
from apps.core.errors import SymphonyError
from apps.core.tenancy import acting_as
from apps.executions.facts import facts_to_start
from apps.melodies import services as melodies
from apps.melodies.errors import MelodyNotFound
from apps.melodies.models import MelodyVersion
from apps.melodies.permissions import require_for
from apps.projects import services as projects

pytestmark = pytest.mark.django_db

ROLES = ("admin", "member", "viewer")
ACCESS = ("organization", "restricted")
NAMED = (None, "viewer", "member")


def verdict(ask: Callable[[], Any]) -> str:
    """What it answers, or the error it ends in."""
    try:
        return str(ask())
    except SymphonyError as error:
        return f"{error.status} {error.detail}" if error.status != 404 else "404"


@pytest.mark.parametrize(("role", "access", "named"), list(product(ROLES, ACCESS, NAMED)))
def test_the_role_is_the_one_permissions_find(
    alice: User, carol: User, orchestra: Organization, publish: Callable[..., MelodyVersion], web_role: None,
    role: str, access: str, named: str | None,
) -> None:  # fmt: skip
    accounts.add_member(actor=alice, organization=orchestra, user=carol, role=role)
    with acting_as(alice.pk):
        project = projects.create_project(actor=alice, organization=orchestra, name="Quartet", access=access)
        if named is not None:
            projects.name_in_project(actor=alice, project=project, role=named, user=carol)
        melody = publish(alice, organization=orchestra).melody
        melodies.change_melody(actor=alice, melody=melody, project=project)

    def asked() -> str:
        facts = facts_to_start(actor_id=carol.pk, melody_id=melody.pk)
        facts.require(Action.WRITE)
        return facts.role

    assert verdict(asked) == verdict(lambda: require_for(actor=carol, melody=melody, action=Action.WRITE))


def test_what_the_facts_say_is_so(alice: User, orchestra: Organization, publish: Callable[..., MelodyVersion]) -> None:
    version = publish(alice, organization=orchestra)
    facts = facts_to_start(actor_id=alice.pk, melody_id=version.melody_id, number=1)
    assert (facts.version.pk, facts.version.number, facts.version.sha256) == (version.pk, 1, version.sha256)
    assert (facts.melody.name, facts.melody.organization.slug, facts.melody.project) == ("fork", "orchestra", None)
    assert (facts.role, facts.remembered, "steps" in facts.workflow) == ("owner", {}, False)
    with acting_as(alice.pk):
        assert facts.entitlements == entitlements_of(orchestra.pk)
        assert facts.version.document == version.document, "what was not loaded comes when it is asked for"


def test_strangers_and_numbers_that_are_not_there(
    alice: User, bob: User, publish: Callable[..., MelodyVersion]
) -> None:
    version = publish(alice)
    with pytest.raises(MelodyNotFound):
        facts_to_start(actor_id=bob.pk, melody_id=version.melody_id)
    with pytest.raises(MelodyNotFound, match="no version 2"):
        facts_to_start(actor_id=alice.pk, melody_id=version.melody_id, number=2)


def test_a_run_begins_with_two_statements(
    alice: User, publish: Callable[..., MelodyVersion], api_of: Callable[[User], APIClient]
) -> None:
    """Besides those that let the request in; a step's way begins here, so that each one counts."""
    version, client = publish(alice), api_of(alice)
    address = f"/api/v1/melodies/{version.melody_id}/executions/"
    assert client.post(address, {}).status_code == 201
    with CaptureQueriesContext(connection) as asked:
        assert client.post(address, {}).status_code == 201
    about_runs = [
        query["sql"] for query in asked if "set_config" not in query["sql"] and "SAVEPOINT" not in query["sql"]
    ]
    assert len(about_runs) == 2, about_runs
    assert [("ledger_facts" in sql, "ledger_begin" in sql) for sql in about_runs] == [(True, False), (False, True)]
