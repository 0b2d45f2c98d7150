"""Forks, and the same change of many melodies."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Membership, Organization, User
from apps.core.tenancy import acting_as
from apps.melodies import services

from .test_api import HELLO, MELODIES, ApiOf, send

pytestmark = pytest.mark.django_db
BULK = f"{MELODIES}bulk/"


# -- forks ---------------------------------------------------------------------------------------------------------
def test_a_fork_remembers_where_it_comes_from(alice: User, bob: User, orchestra: Organization, api_of: ApiOf) -> None:
    accounts.add_member(actor=alice, organization=orchestra, user=bob, role="viewer")
    mine, his = api_of(alice), api_of(bob)
    original = send(mine, HELLO, f"{MELODIES}?organization={orchestra.slug}&path=a.yaml").json()
    mine.patch(original["url"], {"tags": ["a"]})
    mine.put(f"{original['url']}document/", HELLO.replace("Hello", "Bye"), content_type="application/yaml")
    answer = his.post(f"{original['url']}fork/", {"version": "1.0.0", "path": "b.yaml", "status": "draft"})
    assert answer.status_code == 201
    fork = answer.json()
    assert (fork["parent"], fork["forked_from_version"], fork["creation_source"]) == (original["id"], "1.0.0", "forked")
    assert (fork["tags"], fork["path"], fork["status"], fork["version"]["number"]) == (["a"], "b.yaml", "draft", 1)
    assert fork["version"]["change_summary"] == "Fork of version 1.0.0 of hello."
    assert his.get(fork["url"]).json() == fork
    assert his.get(original["url"]).json()["fork_count"] == 1
    # Alice may not see Bob's fork.
    assert mine.get(original["url"]).json()["fork_count"] == 0
    assert mine.get(fork["url"]).status_code == 404
    listed = his.get(f"{MELODIES}?parent={original['id']}").json()["results"]
    assert [melody["id"] for melody in listed] == [fork["id"]]


def test_a_fork_outlives_its_parent_and_tells_nothing_of_it(
    alice: User, bob: User, orchestra: Organization, api_of: ApiOf
) -> None:
    accounts.add_member(actor=alice, organization=orchestra, user=bob, role="member")
    mine, his = api_of(alice), api_of(bob)
    original = send(mine, HELLO, f"{MELODIES}?organization={orchestra.slug}").json()
    fork = his.post(f"{original['url']}fork/", {}).json()
    with acting_as(alice.pk):
        accounts.remove_member(actor=alice, membership=Membership.objects.get(organization=orchestra, user=bob))
    hidden = his.get(fork["url"]).json()
    assert (hidden["parent"], hidden["forked_from_version"]) == (None, None)
    assert mine.delete(original["url"]).status_code == 204
    assert his.get(fork["url"]).json()["parent"] is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"version": "9"}, 404),
        ({"organization": "nobodys"}, 404),
        ({"project": "00000000-0000-0000-0000-000000000000"}, 404),
        ({"path": "/abs.yaml"}, 422),
        ({"status": "archived"}, 422),
        ({"nmae": "x"}, 422),
        ({"version": "1\x00"}, 422),
    ],
)
def test_forks_that_cannot_be(alice: User, api_of: ApiOf, body: dict[str, Any], code: int) -> None:
    client = api_of(alice)
    original = send(client, HELLO).json()
    assert client.post(f"{original['url']}fork/", body).status_code == code
    assert len(client.get(MELODIES).json()["results"]) == 1


# -- many at once --------------------------------------------------------------------------------------------------
@pytest.fixture
def client(alice: User, api_of: ApiOf) -> APIClient:
    return api_of(alice)


@pytest.fixture
def three(client: APIClient) -> list[str]:
    return [send(client, HELLO.replace("name: hello", f"name: m{index}")).json()["id"] for index in range(3)]


def bulk(client: APIClient, action: str, **body: Any) -> Any:
    return client.post(BULK, {"action": action, **body})


def statuses(client: APIClient) -> list[str]:
    return [melody["status"] for melody in client.get(f"{MELODIES}?ordering=name").json()["results"]]


def test_every_action(client: APIClient, three: list[str], alice: User) -> None:
    home = client.get(f"{MELODIES}{three[0]}/").json()["organization"]
    project = client.post(f"/api/v1/organizations/{home}/projects/", {"name": "P"}).json()["id"]
    assert bulk(client, "tag", ids=three, tags=["Old Stuff"]).json() == {"matched": 3, "changed": 3, "dry_run": False}
    assert bulk(client, "tag", ids=three, tags=["old-stuff"]).json()["changed"] == 0
    assert bulk(client, "untag", ids=three[:1], tags=["old-stuff"]).json()["changed"] == 1
    assert bulk(client, "archive", filter={"tag": "old-stuff"}).json()["matched"] == 2
    assert statuses(client) == ["active", "archived", "archived"]
    assert bulk(client, "activate", filter={"status": "archived"}).json()["changed"] == 2
    assert bulk(client, "move", ids=three, project=project).json()["changed"] == 3
    assert len(client.get(f"{MELODIES}?project={project}").json()["results"]) == 3
    assert bulk(client, "move", ids=three[:1], project=None).json()["changed"] == 1
    assert bulk(client, "delete", ids=three[:2]).json()["changed"] == 2
    assert len(client.get(MELODIES).json()["results"]) == 1


def test_a_dry_run_changes_nothing(client: APIClient, three: list[str]) -> None:
    before = client.get(MELODIES).json()
    for action in ("archive", "delete"):
        answer = bulk(client, action, ids=three, dry_run=True).json()
        assert answer == {"matched": 3, "changed": 3, "dry_run": True}
    assert client.get(MELODIES).json() == before


def test_all_or_none(client: APIClient, three: list[str], bob: User, api_of: ApiOf) -> None:
    foreign = send(api_of(bob), HELLO).json()["id"]
    refused = bulk(client, "archive", ids=[*three, foreign])
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/ids/3"]
    assert client.post(f"{MELODIES}{three[1]}/executions/", {}).status_code == 201
    in_use = bulk(client, "delete", ids=three)
    assert (in_use.status_code, in_use.json()["code"]) == (409, "melody_in_use")
    full = [f"t{number}" for number in range(20)]
    client.patch(f"{MELODIES}{three[2]}/", {"tags": full})
    assert bulk(client, "tag", ids=three, tags=["one-more"]).json()["code"] == "invalid_tags"
    assert statuses(client) == ["active"] * 3
    assert client.get(f"{MELODIES}?tag=one-more").json()["results"] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "explode", "ids": []}, "/action"),
        ({"action": "archive"}, "/ids"),
        ({"action": "archive", "ids": [], "filter": {"status": "draft"}}, "/ids"),
        ({"action": "archive", "filter": {}}, "/filter"),
        ({"action": "archive", "filter": {"stauts": "draft"}}, "/filter/stauts"),
        ({"action": "archive", "filter": {"search": "x"}}, "/filter/search"),
        ({"action": "archive", "filter": {"status": "gone"}}, "/filter/status"),
        ({"action": "archive", "filter": {"project": "x"}}, "/filter/project"),
        ({"action": "archive", "filter": {"name": "a\x00"}}, "/filter/name"),
        ({"action": "tag", "ids": []}, "/tags"),
        ({"action": "move", "ids": []}, "/project"),
        ({"action": "archive", "ids": ["x"]}, "/ids/0"),
        ({"action": "archive", "ids": [], "tgas": []}, "/tgas"),
    ],
)
def test_requests_that_mean_nothing(client: APIClient, body: Any, pointer: str) -> None:
    refused = client.post(BULK, body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


def test_no_more_than_it_can(client: APIClient, three: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.bulk, "MOST_AT_ONCE", 2)
    refused = bulk(client, "archive", filter={"status": "active"})
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_melodies")


def test_more_melodies_ask_no_more_questions(client: APIClient, three: list[str]) -> None:
    def questions(ids: list[str], tag: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert bulk(client, "tag", ids=ids, tags=[tag], dry_run=True).status_code == 200
        return sum("audit" not in query["sql"] for query in asked)

    assert questions(three, "a") == questions(three[:1], "b")
