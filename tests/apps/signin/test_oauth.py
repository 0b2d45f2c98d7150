from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application
from rest_framework.test import APIClient

from apps.accounts.events import password_changed
from apps.accounts.models import User
from apps.core.tenancy import acting_as
from tests.apps.signin.conftest import REDIRECT, bearer, post_form

pytestmark = pytest.mark.django_db

VERIFIER = "a" * 43 + "-._~09"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
ME = "/api/v1/users/me/"


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("name"):
            self.fields[str(given["name"])] = unescape(given.get("value") or "")


def hidden(page: str) -> dict[str, str]:
    parser = _Fields()
    parser.feed(page)
    return parser.fields


def question(**more: Any) -> dict[str, Any]:
    asked = {
        "response_type": "code",
        "client_id": "symphony-editor",
        "redirect_uri": REDIRECT,
        "scope": "read write",
        "state": "s t&a=te",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }
    return {name: value for name, value in asked.items() if value is not None}


def ask(browser: Client, **more: Any) -> Any:
    return browser.get("/oauth2/authorize/", question(**more))


def decide(browser: Client, page: Any, *, allow: bool = True, **tampered: str) -> Any:
    form = {**hidden(page.content.decode()), **tampered}
    return browser.post(
        page.request["PATH_INFO"] + "?" + page.request["QUERY_STRING"], {**form, **({"allow": "true"} if allow else {})}
    )


def answer_of(response: Any) -> dict[str, str]:
    assert response.status_code == 302, response.content
    return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}


def code_of(browser: Client, **more: Any) -> str:
    return answer_of(decide(browser, ask(browser, **more)))["code"]


def trade(code: str, verifier: str | None = VERIFIER, **more: Any) -> Any:
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "client_id": "symphony-editor"}
    return post_form("/oauth2/token/", {**body, **({"code_verifier": verifier} if verifier else {}), **more})


@pytest.fixture
def tokens(browser: Client, editor: Application) -> dict[str, Any]:
    traded = trade(code_of(browser))
    assert traded.status_code == 200, traded.content
    return dict(traded.json())


def renew(tokens: dict[str, Any], **more: Any) -> Any:
    body = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "symphony-editor"}
    return post_form("/oauth2/token/", {**body, **more})


class TestConsent:
    def test_a_person_lets_the_editor_in(
        self, browser: Client, editor: Application, dora: User, traces: list[str]
    ) -> None:
        page = ask(browser)
        text = page.content.decode()
        assert "Symphony editor" in text
        assert dora.email in text
        assert "Create, change and run what you may" in text
        answer = answer_of(decide(browser, page))
        assert answer["state"] == "s t&a=te"
        assert answer["iss"].startswith("http://testserver")
        tokens = trade(answer["code"]).json()
        assert tokens["scope"] == "read write"
        assert bearer(tokens["access_token"]).get(ME).json()["email"] == dora.email
        assert "connection.made" in traces

    @pytest.mark.parametrize(
        ("redirect", "source"),
        [
            (REDIRECT, "http://127.0.0.1:49152"),
            ("http://[::1]:49152/callback", "http:"),  # a policy cannot name an IPv6 address
            ("https://website.example/back?from=symphony", "https://website.example"),
        ],
    )
    def test_the_form_may_lead_back_to_the_program(
        self, browser: Client, editor: Application, redirect: str, source: str
    ) -> None:
        editor.redirect_uris = f"http://127.0.0.1/callback http://[::1]/callback {redirect}"
        editor.save()
        policy = ask(browser, redirect_uri=redirect)["Content-Security-Policy"]
        assert f"form-action 'self' {source}" in [part.strip() for part in policy.split(";")]
        refused = ask(browser, redirect_uri="https://elsewhere.example/")
        assert refused.status_code == 400
        assert "elsewhere" not in refused["Content-Security-Policy"]

    def test_or_not(self, browser: Client, editor: Application) -> None:
        assert answer_of(decide(browser, ask(browser), allow=False))["error"] == "access_denied"

    def test_is_asked_each_time(self, browser: Client, tokens: dict[str, Any]) -> None:
        assert ask(browser, approval_prompt="auto").status_code == 200

    def test_needs_somebody(self, editor: Application, web_role: None) -> None:
        answer = ask(Client())
        assert answer["Location"].startswith("/login/?next=/oauth2/authorize/")
        assert ask(Client(), prompt="none", redirect_uri="https://evil.example/").status_code == 400

    @pytest.mark.parametrize(
        "redirect_uri",
        [
            "https://evil.example/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://evil@127.0.0.1/callback",
            "http://127.0.0.1@evil.example/callback",
            "http://127.0.0.1:80/callback/../../x",
            "http://127.0.0.1/callback?x=1",
            "http://127.0.0.1/callback#x",
            "http://localhost/callback",
            "https://127.0.0.1/callback",
            "javascript:alert(1)",
            "//127.0.0.1/callback",
            "",
        ],
    )
    def test_answers_nowhere_else(self, browser: Client, editor: Application, redirect_uri: str) -> None:
        refused = ask(browser, redirect_uri=redirect_uri)
        assert refused.status_code == 400
        assert "Location" not in refused
        tampered = decide(browser, ask(browser), redirect_uri=redirect_uri)
        assert tampered.status_code == 400
        assert decide(browser, ask(browser), allow=False, redirect_uri=redirect_uri).status_code == 400

    @pytest.mark.parametrize("redirect_uri", [REDIRECT, "http://[::1]:1/callback", "http://127.0.0.1/callback"])
    def test_any_port_of_this_machine_will_do(self, browser: Client, editor: Application, redirect_uri: str) -> None:
        response = decide(browser, ask(browser, redirect_uri=redirect_uri))
        assert response["Location"].startswith(f"{redirect_uri}?code=")

    @pytest.mark.parametrize(
        "change",
        [
            {"code_challenge": None, "code_challenge_method": None},
            {"code_challenge_method": "plain"},
            {"code_challenge_method": None},
            {"code_challenge": "x"},
            {"code_challenge": "x" * 500},
            {"response_type": "token"},
            {"response_type": "id_token"},
            {"scope": "everything"},
            {"scope": "read \0"},
            {"state": "x" * 5000},
            {"client_id": "nobody"},
            {"client_id": "\0"},
            {"resource": "nonsense"},
        ],
    )
    def test_gives_no_code_for_less(self, browser: Client, editor: Application, change: dict[str, Any]) -> None:
        refused = ask(browser, **change)
        if refused.status_code == 302:
            answer = answer_of(refused)
            assert refused["Location"].startswith(REDIRECT)
            assert "code" not in answer
            assert answer["error"]
        else:
            assert refused.status_code == 400

    def test_a_tampered_form_gives_none_either(self, browser: Client, editor: Application) -> None:
        for change in ({"client_id": "nobody"}, {"client_id": "\0"}, {"code_challenge": "x" * 300}, {"scope": "root"}):
            refused = decide(browser, ask(browser), **change)
            assert refused.status_code == 400 or "error" in answer_of(refused)

    def test_needs_the_page(self, dora: User, editor: Application, browser: Client) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = browser.cookies
        assert strict.post("/oauth2/authorize/", {**question(), "allow": "true"}).status_code == 403


class TestTrading:
    def test_a_code_works_once(self, browser: Client, editor: Application) -> None:
        code = code_of(browser)
        assert trade(code).status_code == 200
        assert (trade(code).status_code, trade(code).json()["error"]) == (400, "invalid_grant")

    @pytest.mark.parametrize("verifier", [None, "x", "b" * 43, CHALLENGE, "", "a" * 129])
    def test_a_code_needs_its_verifier(self, browser: Client, editor: Application, verifier: str | None) -> None:
        assert trade(code_of(browser), verifier).status_code == 400

    @pytest.mark.parametrize(
        "change",
        [
            {"redirect_uri": "http://127.0.0.1:1/callback"},
            {"client_id": "nobody"},
            {"client_id": ""},
            {"grant_type": "password", "username": "alice@example.org", "password": "x"},
            {"grant_type": "client_credentials"},
            {"grant_type": "\0"},
            {"grant_type": "nonsense"},
            {"code": "\0"},
            {"code": "x" * 100_000},
        ],
    )
    def test_and_everything_it_was_given_for(
        self, browser: Client, editor: Application, change: dict[str, str]
    ) -> None:
        code = code_of(browser)
        refused = trade(change.pop("code", code), **change)
        assert 400 <= refused.status_code < 500, refused.content
        assert refused.json()["error"]

    def test_a_code_is_for_its_client(self, browser: Client, editor: Application) -> None:
        call_command(
            "oauth", "client", "other", "--name", "Other", "--redirect", "http://127.0.0.1/callback", stdout=None
        )
        assert trade(code_of(browser), client_id="other").status_code == 400

    def test_a_code_lasts_a_minute(self, browser: Client, editor: Application) -> None:
        code = code_of(browser)
        with time_machine.travel(timezone.now() + timedelta(seconds=61)):
            assert trade(code).status_code == 400

    def test_nothing_that_works_is_kept(self, browser: Client, editor: Application, tokens: dict[str, Any]) -> None:
        waiting = code_of(browser)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT t::text FROM oauth2_provider_accesstoken t UNION ALL "
                "SELECT t::text FROM oauth2_provider_refreshtoken t UNION ALL SELECT t::text FROM oauth2_provider_grant t"
            )
            kept = str(cursor.fetchall())
        for secret in (tokens["access_token"], tokens["refresh_token"], waiting):
            assert secret not in kept
            assert secret[6:] not in kept

    def test_guessing_ends_in_a_pause(self, editor: Application, web_role: None) -> None:
        statuses = [
            post_form("/oauth2/token/", {"grant_type": "x"}, REMOTE_ADDR="198.51.100.9").status_code for _ in range(65)
        ]
        assert statuses[0] == 400
        assert statuses[-1] == 429


class TestTokens:
    def test_keep_to_their_scopes(self, browser: Client, editor: Application, web_role: None) -> None:
        reader = bearer(trade(code_of(browser, scope="read")).json()["access_token"])
        assert reader.get("/api/v1/organizations/").status_code == 200
        assert reader.post("/api/v1/organizations/", {"name": "x"}, format="json").status_code == 403
        writer = bearer(trade(code_of(browser, scope="read write")).json()["access_token"])
        assert writer.post("/api/v1/organizations/", {"name": "x"}, format="json").status_code == 201
        assert writer.post("/api/v1/tokens/", {"name": "x"}, format="json").status_code == 403
        admin = bearer(trade(code_of(browser, scope="administer")).json()["access_token"])
        assert admin.post("/api/v1/tokens/", {"name": "x"}, format="json").status_code == 201

    def test_are_refreshed_and_rotate(self, tokens: dict[str, Any]) -> None:
        second = renew(tokens).json()
        assert bearer(second["access_token"]).get(ME).status_code == 200
        assert bearer(tokens["access_token"]).get(ME).status_code == 401
        third = renew(second).json()
        assert len({tokens["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3

    def test_grow_no_scopes(self, tokens: dict[str, Any]) -> None:
        assert renew(tokens, scope="read write administer").status_code == 400

    def test_a_second_use_ends_the_family(self, tokens: dict[str, Any], traces: list[str]) -> None:
        second = renew(tokens).json()
        assert (renew(tokens).status_code, renew(tokens).json()["error"]) == (400, "invalid_grant")
        assert renew(second).status_code == 400
        assert bearer(second["access_token"]).get(ME).status_code == 401
        assert "connection.reused" in traces

    def test_expire(self, tokens: dict[str, Any]) -> None:
        with time_machine.travel(timezone.now() + timedelta(minutes=61)):
            assert bearer(tokens["access_token"]).get(ME).status_code == 401
            assert renew(tokens).status_code == 200

    def test_are_revoked(self, tokens: dict[str, Any]) -> None:
        other = post_form("/oauth2/revoke/", {"token": tokens["refresh_token"], "client_id": "nobody"})
        assert other.status_code in {400, 401}
        assert bearer(tokens["access_token"]).get(ME).status_code == 200
        body = {"token": tokens["refresh_token"], "client_id": "symphony-editor"}
        assert post_form("/oauth2/revoke/", body).status_code == 200
        assert bearer(tokens["access_token"]).get(ME).status_code == 401
        assert renew(tokens).status_code == 400

    def test_of_an_inactive_person_open_nothing(self, tokens: dict[str, Any], dora: User) -> None:
        User.objects.filter(pk=dora.pk).update(is_active=False)
        assert bearer(tokens["access_token"]).get(ME).status_code == 401
        assert renew(tokens).status_code == 400

    def test_end_with_the_password(self, tokens: dict[str, Any], dora: User) -> None:
        with acting_as(dora.pk):
            password_changed.send(sender=None, user=dora)
        assert bearer(tokens["access_token"]).get(ME).status_code == 401
        assert renew(tokens).status_code == 400

    def test_for_another_resource_open_nothing(self, browser: Client, editor: Application) -> None:
        there = trade(code_of(browser, resource="https://elsewhere.example/api")).json()
        assert bearer(there["access_token"]).get(ME).status_code == 401
        here = trade(code_of(browser, resource="http://testserver/api/")).json()
        assert bearer(here["access_token"]).get(ME).status_code == 200

    def test_are_not_taken_from_the_address(self, tokens: dict[str, Any]) -> None:
        assert APIClient().get(f"{ME}?access_token={tokens['access_token']}").status_code == 401

    @pytest.mark.parametrize("token", ["symo_", "symo_x", "symo_é", "symo_" + "x" * 5000])
    def test_what_is_none(self, token: str, web_role: None) -> None:
        assert bearer(token).get(ME).status_code == 401

    def test_a_person_sees_and_ends_their_connections(
        self, tokens: dict[str, Any], sign_in: Any, bob: User, api_of: Any
    ) -> None:
        mine = bearer(sign_in()["access"])
        (listed,) = mine.get("/api/v1/auth/connections/").json()["results"]
        assert (listed["client_id"], listed["name"]) == ("symphony-editor", "Symphony editor")
        assert api_of(bob).get("/api/v1/auth/connections/").json()["results"] == []
        assert api_of(bob).delete(f"/api/v1/auth/connections/{listed['id']}/").status_code == 404
        assert mine.delete(f"/api/v1/auth/connections/{listed['id']}/").status_code == 204
        assert mine.delete(f"/api/v1/auth/connections/{listed['id']}/").status_code == 404
        assert bearer(tokens["access_token"]).get(ME).status_code == 401
        assert renew(tokens).status_code == 400

    def test_old_ones_do_not_pile_up(self, browser: Client, editor: Application, tokens: dict[str, Any]) -> None:
        with time_machine.travel(timezone.now() + timedelta(days=1)):
            for _ in range(3):
                tokens = renew(tokens).json()
        assert AccessToken.objects.count() == 1


class TestIntrospection:
    @pytest.fixture
    def confidential(self, db: None) -> Application:
        return Application.objects.create(
            client_id="resource-server",
            client_secret="a secret of the server",
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        )

    def test_is_for_clients_with_a_secret(self, tokens: dict[str, Any], confidential: Application, dora: User) -> None:
        def ask_about(token: str, **by: str) -> Any:
            return post_form("/oauth2/introspect/", {"token": token, **by})

        secret = {"client_id": "resource-server", "client_secret": "a secret of the server"}
        told = ask_about(tokens["access_token"], **secret).json()
        assert (told["active"], told["scope"], told["sub"]) == (True, "read write", str(dora.pk))
        assert ask_about("symo_x", **secret).json() == {"active": False}
        assert ask_about(tokens["access_token"], client_id="symphony-editor").status_code == 401
        assert ask_about(tokens["access_token"], client_id="symphony-editor", client_secret="").status_code == 401
        assert ask_about(tokens["access_token"], **{**secret, "client_secret": "wrong"}).status_code == 401
        assert ask_about(tokens["access_token"]).status_code == 401
        assert Client().get("/oauth2/introspect/", {"token": "x"}).status_code == 405


def test_the_metadata_tells_what_there_is(web_role: None) -> None:
    told = Client().get("/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == "http://testserver"
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["response_types_supported"] == ["code"]
    assert told["scopes_supported"] == ["administer", "read", "write"]
    for name in ("authorization", "token", "revocation", "introspection", "device_authorization"):
        assert told[f"{name}_endpoint"].startswith("http://testserver/oauth2/")
    assert "implicit" not in json.dumps(told)
    assert "password" not in told["grant_types_supported"]


def test_no_other_page_of_the_toolkit_is_there(browser: Client) -> None:
    for page in ("applications/", "applications/register/", "authorized_tokens/", "register/", "userinfo/"):
        assert browser.get(f"/oauth2/{page}").status_code == 404


def test_the_command_brings_the_editor_up_to_date(editor: Application, capsys: pytest.CaptureFixture[str]) -> None:
    Application.objects.filter(pk=editor.pk).update(redirect_uris="https://evil.example/", skip_authorization=True)
    call_command("oauth", "editor")
    editor.refresh_from_db()
    assert editor.redirect_uris == "http://127.0.0.1/callback http://[::1]/callback"
    assert not editor.skip_authorization
    assert "symphony-editor is up to date" in capsys.readouterr().out
    call_command("oauth", "clean")
