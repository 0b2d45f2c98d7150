from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import Application, DeviceGrant

from apps.accounts.models import User
from tests.apps.signin.conftest import bearer, post_form

pytestmark = pytest.mark.django_db

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ME = "/api/v1/users/me/"


def begin(**more: str) -> Any:
    return post_form("/oauth2/device-authorization/", {"client_id": "symphony-editor", "scope": "read write", **more})


def poll(codes: dict[str, Any], **more: str) -> Any:
    body = {"grant_type": GRANT, "device_code": codes["device_code"], "client_id": "symphony-editor"}
    return post_form("/oauth2/token/", {**body, **more})


def enter(browser: Client, code: str) -> Any:
    return browser.post("/oauth2/device/", {"user_code": code})


def allow(browser: Client, codes: dict[str, Any], decision: str = "allow") -> Any:
    assert enter(browser, codes["user_code"]).status_code == 302
    return browser.post("/oauth2/device/confirm/", {"decision": decision})


@pytest.fixture
def codes(editor: Application, web_role: None) -> dict[str, Any]:
    response = begin()
    assert response.status_code == 200, response.content
    return dict(response.json())


def test_a_device_is_let_in(codes: dict[str, Any], browser: Client, dora: User, traces: list[str]) -> None:
    assert codes["verification_uri"] == "http://testserver/oauth2/device/"
    assert codes["verification_uri_complete"].endswith(f"?user_code={codes['user_code']}")
    assert (codes["expires_in"], codes["interval"]) == (600, 5)
    assert codes["user_code"] in browser.get(codes["verification_uri_complete"]).content.decode()
    assert poll(codes).json()["error"] in {"authorization_pending", "slow_down"}
    assert enter(browser, codes["user_code"].lower().replace("-", " ")).status_code == 302
    page = browser.get("/oauth2/device/confirm/").content.decode()
    assert "Symphony editor" in page
    assert codes["user_code"] in page
    assert "Connected" in allow(browser, codes).content.decode()
    tokens = poll(codes).json()
    assert tokens["scope"] == "read write"
    assert bearer(tokens["access_token"]).get(ME).json()["email"] == dora.email
    assert "device.allowed" in traces
    assert poll(codes).status_code == 400
    body = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "symphony-editor"}
    assert post_form("/oauth2/token/", body).status_code == 200


def test_or_not(codes: dict[str, Any], browser: Client) -> None:
    assert "Denied" in allow(browser, codes, "deny").content.decode()
    assert poll(codes).json()["error"] == "access_denied"
    assert enter(browser, codes["user_code"]).status_code == 200


def test_polling_too_often_is_told_so(codes: dict[str, Any]) -> None:
    with time_machine.travel(timezone.now() + timedelta(seconds=10), tick=False) as clock:
        assert poll(codes).json()["error"] == "authorization_pending"
        assert poll(codes).json()["error"] == "slow_down"
        clock.shift(6)
        assert poll(codes).json()["error"] == "authorization_pending"


def test_codes_expire(codes: dict[str, Any], browser: Client) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert poll(codes).json()["error"] == "expired_token"
        assert enter(browser, codes["user_code"]).status_code == 200


def test_the_device_code_is_kept_as_a_hash(codes: dict[str, Any]) -> None:
    assert DeviceGrant.objects.get().device_code != codes["device_code"]


@pytest.mark.parametrize(
    "change",
    [{"device_code": "x"}, {"device_code": "\0"}, {"device_code": ""}, {"client_id": "other"}, {"client_id": ""}],
)
def test_a_code_is_for_its_device(codes: dict[str, Any], browser: Client, change: dict[str, str]) -> None:
    allow(browser, codes)
    refused = poll(codes, **change)
    assert 400 <= refused.status_code < 500
    assert poll(codes).status_code == 200


def test_of_an_inactive_person_nothing_comes(codes: dict[str, Any], browser: Client, dora: User) -> None:
    allow(browser, codes)
    User.objects.filter(pk=dora.pk).update(is_active=False)
    assert poll(codes).status_code == 400


def test_nobody_decides_for_another(codes: dict[str, Any], browser: Client, bob: User) -> None:
    enter(browser, codes["user_code"])
    other = Client()
    other.force_login(bob, backend="apps.signin.backends.GuardedBackend")
    assert other.post("/oauth2/device/confirm/", {"decision": "allow"})["Location"] == "/oauth2/device/"
    assert poll(codes).json()["error"] in {"authorization_pending", "slow_down"}
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert strict.post("/oauth2/device/confirm/", {"decision": "allow"}).status_code == 403
    assert Client().post("/oauth2/device/", {"user_code": codes["user_code"]})["Location"].startswith("/login/")


def test_user_codes_are_not_guessed(codes: dict[str, Any], browser: Client) -> None:
    for index in range(8):
        assert "No program waits" in enter(browser, f"BCDF-BCD{'FGHJKLMN'[index]}").content.decode()
    assert "too many attempts" in enter(browser, codes["user_code"]).content.decode()


@pytest.mark.parametrize("typed", ["\0", "x" * 100, "", "🎻", "%00"])
def test_what_is_no_code(codes: dict[str, Any], browser: Client, typed: str) -> None:
    assert enter(browser, typed).status_code == 200


def test_only_registered_programs_begin(editor: Application, dora: User, web_role: None) -> None:
    assert begin(client_id="nobody").status_code in {400, 401}
    assert begin(client_id="").status_code in {400, 401}
    assert begin(scope="everything").status_code == 400
    Application.objects.create(
        client_id="of-somebody",
        user=dora,
        client_type=Application.CLIENT_PUBLIC,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris="http://127.0.0.1/",
    )
    assert begin(client_id="of-somebody").json()["error"] == "unauthorized_client"


def test_asking_for_codes_without_end_ends_in_a_pause(editor: Application, web_role: None) -> None:
    statuses = [
        post_form(
            "/oauth2/device-authorization/", {"client_id": "symphony-editor"}, REMOTE_ADDR="198.51.100.10"
        ).status_code
        for _ in range(32)
    ]
    assert (statuses[0], statuses[-1]) == (200, 429)
