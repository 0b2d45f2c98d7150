from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from oauth2_provider.models import RefreshToken

from apps.accounts import services
from apps.accounts.models import User
from tests.apps.signin.conftest import bearer
from tests.apps.signin.test_oauth import code_of, renew, trade

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(browser: Client) -> Client:
    moderator = services.create_user(email="staff@example.org", password=None, is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(moderator, backend="apps.signin.backends.GuardedBackend")
    return client


def test_staff_sees_and_ends_sessions(
    office: Client, sign_in: Any, dora: User, django_assert_max_num_queries: Any
) -> None:
    access, *_ = [sign_in() for _ in range(5)]
    with django_assert_max_num_queries(16):
        page = office.get("/admin/signin/signinsession/")
    assert page.content.decode().count("alice@example.org") >= 5
    detail = office.get(f"/admin/signin/signinsession/{access['session']}/change/").content.decode()
    assert "browser_key" not in detail
    assert 'name="_save"' not in detail
    chosen = {"action": "end", "_selected_action": [access["session"]]}
    assert "1 sessions ended" in office.post("/admin/signin/signinsession/", chosen, follow=True).content.decode()
    assert bearer(access["access"]).get("/api/v1/users/me/").status_code == 401


def test_staff_disconnects_programs(office: Client, browser: Client, editor: Any) -> None:
    tokens = trade(code_of(browser)).json()
    listed = office.get("/admin/oauth2_provider/refreshtoken/")
    assert "Symphony editor" in listed.content.decode()
    chosen = {"action": "end", "_selected_action": [RefreshToken.objects.get().pk]}
    assert (
        "1 connections ended"
        in office.post("/admin/oauth2_provider/refreshtoken/", chosen, follow=True).content.decode()
    )
    assert renew(tokens).status_code == 400


def test_nothing_is_made_or_changed_there(office: Client, editor: Any) -> None:
    assert office.get("/admin/oauth2_provider/application/").status_code == 200
    for page in ("signin/signinsession/add/", "oauth2_provider/application/add/", "oauth2_provider/refreshtoken/add/"):
        assert office.get(f"/admin/{page}").status_code == 403
    for page in ("accesstoken", "grant", "idtoken", "devicegrant"):
        assert office.get(f"/admin/oauth2_provider/{page}/").status_code == 404
    page = office.get(f"/admin/oauth2_provider/application/{editor.pk}/change/").content.decode()
    assert not [text for text in ("client_secret", "viewsitelink") if text in page]
