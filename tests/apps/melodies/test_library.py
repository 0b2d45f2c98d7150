"""What stands beside the documents: status, tags, project, and who changes them at the same time."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as
from apps.core.trail import traced
from apps.melodies import services
from apps.melodies.models import Melody, MelodyStatus, MelodyVersion
from apps.melodies.receivers import delete_own_melodies, tell_melodies

from .test_api import HELLO, MELODIES, ApiOf, send

pytestmark = pytest.mark.django_db
HomeOf = Callable[[User], Organization]


def patch(client: APIClient, url: str, body: Any, **headers: str) -> Any:
    return client.patch(url, json.dumps(body), content_type="application/json", headers=headers)


@pytest.fixture
def traces() -> Any:
    """What services have left on the trail, as (action, before, after)."""
    seen: list[tuple[str, Any, Any]] = []

    def keep(action: str, before: Any, after: Any, **_: Any) -> None:
        seen.append((action, before, after))

    traced.connect(keep, weak=False, dispatch_uid="test.traces")
    yield seen
    traced.disconnect(dispatch_uid="test.traces")


# -- status --------------------------------------------------------------------------------------------------------
def test_from_draft_to_archive_and_back(alice: User, api_of: ApiOf, traces: list[Any]) -> None:
    client = api_of(alice)
    melody = send(client, HELLO, f"{MELODIES}?status=draft").json()
    assert (melody["status"], melody["published_at"]) == ("draft", None)
    url = melody["url"]
    assert patch(client, url, {"status": "archived"}).json()["published_at"] is None
    assert patch(client, url, {"status": "draft"}).status_code == 200
    active = patch(client, url, {"status": "active"}).json()
    assert active["status"] == "active"
    assert active["published_at"] is not None
    back = patch(client, url, {"status": "draft"})
    assert (back.status_code, back.json()["code"]) == (409, "status_move")
    archived = patch(client, url, {"status": "archived"}).json()
    assert archived["published_at"] == active["published_at"]
    assert patch(client, url, {"status": "draft"}).status_code == 409
    assert patch(client, url, {"status": "active"}).json()["published_at"] == active["published_at"]
    changes = [entry for entry in traces if entry[0] == "melody.changed"]
    assert [after["status"] for _, _, after in changes] == ["archived", "draft", "active", "archived", "active"]
    assert changes[0][1] == {"status": "draft"}


def test_an_archived_melody_gets_no_versions(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    url = send(client, HELLO).json()["url"]
    patch(client, url, {"status": "archived"})
    refused = client.put(f"{url}document/", HELLO.replace("Hello", "Bye"), content_type="application/yaml")
    assert (refused.status_code, refused.json()["code"]) == (409, "melody_archived")
    assert client.get(f"{url}versions/").json()["results"][0]["number"] == 1


def test_the_database_knows_what_a_status_means(alice: User, home_of: HomeOf) -> None:
    melody = {"organization": home_of(alice), "name": "x", "created_by": alice}
    for wrong in (
        {"status": "draft"},
        {"status": "active", "published_at": None},
        {"status": "gone"},
        {"tags": [str(number) for number in range(21)]},
        {"creation_source": "found"},
        {"pricing_tier": "gold"},
    ):
        with pytest.raises(IntegrityError), acting_as(alice.pk), transaction.atomic():
            Melody.objects.create(**melody | wrong)


# -- fields --------------------------------------------------------------------------------------------------------
def test_tags_have_one_spelling(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    melody = send(client, HELLO.replace("  steps:", "  tags: [Nightly, Nightly, 7, 'a,b']\n  steps:")).json()
    assert melody["tags"] == ["nightly"]
    change = {"tags": ["Code  Review", "code-review", "ÄRGER", " x_y "], "pricing_tier": "premium",
              "compatible_extensions": ["ext-1", " ext-1 ", "ext-2"]}  # fmt: skip
    answer = patch(client, melody["url"], change).json()
    assert answer["tags"] == ["code-review", "x-y", "ärger"]
    assert (answer["pricing_tier"], answer["compatible_extensions"]) == ("premium", ["ext-1", "ext-2"])
    assert answer["creation_source"] == "user_created"
    assert client.get(f"{MELODIES}?tag=Code Review,x-y").json()["results"][0]["id"] == melody["id"]
    assert client.get(f"{MELODIES}?tag=code-review,other").json()["results"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"tags": [""]},
        {"tags": ["x" * 51]},
        {"tags": [f"t{number}" for number in range(21)]},
        {"tags": ["a,b"]},
        {"tags": ["a\x00b"]},
        {"tags": ["\ud800"]},
        {"tags": "review"},
        {"compatible_extensions": ["x" * 201]},
        {"compatible_extensions": [""]},
        {"pricing_tier": "gold"},
        {"status": "gone"},
        {"name": "x"},
        {"project": "no-uuid"},
    ],
)
def test_what_cannot_be_is_refused_where_it_stands(alice: User, api_of: ApiOf, change: dict[str, Any]) -> None:
    client = api_of(alice)
    url = send(client, HELLO).json()["url"]
    before = client.get(url).json()
    refused = patch(client, url, change)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"].startswith(f"/{next(iter(change))}")
    assert client.get(url).json() == before


# -- two at once ---------------------------------------------------------------------------------------------------
def test_etags(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    created = send(client, HELLO)
    url, tag = created.json()["url"], created.headers["ETag"]
    assert client.get(url).headers["ETag"] == tag
    changed = patch(client, url, {"tags": ["a"]}, **{"If-Match": f'"other", W/{tag}'})
    assert changed.status_code == 200
    assert changed.headers["ETag"] == client.get(url).headers["ETag"] != tag
    late = patch(client, url, {"tags": ["b"]}, **{"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert late.json()["etag"] == changed.headers["ETag"]
    assert client.delete(url, headers={"If-Match": tag}).status_code == 412
    assert client.get(url).json()["tags"] == ["a"]
    assert patch(client, url, {"tags": ["b"]}, **{"If-Match": "*"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_editors_one_is_told() -> None:
    alice = accounts.create_user(email="alice@example.org", password=None)
    _, secret = accounts.create_token(actor=alice, name="test")
    client = APIClient(headers={"Authorization": f"Token {secret}"})
    created = send(client, HELLO)
    url, tag, start = created.json()["url"], created.headers["ETag"], Barrier(4)

    def edit(index: int) -> tuple[int, int]:
        try:
            mine = APIClient(headers={"Authorization": f"Token {secret}"})
            start.wait(timeout=20)
            patched = mine.patch(url, {"tags": [f"t{index}"]}, headers={"If-Match": tag})
            document = HELLO.replace("Hello", f"Hello {index}")
            published = mine.put(
                f"{url}document/", document, content_type="application/yaml", headers={"If-Match": '"v1"'}
            )
            return patched.status_code, published.status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        codes = list(threads.map(edit, range(4)))
    assert sorted(code for code, _ in codes) == [200, 412, 412, 412]
    assert sorted(code for _, code in codes) == [201, 412, 412, 412]
    assert client.get(url).json()["tags"] == [f"t{[code for code, _ in codes].index(200)}"]


# -- deleting ------------------------------------------------------------------------------------------------------
def test_deleting_takes_versions_and_rows_along(alice: User, api_of: ApiOf, traces: list[Any]) -> None:
    client = api_of(alice)
    url = send(client, HELLO).json()["url"]
    client.post(f"{url}graph/import/")
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404
    with acting_as(alice.pk):
        assert not MelodyVersion.objects.exists()
    assert traces[-1][0] == "melody.deleted"


def test_a_melody_with_runs_stays(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    melody = send(client, HELLO).json()
    assert client.post(f"{melody['url']}executions/", {}).status_code == 201
    refused = client.delete(melody["url"])
    assert (refused.status_code, refused.json()["code"]) == (409, "melody_in_use")
    assert client.get(f"{melody['url']}versions/1/").status_code == 200


def test_a_version_cannot_be_deleted_by_itself(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    send(client, HELLO)
    with acting_as(alice.pk), pytest.raises(Exception, match="permission denied"), transaction.atomic():
        MelodyVersion.objects.all().delete()


# -- who may -------------------------------------------------------------------------------------------------------
def test_a_viewer_reads_and_a_stranger_sees_nothing(
    alice: User, bob: User, carol: User, orchestra: Organization, api_of: ApiOf
) -> None:
    accounts.add_member(actor=alice, organization=orchestra, user=bob, role="viewer")
    melody = send(api_of(alice), HELLO, f"{MELODIES}?organization={orchestra.slug}").json()
    url = melody["url"]
    viewer, stranger = api_of(bob), api_of(carol)
    etag = viewer.get(url).headers["ETag"]
    bulk = {"action": "archive", "ids": [melody["id"]]}
    for client, code in ((viewer, 403), (stranger, 404)):
        assert patch(client, url, {"tags": ["x"]}, **{"If-Match": etag}).status_code == code
        assert client.delete(url).status_code == code
        assert client.post(f"{url}versions/1/restore/").status_code == code
        assert client.post(f"{MELODIES}bulk/", bulk).status_code == (code if code == 403 else 422)
    assert stranger.get(f"{url}versions/1/diff/1/").status_code == 404
    assert stranger.post(f"{url}fork/", {}).status_code == 404
    assert viewer.post(f"{url}fork/", {"organization": orchestra.slug}).status_code == 403
    assert viewer.post(f"{url}fork/", {}).status_code == 201
    with acting_as(alice.pk):
        assert Melody.objects.get(pk=melody["id"]).status == MelodyStatus.ACTIVE


def test_services_ask_too(alice: User, bob: User, api_of: ApiOf) -> None:
    melody = send(api_of(alice), HELLO).json()
    with acting_as(alice.pk):
        row = Melody.objects.get(pk=melody["id"])
        assert row.organization
    with acting_as(bob.pk), pytest.raises(Exception, match="no such"):
        services.change_melody(actor=bob, melody=row, tags=["mine"])


# -- people --------------------------------------------------------------------------------------------------------
def test_what_is_kept_of_a_person_and_what_goes_with_them(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    melodies = [send(client, HELLO.replace("name: hello", f"name: m{index}")).json() for index in range(5)]
    client.post(f"{melodies[3]['url']}executions/", {})
    with acting_as(alice.pk):
        told = tell_melodies(user=alice)[1]
        assert [row["name"] for row in told["created"]] == [f"m{index}" for index in range(5)]
        assert len(told["published"]) == 5
        home = Organization.objects.get(pk=melodies[0]["organization"])
        kept = delete_own_melodies(user=alice, personal_organization=home)
        assert kept[1].startswith("1 melodies of your own stay")
        assert list(Melody.objects.values_list("name", "status")) == [("m3", "archived")]
