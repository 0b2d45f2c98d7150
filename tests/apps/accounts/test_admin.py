"""The admin on the role of the web, in transactions as the server has them: what a template evaluates must be there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import queries, services
from apps.accounts.models import Membership, Organization, User
from apps.core.admin_site import SymphonyAdminSite
from apps.core.tenancy import staff

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long and winding road"


@pytest.fixture
def moderator(web_role: None) -> User:
    return services.create_user(email="staff@example.org", password=PASSWORD, is_staff=True, is_superuser=True)


@pytest.fixture
def browser(moderator: User) -> Client:
    client = Client()
    assert client.login(username="staff@example.org", password=PASSWORD)
    return client


def test_is_the_site_of_every_app() -> None:
    assert isinstance(admin.site, SymphonyAdminSite)
    assert admin.site.is_registered(Organization)


def test_lists_show_what_belongs_to_others(browser: Client, alice: User, orchestra: Organization) -> None:
    services.create_token(actor=alice, name="alice's key")
    for address, text in (
        ("/admin/", "Symphony"),
        ("/admin/accounts/user/", "alice@example.org"),
        ("/admin/accounts/organization/", "Orchestra"),
        ("/admin/accounts/organization/?q=orch", "Orchestra"),
        ("/admin/accounts/apitoken/", "alice&#x27;s key"),
        (f"/admin/accounts/organization/{orchestra.pk}/change/", "alice@example.org"),
        (f"/admin/accounts/user/{alice.pk}/change/", "alice@example.org"),
    ):
        page = browser.get(address)
        assert page.status_code == 200, address
        assert text in page.content.decode(), address


def test_the_scope_ends_with_the_request(browser: Client, orchestra: Organization) -> None:
    browser.get("/admin/accounts/organization/")
    assert not Organization.objects.exists()


def test_who_is_not_staff_stays_out(alice: User, orchestra: Organization, web_role: None) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get("/admin/accounts/organization/")["Location"].startswith("/admin/login/")


def test_a_new_user_gets_a_home(browser: Client) -> None:
    form = {"email": "New@Example.org", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert browser.post("/admin/accounts/user/add/", form).status_code == 302
    user = User.objects.get(email="new@example.org")
    assert user.check_password(PASSWORD)
    assert queries.organization_for(actor=user).is_personal


def test_an_email_is_taken_in_any_case(browser: Client, alice: User) -> None:
    form = {"email": "ALICE@example.org", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    page = browser.post("/admin/accounts/user/add/", form)
    assert page.status_code == 200
    assert "already exists" in page.content.decode()


def test_a_password_is_changed(browser: Client, alice: User) -> None:
    form = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert browser.post(f"/admin/accounts/user/{alice.pk}/password/", form).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_members_are_changed_beside_their_organization(browser: Client, bob: User, orchestra: Organization) -> None:
    with staff():
        owner = Membership.objects.get(organization=orchestra)
    form = {
        "name": "Orchestra", "slug": "orchestra", "subscription_tier": "pro", "owner_user": str(owner.user_id),
        "settings": "{}", "is_active": "on", "memberships-TOTAL_FORMS": "2", "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(owner.pk), "memberships-0-organization": str(orchestra.pk),
        "memberships-0-user": str(owner.user_id), "memberships-0-role": "owner",
        "memberships-1-organization": str(orchestra.pk), "memberships-1-user": str(bob.pk), "memberships-1-role": "viewer",
    }  # fmt: skip
    assert browser.post(f"/admin/accounts/organization/{orchestra.pk}/change/", form).status_code == 302
    assert queries.role_of(user=bob, organization=orchestra) == "viewer"


def test_tokens_are_seen_without_their_hash_and_revoked(browser: Client, alice: User) -> None:
    token, secret = services.create_token(actor=alice, name="x")
    page = browser.get(f"/admin/accounts/apitoken/{token.pk}/change/").content.decode()
    assert token.prefix in page
    assert token.hash not in page
    assert 'name="_save"' not in page
    assert browser.get("/admin/accounts/apitoken/add/").status_code == 403
    form = {"action": "revoke", "_selected_action": [str(token.pk)]}
    assert browser.post("/admin/accounts/apitoken/", form).status_code == 302
    with transaction.atomic():
        assert queries.authenticate_token(secret) is None


def test_a_user_is_deleted_with_what_is_theirs(browser: Client, alice: User, orchestra: Organization) -> None:
    services.create_token(actor=alice, name="x")
    assert browser.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=alice.pk).exists()


def test_the_last_owner_stays_beside_their_organization(
    browser: Client, alice: User, bob: User, orchestra: Organization
) -> None:
    services.add_member(actor=alice, organization=orchestra, user=bob)
    with staff():
        hers, his = (Membership.objects.get(organization=orchestra, user=user) for user in (alice, bob))

    def send(her_role: str, his_role: str) -> str:
        form = {
            "name": "Orchestra", "slug": "orchestra", "subscription_tier": "pro", "owner_user": str(alice.pk),
            "settings": "{}", "is_active": "on", "memberships-TOTAL_FORMS": "2", "memberships-INITIAL_FORMS": "2",
        }  # fmt: skip
        for index, (row, role) in enumerate(((hers, her_role), (his, his_role))):
            form |= {
                f"memberships-{index}-id": str(row.pk), f"memberships-{index}-organization": str(orchestra.pk),
                f"memberships-{index}-user": str(row.user_id), f"memberships-{index}-role": role,
            }  # fmt: skip
        return browser.post(f"/admin/accounts/organization/{orchestra.pk}/change/", form).content.decode()

    assert "needs an owner" in send("member", "viewer")
    assert queries.role_of(user=alice, organization=orchestra) == "owner"
    assert send("member", "owner") == ""
    assert queries.role_of(user=bob, organization=orchestra) == "owner"


def test_actions_call_the_services(browser: Client, alice: User, bob: User, orchestra: Organization) -> None:
    invited = services.invite(actor=alice, organization=orchestra, email="x@example.org")
    for table, action, row in (
        ("user", "verify", alice), ("user", "deactivate", bob), ("organization", "deactivate", orchestra),
        ("invitation", "revoke", invited),
    ):  # fmt: skip
        form = {"action": action, "_selected_action": [str(row.pk)]}
        assert browser.post(f"/admin/accounts/{table}/", form).status_code == 302, action
        with staff():
            row.refresh_from_db()
    assert alice.email_verified
    assert not bob.is_active
    assert not orchestra.is_active
    assert invited.status == "revoked"
    for table, row in (("user", bob), ("organization", orchestra)):
        browser.post(f"/admin/accounts/{table}/", {"action": "reactivate", "_selected_action": [str(row.pk)]})
        with staff():
            row.refresh_from_db()
        assert row.is_active


def test_invitations_and_teams_are_seen_not_rewritten(browser: Client, alice: User, orchestra: Organization) -> None:
    invited = services.invite(actor=alice, organization=orchestra, email="x@example.org")
    team = services.create_team(actor=alice, organization=orchestra, name="Strings")
    page = browser.get(f"/admin/accounts/invitation/{invited.pk}/change/").content.decode()
    assert "x@example.org" in page
    assert invited.token_hash not in page
    assert 'name="_save"' not in page
    for table in ("invitation", "team"):
        assert browser.get(f"/admin/accounts/{table}/add/").status_code == 403
    assert "Strings" in browser.get(f"/admin/accounts/team/{team.pk}/change/").content.decode()


@pytest.mark.parametrize("table", ["user", "organization", "apitoken", "invitation", "team"])
def test_lists_ask_as_much_for_ten_as_for_one(
    browser: Client, alice: User, orchestra: Organization, table: str
) -> None:
    def questions() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(f"/admin/accounts/{table}/").status_code == 200
        return len(captured)

    def grow(numbers: range, make: Callable[[int], User]) -> None:
        for index in numbers:
            services.create_token(actor=make(index), name="x")
            services.invite(actor=alice, organization=orchestra, email=f"x{index}@example.org")
            services.create_team(actor=alice, organization=orchestra, name=f"team {index}")

    def make(index: int) -> User:
        return services.create_user(email=f"{index}@example.org", password=None)

    grow(range(1), make)
    before = questions()
    grow(range(1, 10), make)
    assert questions() == before
