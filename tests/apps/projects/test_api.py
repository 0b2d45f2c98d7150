"""Routes of projects and secrets, each tried by everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, Team, User
from apps.core.tenancy import acting_as
from apps.projects import services
from apps.projects.api.urls import urlpatterns
from apps.projects.models import Project, Secret

pytestmark = pytest.mark.django_db
ApiOf = Callable[[User], APIClient]

READS = [
    "organizations/{organization}/projects/",
    "organizations/{organization}/secrets/",
    "projects/{project}/",
    "projects/{project}/access/",
    "projects/{project}/members/",
    "projects/{project}/secrets/",
    "projects/{project}/variables/",
    "projects/{project}/variables/TEMPO/",
]
# method, address, body, may a member do it?
WRITES: list[tuple[str, str, dict[str, Any] | None, bool]] = [
    ("post", "organizations/{organization}/projects/", {"name": "New"}, True),
    ("patch", "projects/{project}/", {"description": "New"}, True),
    ("put", "projects/{project}/variables/TEMPO/", {"value": 90}, True),
    ("delete", "projects/{project}/variables/TEMPO/", None, True),
    ("put", "projects/{project}/variables/", {"variables": [{"name": "KEY", "value": "c minor"}]}, True),
    ("patch", "projects/{project}/", {"access": "restricted"}, False),
    ("patch", "projects/{project}/", {"archived": True}, False),
    ("patch", "projects/{project}/", {"archived": False}, False),
    ("post", "projects/{project}/access/", {"team": "{team}", "role": "member"}, False),
    ("patch", "projects/{project}/access/{access}/", {"role": "admin"}, False),
    ("delete", "projects/{project}/access/{access}/", None, False),
    ("put", "organizations/{organization}/secrets/API_KEY/", {"value": "new"}, False),
    ("delete", "organizations/{organization}/secrets/API_KEY/", None, False),
    ("put", "projects/{project}/secrets/API_KEY/", {"value": "new"}, False),
    ("delete", "projects/{project}/secrets/API_KEY/", None, False),
    ("delete", "projects/{project}/", None, False),
]


@pytest.fixture
def ids(
    alice: User, carol: User, orchestra: Organization, project: Project, store: Callable[..., Secret], web_role: None
) -> dict[str, str]:
    store("API_KEY", "hush-hush")
    store("API_KEY", "hush-hush", project)
    join(alice, carol, orchestra, "member")
    with acting_as(alice.pk):
        services.set_variable(actor=alice, project=project, given=services.GivenVariable("TEMPO", 120))
        access = services.name_in_project(actor=alice, project=project, user=carol)
        team = Team.objects.create(organization=orchestra, name="Strings", created_by=alice)
    found = {"organization": orchestra, "project": project, "team": team, "access": access, "carol": carol}
    return {name: str(row.pk) for name, row in found.items()}


def call(client: APIClient, method: str, address: str, body: Any = None) -> Any:
    return getattr(client, method)(f"/api/v1/{address}", body, format="json")


def filled(body: Any, ids: dict[str, str]) -> Any:
    """A body with its ids: those in braces."""
    if not isinstance(body, dict):
        return body
    return {
        name: value.format(**ids) if isinstance(value, str) and "{" in value else value for name, value in body.items()
    }


def join(alice: User, user: User, orchestra: Organization, role: str) -> None:
    with acting_as(alice.pk):
        accounts.add_member(actor=alice, organization=orchestra, user=user, role=role)


def test_the_table_is_complete() -> None:
    def shape(address: str) -> str:
        parts = address.strip("/").split("/")
        return "/".join("*" if part[:1] in ("<", "{") or part in ("API_KEY", "TEMPO") else part for part in parts)

    known = {shape(address) for address in (*READS, *(address for _, address, _, _ in WRITES))}
    assert {shape(str(route.pattern)) for route in urlpatterns} == known


def test_an_admin_may_do_all_of_it(alice: User, ids: dict[str, str], api_of: ApiOf) -> None:
    client = api_of(alice)
    for address in READS:
        assert call(client, "get", address.format(**ids)).status_code == 200, address
    for method, address, body, _ in WRITES:
        response = call(client, method, address.format(**ids), filled(body, ids))
        assert response.status_code in {200, 201, 204}, (address, response.content)


def test_to_a_stranger_nothing_is_there(bob: User, ids: dict[str, str], api_of: ApiOf) -> None:
    client = api_of(bob)
    for method, address, body in [*(("get", each, None) for each in READS), *((m, a, b) for m, a, b, _ in WRITES)]:
        response = call(client, method, address.format(**ids), body)
        assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json"), address
        assert "API_KEY" not in response.content.decode()


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_who_is_no_admin_reads_names(
    alice: User, bob: User, orchestra: Organization, ids: dict[str, str], api_of: ApiOf, role: str
) -> None:
    join(alice, bob, orchestra, role)
    client = api_of(bob)
    for address in READS:
        assert call(client, "get", address.format(**ids)).status_code == 200, address
    for method, address, body, by_member in WRITES:
        response = call(client, method, address.format(**ids), filled(body, ids))
        if by_member and role == "member":
            assert response.status_code in {200, 201, 204}, address
        else:
            assert (response.status_code, response.json()["code"]) == (403, "forbidden"), address


def test_an_admin_needs_a_token_for_it(alice: User, ids: dict[str, str], web_role: None) -> None:
    with acting_as(alice.pk):
        _, secret = accounts.create_token(actor=alice, name="few", scopes=["write"])
    client = APIClient(headers={"Authorization": f"Token {secret}"})
    for method, address, body, by_member in WRITES:
        response = call(client, method, address.format(**ids), filled(body, ids))
        assert (response.status_code in {200, 201, 204}) if by_member else response.status_code == 403, address


def test_nobody_gets_anything(ids: dict[str, str], web_role: None) -> None:
    for method, address, body in [*(("get", each, None) for each in READS), *((m, a, b) for m, a, b, _ in WRITES)]:
        assert call(APIClient(), method, address.format(**ids), body).status_code == 401, address


def test_a_value_never_comes_back(alice: User, ids: dict[str, str], api_of: ApiOf) -> None:
    client = api_of(alice)
    address = f"organizations/{ids['organization']}/secrets/NEW_KEY/"
    answers = [call(client, "put", address, {"value": value}) for value in ("hush-hush", "hush-hush-2")]
    assert [each.status_code for each in answers] == [201, 200]
    assert answers[1].json()["updated_at"] > answers[0].json()["updated_at"]
    listed = call(client, "get", f"organizations/{ids['organization']}/secrets/")
    assert [(each["name"], set(each)) for each in listed.json()["results"]] == [
        ("API_KEY", {"name", "created_at", "updated_at", "last_used_at"}),
        ("NEW_KEY", {"name", "created_at", "updated_at", "last_used_at"}),
    ]
    assert all("hush" not in each.content.decode() for each in (*answers, listed))
    assert call(client, "get", address).status_code == 405


def test_what_is_wrong_with_a_secret_is_said_without_repeating_it(
    alice: User, ids: dict[str, str], api_of: ApiOf
) -> None:
    client = api_of(alice)
    base = f"organizations/{ids['organization']}/secrets/"
    for name, body, pointer in (
        ("api_key", {"value": "hush"}, "?name"),
        ("API_KEY", {}, "/value"),
        ("API_KEY", {"value": ""}, "/value"),
        ("API_KEY", {"value": ["hush"]}, "/value"),
        ("API_KEY", {"value": "hush" * 20_000}, "/value"),
    ):
        response = call(client, "put", f"{base}{name}/", body)
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer), name
        assert "hush" not in response.content.decode()
    assert call(client, "delete", f"{base}UNKNOWN/").json()["code"] == "secret_not_found"


class TestProjects:
    def test_slugs(self, alice: User, orchestra: Organization, project: Project, api_of: ApiOf) -> None:
        client, address = api_of(alice), f"organizations/{orchestra.pk}/projects/"
        made = call(client, "post", address, {"name": "Été & automne"})
        assert (made.json()["slug"], made.headers["Location"]) == ("ete-automne", made.json()["url"])
        assert call(client, "get", made.json()["url"].partition("/api/v1/")[2]).json() == made.json()
        taken = call(client, "post", address, {"name": "Spring concert"})
        assert (taken.status_code, taken.json()["code"]) == (409, "slug_taken")
        assert call(client, "post", address, {"name": "Spring concert", "slug": "spring-2"}).status_code == 201
        assert call(client, "patch", f"projects/{project.pk}/", {"slug": "spring-2"}).status_code == 409
        assert call(client, "post", address, {"name": "交響"}).json()["slug"] == "project"

    def test_a_name_is_needed(self, alice: User, orchestra: Organization, project: Project, api_of: ApiOf) -> None:
        for method, address in (
            ("post", f"organizations/{orchestra.pk}/projects/"),
            ("patch", f"projects/{project.pk}/"),
        ):
            response = call(api_of(alice), method, address, {"name": " "})
            assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/name")

    def test_changing_what_is_given(self, alice: User, project: Project, api_of: ApiOf) -> None:
        changed = call(api_of(alice), "patch", f"projects/{project.pk}/", {"description": "In May."}).json()
        assert (changed["name"], changed["slug"], changed["description"]) == (
            "Spring concert", "spring-concert", "In May.",
        )  # fmt: skip

    def test_deleting_takes_its_secrets_along(
        self, alice: User, orchestra: Organization, project: Project, ids: dict[str, str], api_of: ApiOf
    ) -> None:
        client = api_of(alice)
        assert call(client, "delete", f"projects/{project.pk}/").status_code == 204
        assert call(client, "get", f"projects/{project.pk}/").json()["code"] == "project_not_found"
        with acting_as(alice.pk):
            assert [each.project_id for each in Secret.objects.all()] == [None]


def test_the_admin_shows_names_and_deletes(
    alice: User, ids: dict[str, str], client: Any, web_role: None, django_user_model: Any
) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client.force_login(User.objects.get(pk=alice.pk))
    with acting_as(alice.pk):
        secret = Secret.objects.filter(project=None).get()
    pages = [
        reverse("admin:projects_secret_changelist"),
        reverse("admin:projects_secret_change", args=[secret.pk]),
        reverse("admin:projects_project_changelist"),
        reverse("admin:projects_project_change", args=[ids["project"]]),
        reverse("admin:projects_secret_delete", args=[secret.pk]),
    ]
    for page in pages:
        response = client.get(page)
        assert response.status_code == 200, page
        assert "hush" not in response.content.decode()
        assert "gAAAA" not in response.content.decode()
    assert client.get(reverse("admin:projects_secret_add")).status_code == 403
    client.post(reverse("admin:projects_secret_delete", args=[secret.pk]), {"post": "yes"})
    with acting_as(alice.pk):
        assert not Secret.objects.filter(pk=secret.pk).exists()
