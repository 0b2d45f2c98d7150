"""API tokens: what 0003 added to them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import services
from apps.accounts.events import membership_ended
from apps.accounts.models import ApiToken, Organization, User
from apps.core.errors import Invalid, NotFound
from apps.core.tenancy import acting_as

pytestmark = pytest.mark.django_db

TOKENS = "/api/v1/tokens/"


def client(secret: str) -> APIClient:
    return APIClient(headers={"Authorization": f"Token {secret}"})


def test_end_when_nobody_says_when(alice: User, api_of: Any, settings: Any) -> None:
    def expiry(**more: Any) -> Any:
        made = api_of(alice).post(TOKENS, {"name": "x", **more}, format="json")
        assert made.status_code == 201, made.content
        return made.json()["expires_at"]

    usual = datetime.fromisoformat(expiry())
    assert timedelta(days=89) < usual - timezone.now() <= timedelta(days=90)
    assert expiry(expires_at=None) is None
    settings.SYMPHONY_TOKEN_MAX_DAYS = 7
    settings.SYMPHONY_TOKEN_DAYS = 7
    assert datetime.fromisoformat(expiry(expires_at=None)) - timezone.now() < timedelta(days=7, minutes=2)
    assert expiry() is not None
    with pytest.raises(Invalid, match="7 days at most"):
        services.create_token(actor=alice, name="x", expires_at=timezone.now() + timedelta(days=8))


def test_are_renamed_and_seen_by_their_person(alice: User, bob: User, api_of: Any, traces: list[str]) -> None:
    token, _ = services.create_token(actor=alice, name="x")
    renamed = api_of(alice).patch(f"{TOKENS}{token.pk}/", {"name": " ci "}, format="json")
    assert (renamed.status_code, renamed.json()["name"]) == (200, "ci")
    assert api_of(alice).get(f"{TOKENS}{token.pk}/").json()["name"] == "ci"
    assert api_of(alice).patch(f"{TOKENS}{token.pk}/", {"name": "a\0"}, format="json").status_code == 422
    for method in ("get", "patch", "delete"):
        assert getattr(api_of(bob), method)(f"{TOKENS}{token.pk}/", {"name": "mine"}, format="json").status_code == 404
    assert traces.count("token.renamed") == 1
    assert traces.count("token.created") >= 3


class TestBoundToOneOrganization:
    @pytest.fixture
    def bound(self, alice: User, orchestra: Organization, api_of: Any) -> APIClient:
        made = api_of(alice).post(TOKENS, {"name": "x", "organization": str(orchestra.pk)}, format="json")
        assert made.json()["organization"] == str(orchestra.pk)
        return client(made.json()["secret"])

    def test_opens_nothing_else(self, bound: APIClient, alice: User, orchestra: Organization, home_of: Any) -> None:
        home = home_of(alice)
        assert [each["id"] for each in bound.get("/api/v1/organizations/").json()["results"]] == [str(orchestra.pk)]
        assert bound.get(f"/api/v1/organizations/{orchestra.pk}/members/").status_code == 200
        assert bound.get(f"/api/v1/organizations/{home.pk}/members/").status_code == 404

    def test_is_no_way_to_more(self, bound: APIClient, alice: User) -> None:
        assert bound.post(TOKENS, {"name": "y"}, format="json").status_code == 403
        assert bound.get(TOKENS).status_code == 403
        assert bound.get("/api/v1/auth/sessions/").status_code == 403

    def test_founds_no_other(self, bound: APIClient, alice: User) -> None:
        assert bound.post("/api/v1/organizations/", {"name": "Mine"}, format="json").status_code in {403, 404, 409}
        with acting_as(alice.pk):
            assert not Organization.objects.filter(name="Mine").exists()

    def test_is_made_by_members_only(self, bob: User, orchestra: Organization, api_of: Any) -> None:
        refused = api_of(bob).post(TOKENS, {"name": "x", "organization": str(orchestra.pk)}, format="json")
        assert refused.status_code == 404
        with pytest.raises(NotFound):
            services.create_token(actor=bob, name="x", organization=orchestra)

    def test_ends_with_the_membership(self, bound: APIClient, alice: User, orchestra: Organization) -> None:
        membership_ended.send(sender=None, organization=orchestra, user=alice)
        assert bound.get("/api/v1/users/me/").status_code == 401
        with acting_as(alice.pk):
            assert ApiToken.objects.filter(only_organization=orchestra, revoked_at=None).count() == 0
