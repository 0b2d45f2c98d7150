"""Pools and priorities over the API: who may, what is refused, and that it holds at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import Membership, Organization, Role, User
from apps.core.tenancy import acting_as, staff
from apps.executions import services
from apps.executions.models import Backlog, Execution, Pool
from tests.apps.executions.test_workers import beat
from tests.workers.test_backlog import wide
from tests.workers.test_ledger import begin

pytestmark = pytest.mark.django_db
ApiOf = Callable[[User], APIClient]
KEY: dict[str, Any] = {"kind": "key", "name": "search-api", "slots": 2}


@pytest.fixture
def organization(alice: User) -> Organization:
    with staff():
        return Membership.objects.get(user=alice).organization


def where(organization: Organization) -> str:
    return f"/api/v1/organizations/{organization.pk}/pools/"


def test_a_pool_is_made_changed_and_deleted(alice: User, organization: Organization, api_of: ApiOf) -> None:
    api = api_of(alice)
    made = api.post(where(organization), KEY, format="json")
    assert made.status_code == 201, made.data
    assert {name: made.data[name] for name in ("kind", "name", "slots", "taken", "state", "open", "by_plan")} == {
        **KEY,
        "taken": 0,
        "state": "unloaded",
        "open": True,
        "by_plan": False,
    }
    assert [pool["id"] for pool in api.get(where(organization)).data["results"]] == [made.data["id"]]
    changed = api.patch(made.data["url"], {"slots": 5, "open": False}, format="json")
    assert (changed.status_code, changed.data["slots"], changed.data["open"]) == (200, 5, False)
    assert api.get(made.data["url"]).data == changed.data
    assert api.delete(made.data["url"]).status_code == 204
    assert api.get(made.data["url"]).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**KEY, "slots": 0}, "/slots"),
        ({**KEY, "slots": 10**400}, "/slots"),
        ({**KEY, "slots": None}, "/slots"),
        ({**KEY, "name": "Not Plain"}, "/name"),
        ({**KEY, "name": ""}, "/name"),
        ({"kind": "organization", "name": "x", "slots": 1}, "/name"),
        ({**KEY, "kind": "gpu"}, "/kind"),
        ({**KEY, "tokens_per_minute": 5}, "/tokens_per_minute"),
        ({**KEY, "slotz": 5}, "/slotz"),
        ({"kind": "queue", "name": "a\u0000b", "slots": 1}, "/name"),
        ({"kind": "queue", "name": "mars", "slots": 1}, "/name"),
        ({"kind": "queue", "name": "steps+", "slots": 1}, "/name"),
    ],
)
def test_what_cannot_be_a_pool_is_refused_where_it_is_wrong(
    alice: User, organization: Organization, api_of: ApiOf, body: dict[str, Any], pointer: str
) -> None:
    refused = api_of(alice).post(where(organization), body, format="json")
    assert 400 <= refused.status_code < 500
    assert pointer in [error["pointer"] for error in refused.json()["errors"]], refused.json()


def test_a_pool_of_a_queue_is_for_one_that_steps_can_be_for(
    alice: User, organization: Organization, api_of: ApiOf, settings: Any
) -> None:
    settings.SYMPHONY_QUEUE_NAMES = (*settings.SYMPHONY_QUEUE_NAMES, "reports")
    settings.SYMPHONY_CAPABILITIES = ("eu",)
    beat("mars@one", queues=["mars"], capabilities=["eu", "gpu"])
    api = api_of(alice)

    def made(name: str) -> Any:
        return api.post(where(organization), {"kind": "queue", "name": name, "slots": 1}, format="json")

    for name in ("steps", "calls", "heavy", "reports", "mars", "steps+eu", "mars+eu+gpu"):
        assert made(name).status_code == 201, name
    known = "'steps', 'calls', 'heavy', 'reports' or 'mars'"
    for name, why in (
        (
            "pluto",
            f"This pool is for the queue 'pluto', which no worker serves: use {known}, or have an operator add it",
        ),
        ("pluto+eu", "the queue 'pluto', which no worker serves"),
        ("mars+gpu+eu", "Capabilities are written in their order, each once: 'mars+eu+gpu'."),
        ("steps+gpu", "No worker of the queue 'steps' has 'gpu': start one"),
    ):
        refused = made(name)
        (error,) = refused.json()["errors"]
        assert (refused.status_code, error["code"], error["pointer"]) == (422, "queue", "/name")
        assert why in error["message"]


def test_a_pool_whose_queue_nobody_serves_any_more_can_still_be_changed(
    alice: User, organization: Organization, api_of: ApiOf
) -> None:
    with staff():
        pool = Pool.objects.create(organization=organization, kind="queue", name="mars", slots=1)
    changed = api_of(alice).patch(f"/api/v1/pools/{pool.pk}/", {"slots": 2, "open": False}, format="json")
    assert (changed.status_code, changed.data["slots"], changed.data["open"]) == (200, 2, False)


def test_a_model_may_be_any(alice: User, organization: Organization, api_of: ApiOf) -> None:
    """Those of an endpoint of one's own are known to nobody else."""
    body = {"kind": "model", "name": "our-own/llama", "slots": 1}
    assert api_of(alice).post(where(organization), body, format="json").status_code == 201


def test_there_is_one_of_each_name(alice: User, organization: Organization, api_of: ApiOf) -> None:
    api = api_of(alice)
    api.post(where(organization), KEY, format="json")
    again = api.post(where(organization), KEY, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "pool_taken")


def test_members_see_and_admins_change(alice: User, bob: User, organization: Organization, api_of: ApiOf) -> None:
    with acting_as(alice.pk):
        pool = services.create_pool(actor=alice, organization=organization, **KEY)
    stranger = api_of(bob)
    assert stranger.get(where(organization)).status_code == 404
    assert stranger.get(f"/api/v1/pools/{pool.pk}/").status_code == 404
    with staff():
        Membership.objects.create(organization=organization, user=bob, role=Role.VIEWER)
    viewer = api_of(bob)
    assert viewer.get(f"/api/v1/pools/{pool.pk}/").status_code == 200
    assert viewer.post(where(organization), {**KEY, "name": "other"}, format="json").status_code == 403
    assert viewer.patch(f"/api/v1/pools/{pool.pk}/", {"slots": 9}, format="json").status_code == 403
    assert viewer.delete(f"/api/v1/pools/{pool.pk}/").status_code == 403


def test_what_holds_for_everybody_is_for_staff(alice: User, organization: Organization, api_of: ApiOf) -> None:
    alice.is_staff = True
    with staff():
        pool = services.create_pool(actor=alice, organization=None, **KEY)
    alice.is_staff = False
    api = api_of(alice)
    assert [seen["organization"] for seen in api.get(where(organization)).data["results"]] == [None]
    assert api.patch(f"/api/v1/pools/{pool.pk}/", {"slots": 9}, format="json").status_code == 403


def test_a_run_is_given_a_priority_at_its_start_and_another_later(alice: User, api_of: ApiOf) -> None:
    with acting_as(alice.pk):
        melody = begin(alice, wide(40))[0].melody
    api = api_of(alice)
    started = api.post(f"/api/v1/melodies/{melody.pk}/executions/", {"priority": 3}, format="json")
    assert (started.status_code, started.data["priority"]) == (201, 3)
    address = f"/api/v1/executions/{started.data['id']}/priority/"
    with staff():
        before = list(
            Backlog.objects.filter(execution=started.data["id"]).order_by("turn").values_list("turn", flat=True)
        )
    changed = api.post(address, {"priority": -2}, format="json")
    assert (changed.status_code, changed.data["priority"]) == (200, -2)
    with staff():
        assert Execution.objects.get(pk=started.data["id"]).head_start == -120
        after = list(
            Backlog.objects.filter(execution=started.data["id"]).order_by("turn").values_list("turn", flat=True)
        )
    assert after == pytest.approx([turn + 300 for turn in before])
    assert api.post(address, {"priority": 11}, format="json").status_code == 422
    assert api.post(address, {}, format="json").status_code == 422


def test_a_run_that_is_over_has_no_priority_any_more(alice: User, api_of: ApiOf) -> None:
    with acting_as(alice.pk):
        execution = begin(alice, wide(1))[0]
        services.cancel_execution(actor=alice, execution=execution)
    refused = api_of(alice).post(f"/api/v1/executions/{execution.pk}/priority/", {"priority": 1}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "execution_over")


def test_a_plan_that_could_be_felt_is_a_pool_nobody_changes(
    alice: User, organization: Organization, api_of: ApiOf
) -> None:
    with staff():
        services.keep_plan_pools({organization.pk: 3})
        pool = Pool.objects.get(by_plan=True)
    refused = api_of(alice).patch(f"/api/v1/pools/{pool.pk}/", {"slots": 100}, format="json")
    assert refused.status_code == 422
    with staff():
        services.keep_plan_pools({})
        assert not Pool.objects.exists()
