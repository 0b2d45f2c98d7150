"""The names by which a `pipeline_file` finds a melody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, working_for
from apps.executions import ledger
from apps.melodies import queries, services
from apps.melodies.errors import MelodyNotFound
from apps.melodies.models import Melody, MelodyStatus
from apps.projects import services as projects
from tests.conftest import database_role

pytestmark = pytest.mark.django_db
ApiOf = Callable[[User], APIClient]
HomeOf = Callable[[User], Organization]

MELODIES = "/api/v1/melodies/"
HELLO = "workflow: {name: hello, steps: [{name: greet, type: test_echo, value: Hello}]}"
OTHER = "workflow: {name: other, steps: [{name: greet, type: test_echo, value: Hello}]}"


def send(client: APIClient, query: str = "", text: str = HELLO) -> Any:
    return client.post(f"{MELODIES}{query}", text, content_type="application/yaml")


def change(client: APIClient, address: str, value: Any) -> Any:
    return client.patch(address, value, format="json")


def test_a_melody_is_created_under_a_path(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    made = send(client, "?path=./pipelines//child.yaml")
    assert (made.status_code, made.json()["path"]) == (201, "pipelines/child.yaml")
    (found,) = client.get(f"{MELODIES}?path=pipelines/child.yaml").json()["results"]
    assert found["id"] == made.json()["id"]
    assert send(client).json()["path"] is None


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.yaml", "a%5Cb.yaml", "C:/a.yaml", ""])
def test_what_is_no_path_is_refused(alice: User, api_of: ApiOf, path: str) -> None:
    client = api_of(alice)
    refused = send(client, f"?path={path}")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_path")
    assert not Melody.objects.exists()


def test_a_path_is_taken_once_in_an_organization(
    alice: User, bob: User, orchestra: Organization, api_of: ApiOf
) -> None:
    client = api_of(alice)
    first = send(client, "?path=a.yaml").json()
    taken = send(client, "?path=./a.yaml")
    assert (taken.status_code, taken.json()["code"], taken.json()["melody"]) == (409, "path_taken", first["id"])
    assert send(client, f"?path=a.yaml&organization={orchestra.slug}").status_code == 201
    assert send(api_of(bob), "?path=a.yaml").status_code == 201


def test_a_path_can_be_given_moved_and_taken_away(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    one, two = send(client).json(), send(client).json()
    assert change(client, one["url"], {"path": "a.yaml"}).json()["path"] == "a.yaml"
    assert change(client, one["url"], {"path": "./a.yaml"}).status_code == 200
    assert change(client, two["url"], {"path": "a.yaml"}).json()["code"] == "path_taken"
    assert change(client, one["url"], {"path": None}).json()["path"] is None
    assert change(client, two["url"], {"path": "a.yaml"}).json()["path"] == "a.yaml"
    assert change(client, two["url"], {}).json()["path"] == "a.yaml"
    refused = change(client, two["url"], {"name": "x"})
    assert (refused.status_code, client.get(two["url"]).json()["name"]) == (422, "hello")


def create(actor: User, organization: Organization, source: str = HELLO, path: str | None = None) -> Melody:
    with acting_as(actor.pk):
        return services.create_melody(
            actor=actor, organization=organization, source=source, media="yaml", path=path
        ).melody


def test_the_database_keeps_paths_apart(alice: User, home_of: HomeOf) -> None:
    assert create(alice, home_of(alice), path="a.yaml").path == "a.yaml"
    with pytest.raises(IntegrityError), acting_as(alice.pk):
        Melody.objects.create(organization=home_of(alice), name="x", path="a.yaml", created_by=alice)


def test_publishing_at_a_path_makes_or_continues_a_melody(alice: User, home_of: HomeOf) -> None:
    def publish(source: str) -> Any:
        with acting_as(alice.pk):
            return services.publish_at(
                actor=alice, organization=home_of(alice), path="./a.yaml", source=source, media="yaml"
            )

    first, again, second = publish(HELLO), publish(HELLO), publish(OTHER)
    assert first == again
    assert (first.melody_id, second.number) == (second.melody_id, 2)


def named(organization_id: UUID, name_or_id: str) -> UUID | None:
    """The melody that a `pipeline_ref` of this organization means."""
    found = ledger.melody(str(organization_id), name=name_or_id)
    return None if found is None else UUID(found[1])


def test_a_worker_finds_melodies_of_its_organization_only(alice: User, bob: User, home_of: HomeOf) -> None:
    mine, strange = (create(who, home_of(who), path="a.yaml") for who in (alice, bob))
    home = home_of(alice).pk
    with database_role("symphony_worker"), working_for(home):
        assert queries.melody_at(home, "./b/../a.yaml") == mine
        assert queries.melody_at(home, "b.yaml") is None
        assert queries.melody_at(home, "/a.yaml") is None
        assert named(home, "hello") == mine.pk
        assert named(home, str(mine.pk)) == mine.pk
        assert named(home, str(strange.pk)) is None
        assert queries.melody_at(strange.organization_id, "a.yaml") is None
        assert queries.version_of(mine).document == queries.version_of(mine, 1).document
        with pytest.raises(MelodyNotFound, match="no version 7"):
            queries.version_of(mine, 7)


def test_the_newest_of_a_name_that_is_not_archived(alice: User, home_of: HomeOf) -> None:
    home = home_of(alice)
    old, new = (create(alice, home) for _ in range(2))
    with acting_as(alice.pk):
        assert named(home.pk, "hello") == new.pk
        Melody.objects.filter(pk=new.pk).update(status=MelodyStatus.ARCHIVED)
        assert named(home.pk, "hello") == old.pk
        assert named(home.pk, str(new.pk)) == new.pk
        assert named(home.pk, "nobody") is None


def test_a_melody_belongs_to_a_project(
    alice: User, bob: User, orchestra: Organization, home_of: HomeOf, api_of: ApiOf
) -> None:
    with acting_as(alice.pk):
        mine = projects.create_project(actor=alice, organization=home_of(alice), name="Mine")
        other = projects.create_project(actor=alice, organization=orchestra, name="Other")
    with acting_as(bob.pk):
        strange = projects.create_project(actor=bob, organization=home_of(bob), name="Strange")
    client = api_of(alice)
    made = send(client, f"?project={mine.pk}").json()
    assert made["project"] == str(mine.pk)
    assert [row["id"] for row in client.get(f"{MELODIES}?project={mine.pk}").json()["results"]] == [made["id"]]
    assert send(client, f"?project={other.pk}").json()["code"] == "project_elsewhere"
    assert send(client, f"?project={strange.pk}").status_code == 404
    assert send(client, "?project=mine").status_code == 422
    assert change(client, made["url"], {"project": str(other.pk)}).json()["code"] == "project_elsewhere"
    assert change(client, made["url"], {"project": str(strange.pk)}).status_code == 404
    assert change(client, made["url"], {"project": None}).json()["project"] is None
    assert change(client, made["url"], {"project": str(mine.pk), "path": "a.yaml"}).json()["path"] == "a.yaml"
    with acting_as(alice.pk):
        projects.delete_project(actor=alice, project=mine)
    assert client.get(made["url"]).json()["project"] is None


def test_a_viewer_and_a_stranger(alice: User, bob: User, carol: User, orchestra: Organization, api_of: ApiOf) -> None:
    with acting_as(alice.pk):
        accounts.add_member(actor=alice, organization=orchestra, user=carol, role="viewer")
    made = send(api_of(alice), f"?organization={orchestra.slug}&path=a.yaml").json()
    for who, code in ((bob, 404), (carol, 403)):
        assert change(api_of(who), made["url"], {"path": "b.yaml"}).status_code == code
    assert api_of(alice).get(made["url"]).json()["path"] == "a.yaml"
