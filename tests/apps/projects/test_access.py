"""Projects that are restricted, and who is named in them, over the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, Team, TeamMembership, User
from apps.core.tenancy import acting_as, staff
from apps.core.trail import traced
from apps.projects import services
from apps.projects.errors import AccessNotFound
from apps.projects.models import Project, ProjectAccess

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("web_role")]
ApiOf = Callable[[User], APIClient]


@pytest.fixture
def cast(alice: User, bob: User, carol: User, orchestra: Organization) -> None:
    """Bob is a member of Alice's orchestra, Carol a viewer."""
    with acting_as(alice.pk):
        accounts.add_member(actor=alice, organization=orchestra, user=bob, role="member")
        accounts.add_member(actor=alice, organization=orchestra, user=carol, role="viewer")


def call(client: APIClient, method: str, address: str, body: Any = None, **more: Any) -> Any:
    return getattr(client, method)(f"/api/v1/{address}", body, format="json", **more)


@pytest.fixture
def restricted(alice: User, project: Project) -> Project:
    with acting_as(alice.pk):
        return services.update_project(actor=alice, project=project, access="restricted")


@pytest.mark.usefixtures("cast")
def test_a_restricted_project_does_not_exist_for_others(
    alice: User, bob: User, orchestra: Organization, restricted: Project, api_of: ApiOf
) -> None:
    client, listing = api_of(bob), f"organizations/{orchestra.pk}/projects/"
    one = f"projects/{restricted.pk}/"
    assert call(client, "get", listing).json()["results"] == []
    for address in (one, f"{one}access/", f"{one}members/", f"{one}secrets/", f"{one}variables/"):
        answer = call(client, "get", address)
        assert (answer.status_code, answer.json()["code"]) == (404, "project_not_found"), address
    named = call(api_of(alice), "post", f"{one}access/", {"user": str(bob.pk), "role": "viewer"})
    assert (named.status_code, named.json()["user"]["id"], named.json()["team"]) == (201, str(bob.pk), None)
    assert [each["id"] for each in call(client, "get", listing).json()["results"]] == [str(restricted.pk)]
    assert call(client, "get", one).status_code == 200
    refused = call(client, "patch", one, {"description": "New"})
    assert (refused.status_code, "viewer in the project" in refused.json()["detail"]) == (403, True)
    role = call(api_of(alice), "patch", f"{one}access/{named.json()['id']}/", {"role": "member"})
    assert role.json()["role"] == "member"
    assert call(client, "patch", one, {"description": "New"}).status_code == 200


@pytest.mark.usefixtures("cast")
def test_by_a_team(alice: User, bob: User, orchestra: Organization, restricted: Project, api_of: ApiOf) -> None:
    with acting_as(alice.pk):
        team = Team.objects.create(organization=orchestra, name="Strings", created_by=alice)
        TeamMembership.objects.create(organization=orchestra, team=team, user=bob)
    address = f"projects/{restricted.pk}/"
    named = call(api_of(alice), "post", f"{address}access/", {"team": str(team.pk), "role": "admin"})
    assert named.json()["team"] == {"id": str(team.pk), "name": "Strings"}
    # Who administers a project need not administer the organization.
    assert call(api_of(bob), "put", f"{address}secrets/API_KEY/", {"value": "hush"}).status_code == 201
    assert call(api_of(bob), "put", f"organizations/{orchestra.pk}/secrets/API_KEY/", {"value": "h"}).status_code == 403
    with acting_as(alice.pk):
        team.delete()
    assert call(api_of(bob), "get", address).status_code == 404


@pytest.mark.usefixtures("cast")
def test_everybody_in_a_project(alice: User, bob: User, carol: User, project: Project, api_of: ApiOf) -> None:
    def members() -> dict[str, tuple[str, str]]:
        found = call(api_of(alice), "get", f"projects/{project.pk}/members/").json()["results"]
        return {each["user"]["display_name"]: (each["organization_role"], each["role"]) for each in found}

    everybody = {"Alice": ("owner", "owner"), "Bob": ("member", "member"), "Carol": ("viewer", "viewer")}
    assert members() == everybody
    with acting_as(alice.pk):
        services.name_in_project(actor=alice, project=project, user=bob, role="admin")
    assert members() == everybody | {"Bob": ("member", "admin")}
    with acting_as(alice.pk):
        services.update_project(actor=alice, project=project, access="restricted")
    assert members() == {"Alice": ("owner", "owner"), "Bob": ("member", "admin")}


@pytest.mark.usefixtures("cast")
def test_whoever_makes_a_project_owns_it_and_may_leave(
    alice: User, bob: User, orchestra: Organization, api_of: ApiOf
) -> None:
    client = api_of(bob)
    made = call(client, "post", f"organizations/{orchestra.pk}/projects/", {"name": "Solo", "access": "restricted"})
    address = f"projects/{made.json()['id']}/"
    (own,) = call(client, "get", f"{address}access/").json()["results"]
    assert (own["user"]["id"], own["role"]) == (str(bob.pk), "owner")
    assert call(client, "patch", address, {"archived": True}).json()["archived"] is True
    assert call(client, "delete", f"{address}access/{own['id']}/").status_code == 204
    assert call(client, "get", address).status_code == 404
    assert call(api_of(alice), "get", address).status_code == 200
    # Nor is there a way back by hand.
    with acting_as(bob.pk), connection.cursor() as cursor:
        cursor.execute("UPDATE projects_project SET name = 'mine' WHERE id = %s", [made.json()["id"]])
        assert cursor.rowcount == 0


@pytest.mark.usefixtures("cast")
def test_who_can_be_named(alice: User, bob: User, project: Project, api_of: ApiOf) -> None:
    client, address = api_of(alice), f"projects/{project.pk}/access/"
    stranger = accounts.create_user(email="dora@example.org", password=None)
    elsewhere = accounts.create_organization(actor=stranger, name="Elsewhere")
    with acting_as(stranger.pk):
        team = Team.objects.create(organization=elsewhere, name="Brass", created_by=stranger)
    for body, pointer in (
        ({"role": "member"}, ""),
        ({"user": str(bob.pk), "team": str(team.pk), "role": "member"}, "/team"),
        ({"user": str(stranger.pk), "role": "member"}, "/user"),
        ({"team": str(team.pk), "role": "member"}, "/team"),
        ({"user": "bob", "role": "member"}, "/user"),
        ({"user": str(bob.pk), "role": "conductor"}, "/role"),
    ):
        answer = call(client, "post", address, body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), body
    assert call(client, "post", address, {"user": str(bob.pk), "role": "member"}).status_code == 201
    again = call(client, "post", address, {"user": str(bob.pk), "role": "viewer"})
    assert (again.status_code, again.json()["code"]) == (409, "named_already")


@pytest.mark.usefixtures("cast")
def test_the_database_names_nobody_from_elsewhere(
    alice: User, bob: User, orchestra: Organization, project: Project
) -> None:
    stranger = accounts.create_user(email="dora@example.org", password=None)
    row = {"organization": orchestra, "project": project, "role": "member"}
    for wrong, why in (
        ({"user": stranger}, "access_user_of_organization"),
        ({}, "user_xor_team"),
        ({"user": bob, "role": "conductor"}, "project_access_role"),
    ):
        with acting_as(alice.pk), pytest.raises(IntegrityError, match=why), transaction.atomic():
            ProjectAccess.objects.create(**(row | wrong))


def test_a_row_that_went_in_the_meantime(alice: User, project: Project) -> None:
    with acting_as(alice.pk):
        grant = ProjectAccess.objects.get(project=project)
        services.remove_access(actor=alice, grant=ProjectAccess.objects.get(pk=grant.pk))
        for change in (
            lambda: services.remove_access(actor=alice, grant=grant),
            lambda: services.change_role(actor=alice, grant=grant, role="viewer"),
        ):
            with pytest.raises(AccessNotFound):
                change()


class TestEditing:
    def test_configuration_is_merged(self, alice: User, project: Project, api_of: ApiOf) -> None:
        client, address = api_of(alice), f"projects/{project.pk}/"
        call(client, "patch", address, {"configuration": {"editor": {"grid": 8, "snap": True}, "tempo": 120}})
        merged = call(client, "patch", address, {"configuration": {"editor": {"snap": None}, "tempo": 90}})
        assert merged.json()["configuration"] == {"editor": {"grid": 8}, "tempo": 90}

    @pytest.mark.parametrize(
        "configuration",
        [[], "text", {"a": "\0"}, {"a\ud800": 1}, {"a": "x" * 17_000}, {"a": [[[[[[[[[]]]]]]]]]}, {"a": 10**40}],
    )
    def test_what_cannot_be_kept(self, alice: User, project: Project, api_of: ApiOf, configuration: Any) -> None:
        body = json.dumps({"configuration": configuration})
        address = f"/api/v1/projects/{project.pk}/"
        answer = api_of(alice).patch(address, body, content_type="application/json")
        assert answer.status_code == 422, answer.content
        assert answer.json()["errors"][0]["pointer"].startswith("/configuration")

    def test_of_two_who_read_the_same_one_is_told(self, alice: User, project: Project, api_of: ApiOf) -> None:
        client, address = api_of(alice), f"projects/{project.pk}/"
        tag = call(client, "get", address).headers["ETag"]
        first = call(client, "patch", address, {"name": "Summer"}, headers={"If-Match": tag})
        second = call(client, "patch", address, {"name": "Autumn"}, headers={"If-Match": tag})
        assert (first.status_code, second.status_code, second.json()["code"]) == (200, 412, "precondition_failed")
        assert first.headers["ETag"] != tag
        assert call(client, "delete", address, headers={"If-Match": tag}).status_code == 412

    def test_a_project_stays_in_its_organization(
        self, alice: User, project: Project, api_of: ApiOf, home_of: Callable[[User], Organization]
    ) -> None:
        home = home_of(alice)
        answer = call(api_of(alice), "patch", f"projects/{project.pk}/", {"organization": str(home.pk)})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/organization")
        with staff(), pytest.raises(IntegrityError, match="stays in its organization"), transaction.atomic():
            Project.objects.filter(pk=project.pk).update(organization=home)

    def test_nothing_changes_in_an_archived_project(self, alice: User, project: Project, api_of: ApiOf) -> None:
        client, address = api_of(alice), f"projects/{project.pk}/"
        assert call(client, "patch", address, {"archived": True, "name": "Past"}).json()["name"] == "Past"
        for method, where, body in (
            ("patch", address, {"name": "New"}),
            ("put", f"{address}variables/TEMPO/", {"value": 1}),
            ("put", f"{address}variables/", {"variables": []}),
        ):
            answer = call(client, method, where, body)
            assert (answer.status_code, answer.json()["code"]) == (409, "project_archived"), where
        back = call(client, "patch", address, {"archived": False, "name": "Present"}).json()
        assert (back["archived"], back["archived_at"], back["name"]) == (False, None, "Present")

    def test_lists_are_narrowed_down(
        self, alice: User, orchestra: Organization, project: Project, api_of: ApiOf
    ) -> None:
        client, address = api_of(alice), f"organizations/{orchestra.pk}/projects/"
        other = call(client, "post", address, {"name": "Étude", "access": "restricted"}).json()["id"]
        call(client, "patch", f"projects/{other}/", {"archived": True})

        def found(question: str) -> set[str]:
            return {each["name"] for each in call(client, "get", f"{address}?{question}").json()["results"]}

        assert found("") == {"Étude", "Spring concert"}
        assert found("archived=true") == found("access=restricted") == found("search=étud") == {"Étude"}
        assert found("archived=false") == found("access=organization") == found("search=CONCERT") == {"Spring concert"}
        assert call(client, "get", f"{address}?access=x").status_code == 422

    def test_lists_ask_as_often_for_many_as_for_few(
        self, alice: User, orchestra: Organization, project: Project, api_of: ApiOf
    ) -> None:
        client = api_of(alice)
        lists = [
            f"organizations/{orchestra.pk}/projects/",
            f"projects/{project.pk}/access/",
            f"projects/{project.pk}/members/",
        ]

        def asked(address: str) -> int:
            with CaptureQueriesContext(connection) as queries:
                assert call(client, "get", address).status_code == 200
            return len(queries)

        # The use of a token is written down with its first request.
        call(client, "get", lists[0])
        before = {address: asked(address) for address in lists}
        with acting_as(alice.pk):
            for number in range(3):
                user = accounts.create_user(email=f"{number}@example.org", password=None)
                accounts.add_member(actor=alice, organization=orchestra, user=user, role="member")
                services.name_in_project(actor=alice, project=project, user=user)
                services.create_project(actor=alice, organization=orchestra, name=f"Movement {number}")
        assert {address: asked(address) for address in lists} == before
        assert max(before.values()) <= 12, before


@pytest.mark.usefixtures("cast")
def test_what_an_auditor_asks_about_leaves_a_trace(alice: User, bob: User, project: Project) -> None:
    left: list[dict[str, Any]] = []

    def keep(**trace: Any) -> None:
        left.append(trace)

    traced.connect(keep)
    try:
        with acting_as(alice.pk):
            services.update_project(actor=alice, project=project, access="restricted", configuration={"token": "hush"})
            grant = services.name_in_project(actor=alice, project=project, user=bob)
            services.change_role(actor=alice, grant=grant, role="viewer")
            services.remove_access(actor=alice, grant=grant)
            services.set_variable(actor=alice, project=project, given=services.GivenVariable("KEY", "hush"))
            services.set_secret(
                actor=alice, organization=project.organization, project=project, name="KEY_2", value="hush"
            )
            services.archive_project(actor=alice, project=project)
            services.delete_project(actor=alice, project=project)
    finally:
        traced.disconnect(keep)
    assert [trace["action"] for trace in left] == [
        "project.changed", "project.access_given", "project.access_changed", "project.access_taken",
        "project.variable_set", "secret.stored", "project.archived", "project.deleted",
    ]  # fmt: skip
    assert left[0]["before"] == {"access": "organization", "configuration": []}
    assert (left[2]["before"]["role"], left[2]["after"]["role"]) == ("member", "viewer")
    assert {(trace["actor_id"], trace["organization_id"]) for trace in left} == {(alice.pk, project.organization_id)}
    assert "hush" not in repr(left)
