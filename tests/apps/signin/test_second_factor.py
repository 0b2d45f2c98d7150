"""Second factors and social sign-in: off, and on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.conf import settings as configured
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import clear_url_caches, include, path
from django.utils import timezone
from django.utils.module_loading import import_string
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.core.db.grants import grant_on_foreign_tables
from apps.signin import second_factor
from symphony.signing_in import Allauth
from tests.apps.signin.conftest import PASSWORD
from tests.conftest import database_role

pytestmark = pytest.mark.django_db

TOTP = "/_allauth/browser/v1/account/authenticators/totp"
ON = Allauth(mfa=True, social={"github": ("id", "secret"), "google": (None, None)})


class TestOff:
    def test_nothing_of_it_is_there(self, web_role: None) -> None:
        off = Allauth(mfa=False, social={"github": (None, "secret")})
        assert (off.apps, off.middleware, off.settings) == ([], [], {})
        assert not [name for name in configured.INSTALLED_APPS if name.startswith("allauth")]
        assert not [name for name in configured.MIDDLEWARE if name.startswith("allauth")]
        for address in (TOTP, "/_allauth/browser/v1/config", "/accounts/github/login/", "/accounts/login/"):
            assert Client().get(address).status_code == 404

    def test_nobody_has_one(self, alice: User) -> None:
        assert second_factor.methods_of(alice) == []


@pytest.fixture
def on(db: None, settings: Any) -> Iterator[None]:
    """As after `SYMPHONY_MFA=on`, `SYMPHONY_SOCIAL_GITHUB_CLIENT_ID=…` and a migration; undone with the test's transaction."""
    pages = dict(admin.site._registry)
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *ON.middleware]
    settings.SYMPHONY_MFA = True
    settings.SYMPHONY_SECRET_KEYS = ["newest", "older"]
    for name, value in ON.settings.items():
        setattr(settings, name, value)
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *ON.apps]
    with connection.schema_editor() as editor:
        for label in ("account", "mfa", "socialaccount"):
            for model in apps.get_app_config(label).get_models():
                editor.create_model(model)
    for label in ("account", "mfa", "socialaccount"):
        grant_on_foreign_tables(app_config=apps.get_app_config(label), using="default")
    routes = ModuleType("urls_with_allauth")
    routes.urlpatterns = [path("", include("symphony.urls")), path("", include("apps.signin.allauth.urls"))]  # type: ignore[attr-defined]
    sys.modules[routes.__name__] = routes
    settings.ROOT_URLCONF = routes.__name__
    clear_url_caches()
    # Codes change every 30 seconds: not in the middle of a test.
    with database_role("symphony_web"), time_machine.travel(timezone.now(), tick=False):
        yield
    del sys.modules[routes.__name__]
    clear_url_caches()
    # Its models have pages in the admin now, and will not be installed in the next test.
    admin.site._registry = pages


def code_now(secret: str) -> str:
    from allauth.mfa.totp.internal import auth  # noqa: PLC0415 - refuses to be imported while it is switched off

    (counter,) = auth.yield_hotp_counters_from_time()
    return str(auth.format_hotp_value(auth.hotp_value(secret, counter)))


@pytest.fixture
def signed_in(on: None, dora: User) -> Client:
    client = Client()
    assert client.post("/login/", {"username": dora.email, "password": PASSWORD}).status_code == 302
    return client


@pytest.fixture
def secret(signed_in: Client) -> str:
    """Alice has set up an authenticator app, as a website would let her."""
    json = "application/json"
    again = signed_in.post("/_allauth/browser/v1/auth/reauthenticate", {"password": PASSWORD}, content_type=json)
    assert again.status_code == 200, again.content
    offered = signed_in.get(TOTP)
    assert offered.status_code == 404
    shown = str(offered.json()["meta"]["secret"])
    done = signed_in.post(TOTP, {"code": code_now(shown)}, content_type=json)
    assert done.status_code == 200, done.content
    return shown


def jwt(user: User, **more: str) -> Any:
    return APIClient().post("/api/v1/auth/jwt/", {"email": user.email, "password": PASSWORD, **more}, format="json")


class TestOn:
    def test_it_holds_no_thread_of_a_stream(self, on: None) -> None:
        assert [import_string(name).async_capable for name in ON.middleware] == [True]

    def test_who_has_none_signs_in_as_before(self, signed_in: Client, dora: User) -> None:
        assert jwt(dora).status_code == 200
        assert signed_in.get("/api/v1/users/me/").status_code == 200

    def test_the_website_is_asked_for_it(self, secret: str, dora: User) -> None:
        asked = jwt(dora)
        assert (asked.status_code, asked.json()["code"]) == (401, "second_factor_required")
        assert "totp" in asked.json()["methods"]
        for wrong in ("000000", "x", "0" * 20, "१२३४५६"):
            assert (jwt(dora, code=wrong).status_code, jwt(dora, password="wrong", code=wrong).status_code) == (
                401,
                401,
            )

    def test_and_the_right_one_opens_once(self, secret: str, dora: User) -> None:
        code = code_now(secret)
        assert jwt(dora, code=f"{code[:3]} {code[3:]}").status_code == 200
        assert jwt(dora, code=code).json()["code"] == "bad_second_factor"

    def test_a_browser_is_asked_for_it(self, secret: str, dora: User) -> None:
        client = Client()
        first = client.post("/login/?next=/admin/", {"username": dora.email, "password": PASSWORD, "next": "/admin/"})
        assert first["Location"] == "/login/code/"
        assert client.get("/api/v1/users/me/").status_code in {401, 403}
        assert "not, or no longer" in client.post("/login/code/", {"code": "000000"}).content.decode()
        assert client.get("/api/v1/users/me/").status_code in {401, 403}
        assert client.post("/login/code/", {"code": code_now(secret)})["Location"] == "/admin/"
        assert client.get("/api/v1/users/me/").status_code == 200

    def test_codes_are_not_guessed(self, secret: str, dora: User) -> None:
        refused = [jwt(dora, code="000000").status_code for _ in range(7)]
        assert refused == [401] * 5 + [429] * 2
        assert jwt(dora, code=code_now(secret)).status_code == 429

    def test_a_recovery_code_opens_once(self, secret: str, signed_in: Client, dora: User) -> None:
        listed = signed_in.get("/_allauth/browser/v1/account/authenticators/recovery-codes")
        assert listed.status_code == 200, listed.content
        first = listed.json()["data"]["unused_codes"][0]
        assert jwt(dora, code=first).status_code == 200
        assert jwt(dora, code=first).status_code == 401

    def test_its_secret_is_sealed(self, secret: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT a::text FROM mfa_authenticator a")
            assert secret not in str(cursor.fetchall())

    @pytest.mark.parametrize(
        "address", ["auth/login", "auth/signup", "auth/password/request", "account/email", "account/password/change"]
    )
    def test_no_second_road_past_our_own(self, signed_in: Client, address: str) -> None:
        refused = signed_in.post(f"/_allauth/browser/v1/{address}", {}, content_type="application/json")
        assert refused.status_code == 404
        assert signed_in.get("/accounts/login/").status_code == 404

    def test_a_stranger_of_another_site_is_no_user_unless_wanted(self, on: None, settings: Any) -> None:
        from allauth.socialaccount.adapter import get_adapter  # noqa: PLC0415 - as above

        assert get_adapter().is_open_for_signup(None, None) is False
        settings.SYMPHONY_SOCIAL_SIGNUP = True
        assert get_adapter().is_open_for_signup(None, None) is True

    def test_a_social_sign_in_leads_to_the_site(self, on: None) -> None:
        form = {"provider": "github", "callback_url": "http://testserver/done", "process": "login"}
        answer = Client().post("/_allauth/browser/v1/auth/provider/redirect", form)
        assert answer.status_code == 302
        assert answer["Location"].startswith("https://github.com/login/oauth/authorize?")
        elsewhere = {**form, "callback_url": "https://evil.example/"}
        assert "evil" not in Client().post("/_allauth/browser/v1/auth/provider/redirect", elsewhere).get("Location", "")
