"""The trail over REST: an organization's to its admins, one's own to everybody."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import services
from apps.accounts.events import personal_data_requested
from apps.accounts.models import Organization, Role, User
from apps.core.tenancy import acting_as
from apps.core.trail import leave_trace
from tests.apps.audit.kinds import ApiOf, NumQueries

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(alice: User, bob: User, orchestra: Organization) -> str:
    leave_trace("score.opened", actor=bob, organization=orchestra, target=orchestra)
    leave_trace("score.changed", actor=alice, organization=orchestra, before={"key": "c"}, after={"key": "d"})
    leave_trace("score.closed", organization=orchestra, correlation_id="run-1")
    leave_trace("scores.sold", actor=alice, organization=orchestra)
    return f"/api/v1/organizations/{orchestra.pk}/audit/"


def actions(client: APIClient, address: str, **query: str) -> list[str]:
    response = client.get(address, query)
    assert response.status_code == 200, response.content
    return [entry["action"] for entry in response.json()["results"] if entry["action"].startswith("score")]


def test_an_admin_reads_newest_first(
    address: str, alice: User, bob: User, orchestra: Organization, api_of: ApiOf
) -> None:
    services.add_member(actor=alice, organization=orchestra, user=bob, role=Role.ADMIN)
    for user in (alice, bob):
        assert actions(api_of(user), address) == ["scores.sold", "score.closed", "score.changed", "score.opened"]
    entry = api_of(alice).get(address, {"action": "score.changed"}).json()["results"][0]
    assert (entry["before"], entry["after"]) == ({"key": "c"}, {"key": "d"})
    assert entry["actor"]["email"] == "alice@example.org"


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_others_of_the_organization_do_not(
    role: str, address: str, alice: User, bob: User, orchestra: Organization, api_of: ApiOf
) -> None:
    services.add_member(actor=alice, organization=orchestra, user=bob, role=role)
    assert api_of(bob).get(address).status_code == 403


def test_to_strangers_there_is_none(address: str, carol: User, api_of: ApiOf) -> None:
    assert api_of(carol).get(address).status_code == 404
    assert APIClient().get(address).status_code == 401


def test_a_token_that_may_only_read_does_not(address: str, alice: User, web_role: None) -> None:
    _, secret = services.create_token(actor=alice, name="reader", scopes=["read"])
    assert APIClient(headers={"Authorization": f"Token {secret}"}).get(address).status_code == 403


def test_filters(address: str, alice: User, bob: User, orchestra: Organization, api_of: ApiOf) -> None:
    client = api_of(alice)
    assert actions(client, address, action="score.closed") == ["score.closed"]
    assert actions(client, address, action="score") == ["score.closed", "score.changed", "score.opened"]
    assert actions(client, address, actor=str(bob.pk)) == ["score.opened"]
    assert actions(client, address, correlation_id="run-1") == ["score.closed"]
    assert actions(client, address, target=str(orchestra.pk), actor=str(bob.pk)) == ["score.opened"]
    assert actions(client, address, target_type="accounts.organization", actor=str(bob.pk)) == ["score.opened"]
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    assert actions(client, address, occurred_after=tomorrow) == []
    assert len(actions(client, address, occurred_before=tomorrow)) == 4


@pytest.mark.parametrize(
    "query", ["actor=x", "occurred_after=soon", "action=%00", "actor_kind=ghost", "cursor=x", "page_size=0"]
)
def test_nonsense_is_refused(query: str, address: str, alice: User, api_of: ApiOf) -> None:
    response = api_of(alice).get(f"{address}?{query}")
    assert response.status_code in (400, 422), response.content
    assert response.headers["Content-Type"] == "application/problem+json"


def test_pages(address: str, alice: User, api_of: ApiOf, django_assert_max_num_queries: NumQueries) -> None:
    client = api_of(alice)
    page = client.get(address, {"page_size": 2, "action": "score"}).json()
    assert [entry["action"] for entry in page["results"]] == ["score.closed", "score.changed"]
    with django_assert_max_num_queries(16):
        rest = client.get(page["next"]).json()
    assert [entry["action"] for entry in rest["results"]] == ["score.opened"]


def test_ones_own_activity(address: str, alice: User, bob: User, orchestra: Organization, api_of: ApiOf) -> None:
    leave_trace("sign_in.failed", target=alice)
    assert {"score.changed", "scores.sold"} <= set(actions(api_of(alice), "/api/v1/users/me/activity/"))
    mine = api_of(alice).get("/api/v1/users/me/activity/", {"action": "sign_in"}).json()["results"]
    assert [entry["action"] for entry in mine] == ["sign_in.failed"]
    # Bob did something there and is no member (any more): it is the organization's.
    assert actions(api_of(bob), "/api/v1/users/me/activity/") == []
    assert APIClient().get("/api/v1/users/me/activity/").status_code == 401


def test_a_person_gets_their_activity_with_their_data(alice: User, bob: User, web_role: None) -> None:
    leave_trace("score.changed", actor=alice)
    leave_trace("score.changed", actor=bob)
    with acting_as(alice.pk):
        sections = dict(found for _, found in personal_data_requested.send(sender=None, user=alice) if found)
    mine = [entry for entry in sections["activity"] if entry["action"] == "score.changed"]
    assert len(mine) == 1
    json.dumps(sections["activity"])
