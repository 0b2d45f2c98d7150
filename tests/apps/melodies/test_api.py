from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.melodies.api import parsers
from apps.melodies.models import Melody, MelodyVersion

pytestmark = pytest.mark.django_db
ApiOf = Callable[[User], APIClient]

MELODIES = "/api/v1/melodies/"
HELLO = """\
workflow:
  name: hello
  description: Says hello.
  steps:
    - name: greet
      type: test_echo
      value: Hello
"""
HELLO_JSON = json.dumps(
    {
        "workflow": {
            "name": "hello",
            "description": "Says hello.",
            "steps": [{"name": "greet", "type": "test_echo", "value": "Hello"}],
        }
    }
)
MISSPELT = HELLO.replace("value:", "valeu:").replace("test_echo", "test_eco")


def send(
    client: APIClient, text: str | bytes, address: str = MELODIES, kind: str = "application/yaml", **more: Any
) -> Any:
    return client.post(address, text, content_type=kind, **more)


def test_create_from_yaml(alice: User, api_of: ApiOf, home_of: Callable[[User], Organization]) -> None:
    client = api_of(alice)
    response = send(client, HELLO)
    melody = response.json()
    assert response.status_code == 201
    assert melody["name"] == "hello"
    assert melody["description"] == "Says hello."
    assert melody["status"] == "active"
    assert melody["organization"] == str(home_of(alice).pk)
    assert melody["url"] == response.headers["Location"] == f"http://testserver{MELODIES}{melody['id']}/"
    version = melody["version"]
    assert (version["number"], version["step_count"], len(version["sha256"])) == (1, 1, 64)
    assert client.get(melody["url"]).json() == melody


@pytest.mark.parametrize(
    "kind", ["application/yaml", "text/yaml", "application/x-yaml", "application/yaml; charset=utf-8"]
)
def test_all_the_names_of_yaml(alice: User, api_of: ApiOf, kind: str) -> None:
    assert send(api_of(alice), HELLO, kind=kind).status_code == 201


def test_json_and_yaml_are_the_same_document(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    hashes = {
        send(client, HELLO).json()["version"]["sha256"],
        send(client, HELLO_JSON, kind="application/json").json()["version"]["sha256"],
    }
    assert len(hashes) == 1


def test_create_in_an_organization(alice: User, bob: User, orchestra: Organization, api_of: ApiOf) -> None:
    for reference in (orchestra.slug, str(orchestra.pk)):
        made = send(api_of(alice), HELLO, f"{MELODIES}?organization={reference}")
        assert made.json()["organization"] == str(orchestra.pk)
    refused = send(api_of(bob), HELLO, f"{MELODIES}?organization={orchestra.slug}")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


def test_every_problem_at_once_with_its_place(alice: User, api_of: ApiOf) -> None:
    response = send(api_of(alice), "workflow:\n  nme: hello\n  steps:\n    - name: greet\n      type: test_eco\n")
    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "invalid_melody")
    assert response.headers["Content-Type"] == "application/problem+json"
    by_pointer = {error["pointer"]: error for error in problem["errors"]}
    assert {"/workflow/nme", "/workflow/steps/0/type"} <= by_pointer.keys()
    misspelt = by_pointer["/workflow/steps/0/type"]
    assert (misspelt["line"], misspelt["suggestion"]) == (5, "test_echo")
    assert misspelt["column"]
    assert not Melody.objects.exists()


def test_text_that_is_not_utf8_says_where(alice: User, api_of: ApiOf) -> None:
    response = send(api_of(alice), b"workflow:\n  name: caf\xe9\n")
    (error,) = response.json()["errors"]
    assert (response.status_code, error["code"], error["line"], error["column"]) == (422, "encoding", 2, 12)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"\0", b"[" * 100_000, b"{", b"&a [*a]", b"- " * 5000])
def test_no_body_breaks_it(alice: User, api_of: ApiOf, body: bytes) -> None:
    for kind in ("application/yaml", "application/json"):
        response = send(api_of(alice), body, kind=kind)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_melody")
        assert response.json()["errors"]


def test_what_is_no_document_is_refused_with_advice(alice: User, api_of: ApiOf) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
        response = send(api_of(alice), HELLO, kind=kind)
        assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
        assert "--data-binary" in response.json()["detail"]


def test_too_large_a_document_is_not_read(alice: User, api_of: ApiOf) -> None:
    response = send(api_of(alice), b"#" * (parsers.MAX_BYTES + 1))
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_the_same_key_creates_once(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    first = send(client, HELLO, headers={"Idempotency-Key": "one"})
    again = send(client, HELLO, headers={"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert first.json() == again.json()
    assert Melody.objects.count() == 1
    other = send(client, HELLO_JSON, kind="application/json", headers={"Idempotency-Key": "one"})
    assert other.status_code == 422


def test_a_new_document_is_the_next_version(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    melody = send(client, HELLO).json()
    changed = HELLO.replace("name: hello", "name: hello again")
    for address, method in ((f"{melody['url']}versions/", client.post), (f"{melody['url']}document/", client.put)):
        method(address, changed, content_type="application/yaml")
    assert client.get(melody["url"]).json()["name"] == "hello again"
    versions = client.get(f"{melody['url']}versions/").json()
    assert [version["number"] for version in versions["results"]] == [2, 1]
    assert versions["next"] is None
    one = client.get(f"{melody['url']}versions/1/").json()
    assert (one["source"], one["media_type"], one["sha256"]) == (HELLO, "application/yaml", melody["version"]["sha256"])
    assert one["document"] == json.loads(HELLO_JSON)
    missing = client.get(f"{melody['url']}versions/3/")
    assert (missing.status_code, missing.json()["code"]) == (404, "melody_not_found")


def test_the_same_document_publishes_nothing(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    melody = send(client, HELLO).json()
    put = client.put(f"{melody['url']}document/", HELLO_JSON, content_type="application/json")
    assert (put.status_code, put.json()) == (200, melody["version"])
    bad = client.put(f"{melody['url']}document/", MISSPELT, content_type="application/yaml")
    assert bad.status_code == 422
    assert MelodyVersion.objects.count() == 1


def test_validate_keeps_nothing(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    good = send(client, HELLO, f"{MELODIES}validate/")
    valid = {"valid": True, "name": "hello", "steps": 1, "mode": "order", "warnings": []}
    assert (good.status_code, good.json()) == (200, valid)
    bad = send(client, MISSPELT, f"{MELODIES}validate/")
    assert (bad.status_code, bad.json()["valid"]) == (200, False)
    assert bad.json()["errors"][0]["suggestion"] == "test_echo"
    looked_at = send(client, HELLO.replace("name: hello", "name: Hello!"), f"{MELODIES}validate/").json()
    (warning,) = looked_at["warnings"]
    assert (looked_at["valid"], warning["code"], warning["severity"], warning["line"]) == (
        True, "workflow_name", "warning", 2,
    )  # fmt: skip
    assert not Melody.objects.exists()


def test_older_forms_are_stored_as_they_were_sent(alice: User, api_of: ApiOf) -> None:
    """Nothing is migrated behind anybody's back: what runs is what was sent, and the warning says how to write it now."""
    client = api_of(alice)
    old = HELLO.replace("value: Hello", "on_error: continue  # as we used to")
    checked = send(client, old, f"{MELODIES}validate/").json()
    assert [warning["code"] for warning in checked["warnings"]] == ["outdated_form"]
    made = send(client, old)
    assert made.status_code == 201
    version = client.get(f"{made.json()['url']}versions/1/").json()
    assert version["source"] == old
    assert version["document"]["workflow"]["steps"][0]["on_error"] == "continue"


def test_list_filter_order_and_pages(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    for name in ("Violin", "viola", "Cello"):
        send(client, HELLO.replace("name: hello", f"name: {name}"))

    def names(query: str) -> list[str]:
        return [melody["name"] for melody in client.get(f"{MELODIES}{query}").json()["results"]]

    assert names("") == ["Cello", "viola", "Violin"]
    assert names("?name=vio&ordering=created_at") == ["Violin", "viola"]
    assert names("?status=archived") == []
    assert client.get(f"{MELODIES}?status=loud").status_code == 422
    page = client.get(f"{MELODIES}?page_size=2&ordering=name").json()
    rest = client.get(page["next"]).json()
    assert len(page["results"] + rest["results"]) == 3
    assert rest["next"] is None


def test_a_longer_list_asks_no_more_questions(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    counts = []
    for _ in range(2):
        for number in range(3):
            send(client, HELLO.replace("Hello", f"Hello {number}"))
        with CaptureQueriesContext(connection) as queries:
            client.get(MELODIES)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 13


def test_without_a_slash_it_works_too(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    made = send(client, HELLO, "/api/v1/melodies")
    assert made.status_code == 201
    assert client.get(made.json()["url"].removesuffix("/")).status_code == 200
    nowhere = client.post("/api/v1/melody", HELLO, content_type="application/yaml")
    assert (nowhere.status_code, nowhere.headers["Content-Type"]) == (404, "application/problem+json")


def test_a_token_that_may_only_read(alice: User, api_of: ApiOf) -> None:
    _, secret = accounts.create_token(actor=alice, name="reader", scopes=["read"])
    reader = APIClient(headers={"Authorization": f"Token {secret}"})
    assert reader.get(MELODIES).status_code == 200
    assert send(reader, HELLO).status_code == 403
