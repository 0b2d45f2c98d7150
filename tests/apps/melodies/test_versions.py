"""Versions: how they are numbered, what is different between them, and going back."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User

from .test_api import HELLO, ApiOf, send

pytestmark = pytest.mark.django_db

BYE = HELLO.replace("value: Hello", "value: Bye")
TWO = BYE + "    - name: more\n      type: test_echo\n      value: More\n"
RENAMED = TWO.replace("name: more", "name: rest")


def publish(client: APIClient, url: str, text: str, query: str = "", **headers: str) -> Any:
    return client.put(f"{url}document/{query}", text, content_type="application/yaml", headers=headers)


@pytest.fixture
def client(alice: User, api_of: ApiOf) -> APIClient:
    return api_of(alice)


@pytest.fixture
def url(client: APIClient) -> str:
    return str(send(client, HELLO).json()["url"])


def test_what_changes_says_how_much_the_number_grows(client: APIClient, url: str, alice: User) -> None:
    published = [publish(client, url, text).json() for text in (BYE, TWO, RENAMED, HELLO)]
    assert [version["semver"] for version in published] == ["1.0.1", "1.1.0", "2.0.0", "3.0.0"]
    assert [version["change_summary"] for version in published] == [
        'Step `greet`: value "Hello" is now "Bye".',
        "Step `more` (test_echo) added.",
        "Step `more`: renamed to `rest`.",
        'Step `rest` (test_echo) removed. Step `greet`: value "Bye" is now "Hello".',
    ]
    assert {version["created_by"] for version in published} == {str(alice.pk)}
    listed = client.get(f"{url}versions/").json()["results"]
    assert [version["semver"] for version in listed] == ["3.0.0", "2.0.0", "1.1.0", "1.0.1", "1.0.0"]


def test_an_author_may_say_number_and_summary(client: APIClient, url: str) -> None:
    said = publish(client, url, BYE, "?semver=4.2.0&change_summary=Friendlier.").json()
    assert (said["number"], said["semver"], said["change_summary"]) == (2, "4.2.0", "Friendlier.")
    assert publish(client, url, TWO).json()["semver"] == "4.3.0"


@pytest.mark.parametrize("query", ["semver=1.0.0", "semver=0.9.9", "semver=2", "semver=1.0.0-rc1", "semver=v2.0.0",
                                   "semver=1.0.9999999999", "semver=01.2.3", "semver=%00",
                                   "change_summary=a%00b", "change_summary=" + "x" * 2_001])  # fmt: skip
def test_numbers_and_summaries_that_cannot_be(client: APIClient, url: str, query: str) -> None:
    refused = publish(client, url, BYE, f"?{query}")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"
    assert len(client.get(f"{url}versions/").json()["results"]) == 1


def test_a_version_has_many_names(client: APIClient, url: str) -> None:
    publish(client, url, BYE)
    for name in ("2", "1.0.1", "latest"):
        found = client.get(f"{url}versions/{name}/")
        assert (found.json()["number"], found.headers["ETag"]) == (2, '"v2"')
    for name in ("3", "9.9.9", "x", "99999999999", "1.0.1%00", "-1", "٢"):
        assert client.get(f"{url}versions/{name}/").status_code == 404


def test_publishing_what_one_has_read(client: APIClient, url: str) -> None:
    late = publish(client, url, BYE, **{"If-Match": '"v7"'})
    assert (late.status_code, late.json()["code"], late.json()["version"]) == (412, "version_behind", 1)
    assert publish(client, url, BYE, **{"If-Match": "no tag"}).status_code == 412
    answer = publish(client, url, BYE, **{"If-Match": '"v1"'})
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"v2"')
    assert publish(client, url, TWO, **{"If-Match": "*"}).status_code == 201


def test_the_difference(client: APIClient, url: str) -> None:
    publish(client, url, TWO)
    found = client.get(f"{url}versions/1/diff/latest/").json()
    assert (found["before"], found["after"]) == (
        {"number": 1, "semver": "1.0.0"}, {"number": 2, "semver": "1.1.0"},
    )  # fmt: skip
    assert found["weight"] == "minor"
    assert found["counts"] == {
        "steps_added": 1, "steps_removed": 0, "steps_renamed": 0, "steps_moved": 0, "steps_changed": 1,
        "connections_added": 0, "connections_removed": 0, "workflow_changed": 0,
    }  # fmt: skip
    assert found["steps_added"] == [{"names": ["more"], "type": "test_echo", "pointer": "/workflow/steps/1"}]
    assert found["steps_changed"][0]["changes"] == [
        {"op": "replace", "pointer": "/value", "before": "Hello", "after": "Bye"}
    ]
    assert not found["truncated"]
    assert "-      value: Hello\n+      value: Bye\n" in found["text"]
    nothing = client.get(f"{url}versions/2/diff/1.1.0/").json()
    assert (nothing["summary"], nothing["text"], set(nothing["counts"].values())) == ([], "", {0})


def test_going_back(client: APIClient, url: str) -> None:
    publish(client, url, BYE)
    publish(client, url, TWO)
    restored = client.post(f"{url}versions/1.0.0/restore/")
    assert restored.status_code == 201
    version = restored.json()
    assert (version["number"], version["semver"]) == (4, "2.0.0")
    assert version["change_summary"] == "Says again what version 1 (1.0.0) said."
    assert version["sha256"] == client.get(f"{url}versions/1/").json()["sha256"]
    again = client.post(f"{url}versions/1/restore/")
    assert (again.status_code, again.json()["number"]) == (200, 4)
    assert client.post(f"{url}versions/2/restore/", headers={"If-Match": '"v3"'}).status_code == 412


def test_the_same_key_restores_once(client: APIClient, url: str) -> None:
    publish(client, url, BYE)
    answers = [client.post(f"{url}versions/1/restore/", headers={"Idempotency-Key": "k"}).json() for _ in range(2)]
    assert answers[0] == answers[1]


def test_after_the_last_number_a_part_before_it_has_to_grow(client: APIClient, url: str) -> None:
    assert publish(client, url, TWO, "?semver=999999999.999999999.999999999").status_code == 201
    refused = publish(client, url, BYE)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_semver")
    assert "999999999" in refused.json()["detail"]


def test_numbers_of_up_to_nine_digits_go_on(client: APIClient, url: str) -> None:
    assert publish(client, url, TWO, "?semver=123456.0.0").status_code == 201
    after = publish(client, url, BYE)
    assert (after.status_code, after.json()["semver"]) == (201, "123457.0.0")
