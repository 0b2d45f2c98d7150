from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from apps.accounts import services
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.models import Organization, User
from apps.core.api.views import TenantAPIView
from apps.core.tenancy import acting_as

pytestmark = pytest.mark.django_db
ApiOf = Callable[[User], APIClient]


def test_me(alice: User, api_of: ApiOf) -> None:
    me = api_of(alice).get("/api/v1/users/me/").json()
    assert (me["id"], me["email"], me["display_name"]) == (str(alice.pk), "alice@example.org", "Alice")
    assert not {"password", "is_staff", "is_superuser"} & set(me)


def test_organizations_are_my_own(alice: User, bob: User, orchestra: Organization, api_of: ApiOf) -> None:
    mine = api_of(alice).get("/api/v1/organizations/").json()
    assert [(each["name"], each["owner_type"]) for each in mine["results"]] == [
        ("Orchestra", "organization"),
        ("Alice", "user"),
    ]
    assert mine["next"] is None
    assert [each["name"] for each in api_of(bob).get("/api/v1/organizations/").json()["results"]] == ["Bob"]


def test_pages_follow_each_other(alice: User, orchestra: Organization, api_of: ApiOf) -> None:
    client = api_of(alice)
    first = client.get("/api/v1/organizations/?page_size=1").json()
    second = client.get(first["next"]).json()
    assert [page["results"][0]["name"] for page in (first, second)] == ["Orchestra", "Alice"]
    assert second["next"] is None
    assert client.get("/api/v1/organizations/?page_size=none").json()["errors"][0]["pointer"] == "?page_size"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, "/name"), ({"name": ""}, "/name"), ({"name": "x" * 256}, "/name"), ({"name": "\0"}, "/name"), ([], "")],
)
def test_a_bad_organization_says_where(alice: User, api_of: ApiOf, body: Any, pointer: str) -> None:
    refused = api_of(alice).post("/api/v1/organizations/", body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


def test_broken_json_and_foreign_media(alice: User, api_of: ApiOf) -> None:
    client = api_of(alice)
    broken = client.post("/api/v1/organizations/", "{", content_type="application/json")
    assert (broken.status_code, broken.json()["code"]) == (400, "parse_error")
    foreign = client.post("/api/v1/organizations/", "x", content_type="text/x")
    assert (foreign.status_code, foreign.json()["code"]) == (415, "unsupported_media_type")


def test_members(alice: User, bob: User, orchestra: Organization, api_of: ApiOf) -> None:
    services.add_member(actor=alice, organization=orchestra, user=bob, role="viewer")
    address = f"/api/v1/organizations/{orchestra.pk}/members/"
    found = api_of(bob).get(address).json()["results"]
    assert [(each["user"]["email"], each["role"]) for each in found] == [
        ("alice@example.org", "owner"),
        ("bob@example.org", "viewer"),
    ]


def test_members_of_strangers_are_not_there(carol: User, orchestra: Organization, api_of: ApiOf) -> None:
    refused = api_of(carol).get(f"/api/v1/organizations/{orchestra.pk}/members/")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


def test_lists_ask_as_much_for_ten_as_for_one(alice: User, orchestra: Organization, api_of: ApiOf) -> None:
    client = api_of(alice)
    address = f"/api/v1/organizations/{orchestra.pk}/members/"
    client.get(address)

    def questions() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    before = questions()
    for index in range(9):
        user = services.create_user(email=f"{index}@example.org", password=None)
        services.add_member(actor=alice, organization=orchestra, user=user)
    assert questions() == before


class TestTokens:
    def test_made_listed_used_and_revoked(self, alice: User, api_of: ApiOf) -> None:
        client = api_of(alice)
        made = client.post("/api/v1/tokens/", {"name": "ci", "scopes": ["read"]}, format="json")
        assert made.status_code == 201
        assert made["Cache-Control"] == "no-store"
        token = made.json()
        other = APIClient(headers={"Authorization": f"Token {token.pop('secret')}"})
        assert other.get("/api/v1/users/me/").status_code == 200
        listed = client.get("/api/v1/tokens/").json()["results"]
        assert {each["name"] for each in listed} == {"ci", "test"}
        assert all(not {"secret", "hash"} & set(each) for each in listed)
        assert client.delete(f"/api/v1/tokens/{token['id']}/").status_code == 204
        assert client.delete(f"/api/v1/tokens/{token['id']}/").status_code == 404
        assert other.get("/api/v1/users/me/").status_code == 401
        assert [each["name"] for each in client.get("/api/v1/tokens/").json()["results"]] == ["test"]

    def test_of_others_are_not_there(self, alice: User, bob: User, api_of: ApiOf) -> None:
        token, secret = services.create_token(actor=alice, name="alice's")
        client = api_of(bob)
        assert client.delete(f"/api/v1/tokens/{token.pk}/").status_code == 404
        assert [each["name"] for each in client.get("/api/v1/tokens/").json()["results"]] == ["test"]
        assert APIClient(headers={"Authorization": f"Token {secret}"}).get("/api/v1/users/me/").status_code == 200

    def test_a_bad_one_says_where(self, alice: User, api_of: ApiOf) -> None:
        body = {"scopes": ["all"], "expires_at": "tomorrow"}
        refused = api_of(alice).post("/api/v1/tokens/", body, format="json")
        assert {error["pointer"] for error in refused.json()["errors"]} == {"/name", "/scopes/0", "/expires_at"}


def test_a_session_needs_its_csrf_token(alice: User, web_role: None) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    assert [each["name"] for each in client.get("/api/v1/organizations/").json()["results"]] == ["Alice"]
    assert client.post("/api/v1/organizations/", {"name": "x"}, format="json").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_a_connection_forgets_who_asked(alice: User, api_of: ApiOf) -> None:
    assert api_of(alice).get("/api/v1/organizations/").json()["results"] != []
    assert not Organization.objects.exists()
    with acting_as(alice.pk):
        assert Organization.objects.exists()


def test_the_schema_tells_of_problems_tokens_and_keys(capsys: pytest.CaptureFixture[str]) -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    assert "arning" not in capsys.readouterr().err
    operation = schema["paths"]["/api/v1/organizations/"]["post"]
    assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
    assert "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}
    assert {"token": []} in operation["security"]
    assert schema["components"]["securitySchemes"]["token"]["name"] == "Authorization"
    tokens = schema["paths"]["/api/v1/tokens/"]["post"]
    assert "parameters" not in tokens
    page = schema["components"]["schemas"]["PaginatedOrganizationList"]
    assert set(page["properties"]) == set(page["required"]) == {"results", "next"}
    for said in (IdempotentMixin.__doc__, TenantAPIView.__doc__):  # to who writes views, not to who calls them
        assert said
        assert said.splitlines()[0] not in json.dumps(schema)
    for operations in schema["paths"].values():
        for each in operations.values():
            assert "default" in each["responses"]


def test_docs_need_no_account(client: Client) -> None:
    assert client.get("/api/schema/").status_code == 200
    root = client.get("/api/v1/")
    assert (root.status_code, root["Location"]) == (302, "/api/docs/")
