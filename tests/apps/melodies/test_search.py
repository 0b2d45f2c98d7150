"""Finding melodies by words."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.accounts.models import Organization, User
from apps.melodies import searching
from apps.melodies.definition import canonical
from symphony import roles
from symphony.embedded import servers as embedded
from symphony.embedded.home import Home

from .test_api import MELODIES, ApiOf

pytestmark = pytest.mark.django_db


def make(client: APIClient, name: str, description: str = "", step: str = "only", **query: str) -> dict[str, Any]:
    workflow = {"name": name, "description": description, "steps": [{"name": step, "type": "test_echo"}]}
    asked = "&".join(f"{key}={value}" for key, value in query.items())
    answer = client.post(f"{MELODIES}?{asked}", {"workflow": workflow}, format="json")
    assert answer.status_code == 201, answer.json()
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
def client(alice: User, api_of: ApiOf) -> APIClient:
    return api_of(alice)


def found(client: APIClient, text: str, more: str = "") -> list[str]:
    answer = client.get(f"{MELODIES}?search={quote(text)}{more}")
    assert answer.status_code == 200, answer.json()
    return [melody["name"] for melody in answer.json()["results"]]


@pytest.fixture
def library(client: APIClient) -> None:
    make(client, "Nightly report", "Sums up what the reviewers have said.")
    make(client, "Code review", "Reads a pull request.", step="collect_files")
    tagged = make(client, "Cleaning", "Removes old branches.")
    client.patch(tagged["url"], {"tags": ["review"]})
    make(client, "Invoices", "Writes bills & < 5 'of' them", step="review_sums")


def test_the_best_first(client: APIClient, library: None) -> None:
    # Name before description before tag before the names of steps.
    assert found(client, "review") == ["Code review", "Nightly report", "Cleaning", "Invoices"]
    assert found(client, "reviewing") == ["Code review", "Nightly report", "Cleaning", "Invoices"]
    assert found(client, "-review") == []
    assert found(client, "REVIEW -code") == ["Nightly report", "Cleaning", "Invoices"]
    assert found(client, '"pull request"') == ["Code review"]
    assert found(client, "invoices or cleaning") == ["Invoices", "Cleaning"]
    assert found(client, "files") == ["Code review"]
    assert found(client, "review", "&ordering=name") == ["Cleaning", "Code review", "Invoices", "Nightly report"]
    assert found(client, "review", "&tag=review") == ["Cleaning"]


def test_slips_of_the_finger_and_beginnings(client: APIClient, library: None) -> None:
    assert found(client, "nigthly") == ["Nightly report"]
    assert found(client, "invoi") == ["Invoices"]
    assert found(client, "zebra") == []


def test_what_matches_is_marked_and_nothing_else_is_html(client: APIClient, library: None) -> None:
    first = client.get(f"{MELODIES}?search=bills").json()["results"][0]
    assert first["highlight"] == {
        "name": "Invoices",
        "description": "Writes <mark>bills</mark> &amp; &lt; 5 &#x27;of&#x27; them",
    }
    make(client, "forged", "this \ue000forged\ue001 mark")
    forged = client.get(f"{MELODIES}?search=forged").json()["results"][0]
    assert forged["highlight"] == {"name": "<mark>forged</mark>", "description": "this <mark>forged</mark> mark"}
    assert client.get(MELODIES).json()["results"][0]["highlight"] is None


def test_a_new_version_is_found_by_its_own_words(client: APIClient) -> None:
    melody = make(client, "first", step="alpha")
    workflow = {"workflow": {"name": "second", "steps": [{"name": "beta", "type": "test_echo"}]}}
    client.put(f"{melody['url']}document/", workflow, format="json")
    assert (found(client, "alpha"), found(client, "beta")) == ([], ["second"])


def test_pages_of_what_is_ranked(client: APIClient) -> None:
    for index in range(7):
        make(client, f"melody {'review ' * (index % 3 + 1)}{index}")
    whole = found(client, "review")
    url, seen = f"{MELODIES}?search=review&page_size=2", []
    while url:
        page = client.get(url).json()
        seen += [melody["name"] for melody in page["results"]]
        url = page["next"]
    assert seen == whole
    assert len(set(seen)) == 7


def test_only_so_many_are_ranked(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_RANKED", 2)
    for name in ("review", "review one", "review two"):
        make(client, name)
    assert sorted(found(client, "review")) == ["review", "review one", "review two"]
    assert sorted(found(client, "reviews")) == ["review one", "review two"]


def test_other_filters(client: APIClient, library: None, alice: User, orchestra: Organization) -> None:
    named = make(client, "with path", path="a.yaml", organization=orchestra.slug, status="draft")
    for query, names in (
        ("has_path=true", ["with path"]),
        (f"organization={orchestra.slug}", ["with path"]),
        (f"organization={orchestra.pk}", ["with path"]),
        ("organization=nobodys", []),
        ("status=draft", ["with path"]),
        ("creation_source=imported", []),
        (f"created_by={alice.pk}&has_path=true", ["with path"]),
        (f"updated_after={quote(named['updated_at'])}", ["with path"]),
    ):
        listed = client.get(f"{MELODIES}?{query}").json()["results"]
        assert [melody["name"] for melody in listed] == names, query
    for wrong in ("has_path=1", "created_by=x", "updated_after=soon", "tag=,", "pricing_tier=gold"):
        assert client.get(f"{MELODIES}?{wrong}").status_code == 422, wrong
    assert len(client.get(f"{MELODIES}?updated_before={quote(named['updated_at'])}").json()["results"]) == 4


HOSTILE = ["%", "'", '"', "\\", "!!", "& | ! ( )", "<->", "a:*", "':A", "*" * 200, "\u0000", "x" * 201, "\ue000", "\x7f",
           "-", "-- ;", " ", "\ud7ff", "the", "or or or", '"' * 99, "({[", "1 <-> 2", "%s %(x)s {0}"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_are_words(client: APIClient, text: str) -> None:
    make(client, "something")
    answer = client.get(MELODIES, {"search": text})
    assert answer.status_code in (200, 422)
    assert answer.status_code == 200 or ("\0" in text or len(text) > 200)


def test_any_words(client: APIClient) -> None:
    make(client, "something")

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40))
    def ask(text: str) -> None:
        assert client.get(MELODIES, {"search": text}).status_code == 200

    ask()


def test_cursors_that_are_made_up(client: APIClient, library: None) -> None:
    for names, texts in ((["-score", "-id"], ["nan", "x"]), (["-score", "-id"], ["x", "y"]), (["-score"], ["1"])):
        token = urlsafe_b64encode(canonical([names, texts])).decode()
        answer = client.get(f"{MELODIES}?search=review&cursor={token}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?cursor")


def test_a_stranger_finds_nothing(library: None, bob: User, api_of: ApiOf) -> None:
    stranger = api_of(bob)
    assert found(stranger, "review") == found(stranger, "nigthly") == []


def test_long_texts_are_searched_as_far_as_they_go(client: APIClient) -> None:
    make(client, "long", "word " * 100_000 + " ".join(f"w{number}" for number in range(100_000)))
    assert found(client, "word") == ["long"]


def test_a_longer_list_asks_no_more_questions(client: APIClient) -> None:
    def questions(query: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(f"{MELODIES}{query}").status_code == 200
        return len(asked)

    make(client, "review 0")
    few = questions(""), questions("?search=review")
    for index in range(1, 6):
        make(client, f"review {index}")
    assert (questions(""), questions("?search=review")) == few
    assert max(few) <= 15


def test_first_rows_of_several_organizations(client: APIClient, orchestra: Organization) -> None:
    for index in range(4):
        make(client, f"m{index}", **({"organization": orchestra.slug} if index % 2 else {}))
    for ordering, names in (("name", ["m0", "m1", "m2", "m3"]), ("-updated_at", ["m3", "m2", "m1", "m0"])):
        url, seen = f"{MELODIES}?ordering={ordering}&page_size=1", []
        while url:
            page = client.get(url).json()
            seen += [melody["name"] for melody in page["results"]]
            url = page["next"]
        assert seen == names


def test_the_planner_of_the_embedded_database_trusts_searches(tmp_path: Path) -> None:
    with embedded.running(Home(tmp_path / "home"), with_valkey=False) as servers:
        assert servers.postgres is not None
        for _ in range(2):
            owner = roles.create_owned_database(servers.postgres.url, Home(tmp_path / "home"))
        with closing(psycopg2.connect(owner)) as connected, connected.cursor() as cursor:
            for function in roles.SEARCHES:
                cursor.execute("SELECT proleakproof FROM pg_proc WHERE oid = %s::regprocedure", [function])
                assert cursor.fetchone() == (True,)
