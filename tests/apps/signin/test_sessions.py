from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.events import person_erasing, personal_data_requested
from apps.accounts.models import User
from apps.core.origin import Origin, coming_from
from apps.core.tenancy import acting_as, staff, sweeping
from apps.signin.models import RefreshToken, SignInSession
from apps.signin.services import sessions
from tests.apps.signin.conftest import PASSWORD, bearer
from tests.conftest import database_role

pytestmark = pytest.mark.django_db

SESSIONS = "/api/v1/auth/sessions/"
ME = "/api/v1/users/me/"
SignIn = Callable[..., dict[str, Any]]


def test_my_sessions(sign_in: SignIn, browser: Client, django_assert_max_num_queries: Any) -> None:
    mine, other = sign_in(), sign_in()
    with django_assert_max_num_queries(9):
        listed = bearer(mine["access"]).get(SESSIONS).json()["results"]
    assert [(each["id"], each["kind"], each["current"]) for each in listed[:2]] == [
        (other["session"], "website", False),
        (mine["session"], "website", True),
    ]
    assert [each["kind"] for each in listed] == ["website", "website", "browser"]
    assert "browser_key" not in listed[2]
    assert [each["current"] for each in browser.get(SESSIONS).json()["results"]] == [False, False, True]


def test_where_they_came_from(dora: User, web_role: None) -> None:
    with coming_from(Origin(address="2001:db8::1", user_agent="Browser\x07 1.0" + "x" * 500)):
        session = sessions.open_session(actor=dora, road="website").session
    assert session.address == "2001:db8::1"
    assert session.device.startswith("Browser 1.0x")
    assert len(session.device) == 200
    with coming_from(Origin(address="not an address")):
        assert sessions.open_session(actor=dora, road="website").session.address is None


def test_one_is_ended(sign_in: SignIn, api_of: Any, bob: User, traces: list[str]) -> None:
    mine, other = sign_in(), sign_in()
    assert api_of(bob).delete(f"{SESSIONS}{other['session']}/").status_code == 404
    client = bearer(mine["access"])
    assert client.delete(f"{SESSIONS}{other['session']}/").status_code == 204
    assert client.delete(f"{SESSIONS}{other['session']}/").status_code == 404
    assert bearer(other["access"]).get(ME).status_code == 401
    assert client.get(ME).status_code == 200
    assert traces.count("session.ended") == 1


def test_all_others_are_ended(sign_in: SignIn, browser: Client) -> None:
    mine, other = sign_in(), sign_in()
    assert bearer(mine["access"]).delete(SESSIONS).json() == {"ended": 2}
    assert bearer(mine["access"]).get(ME).status_code == 200
    assert bearer(other["access"]).get(ME).status_code == 401
    assert browser.get(ME).status_code in {401, 403}


def test_an_api_token_is_none_but_may_list_them(dora: User, sign_in: SignIn, api_of: Any) -> None:
    sign_in()
    assert [each["current"] for each in api_of(dora).get(SESSIONS).json()["results"]] == [False]


def test_a_browser_signs_out(browser: Client, dora: User) -> None:
    assert browser.get(ME).status_code == 200
    browser.post("/logout/")
    with acting_as(dora.pk):
        assert [(each.kind, each.end_reason) for each in SignInSession.objects.all()] == [("browser", "signed_out")]


def test_a_browser_gets_tokens(browser: Client) -> None:
    signed_in = browser.post("/api/v1/auth/jwt/from-browser/", {}, content_type="application/json")
    assert signed_in.status_code == 200
    assert bearer(signed_in.json()["access"]).get(ME).status_code == 200
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert strict.post("/api/v1/auth/jwt/from-browser/", {}, content_type="application/json").status_code == 403


def test_tokens_get_no_other_tokens(sign_in: SignIn) -> None:
    assert bearer(sign_in()["access"]).post("/api/v1/auth/jwt/from-browser/", {}, format="json").status_code in {
        401,
        403,
    }


def test_the_oldest_makes_room(dora: User, web_role: None) -> None:
    opened = [sessions.open_session(actor=dora, road="website") for _ in range(sessions.MOST_SESSIONS + 2)]
    with acting_as(dora.pk):
        usable = SignInSession.objects.filter(ended_at=None)
        assert usable.count() == sessions.MOST_SESSIONS
        assert not usable.filter(pk__in=[each.session.pk for each in opened[:2]]).exists()


def test_the_sweep_forgets_what_is_over(dora: User, db: None) -> None:
    old, new = (sessions.open_session(actor=dora, road="website").session for _ in range(2))
    with acting_as(dora.pk):
        long_ago = timezone.now() - timedelta(days=31)
        SignInSession.objects.filter(pk=old.pk).update(ended_at=long_ago, end_reason="revoked")
    with database_role("symphony_worker"):
        assert sessions.forget_old_sessions() == 0
        with sweeping():
            assert sessions.forget_old_sessions() == 1
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic(), sweeping():
            SignInSession.objects.update(ended_at=None, end_reason="")
    with acting_as(dora.pk):
        assert list(SignInSession.objects.values_list("pk", flat=True)) == [new.pk]


def test_a_token_cannot_name_another_person(dora: User, bob: User, db: None) -> None:
    sessions.open_session(actor=dora, road="website")
    with staff(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="signin_refreshtoken_of_its_session"), transaction.atomic():
            cursor.execute("UPDATE signin_refreshtoken SET user_id = %s", [bob.pk])


def test_a_person_is_told_and_forgotten(sign_in: SignIn, browser: Client, dora: User, api_of: Any) -> None:
    sign_in()
    api_of(dora)
    with acting_as(dora.pk):
        answers = dict(found for _, found in personal_data_requested.send(sender=None, user=dora) if found)
        assert {name: len(rows) for name, rows in answers["signing_in"].items()} == {
            "sessions": 2,
            "api_tokens": 1,
            "connections": 0,
        }
        person_erasing.send(sender=None, user=dora, personal_organization=None)
        assert not SignInSession.objects.exists()
        assert not RefreshToken.objects.exists()
    assert not Session.objects.exists()
    assert PASSWORD not in str(answers)


def test_who_is_nobody_sees_nothing(anybody: APIClient) -> None:
    assert anybody.get(SESSIONS).status_code == 401
    assert anybody.get("/api/v1/auth/connections/").status_code == 401
