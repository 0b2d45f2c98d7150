"""Where the links of letters lead, in a browser that sends its CSRF token."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from apps.accounts import queries, services
from apps.accounts.models import Organization, User

pytestmark = pytest.mark.django_db
TokenOf = Callable[..., str]
Verified = Callable[[User], User]
PASSWORD = "a long and winding road"


@pytest.fixture
def browser(web_role: None) -> Client:
    return Client(enforce_csrf_checks=True)


def follow(browser: Client, path: str) -> Any:
    """The first stop keeps the secret and sends no referrer; the page itself stands at an address without it."""
    first = browser.get(path)
    assert first.status_code == 302
    assert first["Referrer-Policy"] == "no-referrer"
    assert "no-store" in first["Cache-Control"]
    page = browser.get(first["Location"])
    assert path.rsplit("/", 2)[1] not in first["Location"] + page.content.decode()
    return page


def press(browser: Client, path: str, page: Any, **fields: str) -> Any:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert found is not None
    return browser.post(path, {"csrfmiddlewaretoken": found[1], **fields})


def test_an_address_is_verified_by_a_button_not_by_a_look(alice: User, browser: Client, token_of: TokenOf) -> None:
    token = token_of(lambda: services.send_verification(actor=alice))
    page = follow(browser, f"/email/{token}/")
    alice.refresh_from_db()
    assert not alice.email_verified
    assert browser.post("/email/").status_code == 403
    assert b"confirmed" in press(browser, "/email/", page).content
    alice.refresh_from_db()
    assert alice.email_verified
    assert browser.get("/email/").status_code == 410


def test_a_password_is_chosen(alice: User, browser: Client, token_of: TokenOf) -> None:
    page = browser.get("/password/")
    token = token_of(lambda: press(browser, "/password/", page, email=alice.email))
    page = follow(browser, f"/password/{token}/")
    assert b"not the same" in press(browser, "/password/new/", page, password=PASSWORD, again="x").content
    assert b"too short" in press(browser, "/password/new/", page, password="x", again="x").content
    done = press(browser, "/password/new/", page, password=PASSWORD, again=PASSWORD)
    assert b'href="/login/"' in done.content
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_who_asks_for_a_link_learns_nothing(alice: User, browser: Client) -> None:
    page = browser.get("/password/")
    answers = [
        re.sub(r'value="\w+"', "", press(browser, "/password/", page, email=email).content.decode())
        for email in (alice.email, "nobody@example.org")
    ]
    assert answers[0] == answers[1]


def test_registration(browser: Client, settings: Any, token_of: TokenOf) -> None:
    assert browser.get("/register/").status_code == 403
    settings.SYMPHONY_SIGN_UP = True
    page = browser.get("/register/")
    token = token_of(lambda: press(browser, "/register/", page, email="new@example.org", display_name="Newt"))
    page = follow(browser, f"/register/{token}/")
    taken = press(browser, "/register/new/", page, password=PASSWORD, again=PASSWORD, username="me")
    assert b"not free" in taken.content
    press(browser, "/register/new/", page, password=PASSWORD, again=PASSWORD, username="newt")
    assert User.objects.get(username="newt").email_verified


class TestInvitations:
    def test_of_somebody_new(self, alice: User, orchestra: Organization, browser: Client, token_of: TokenOf) -> None:
        token = token_of(lambda: services.invite(actor=alice, organization=orchestra, email="new@example.org"))
        page = follow(browser, f"/invitations/{token}/")
        assert b"Orchestra" in page.content
        press(browser, "/invitations/answer/", page, password=PASSWORD, again=PASSWORD, display_name="Newt")
        newt = User.objects.get(email="new@example.org")
        assert queries.role_of(user=newt, organization=orchestra) == "member"

    @pytest.mark.parametrize(("answer", "role"), [("this", "member"), ("other", None)])
    def test_of_who_has_an_account(
        self, alice: User, bob: User, orchestra: Organization, browser: Client, token_of: TokenOf, verified: Verified,
        answer: str, role: str | None,
    ) -> None:  # fmt: skip
        token = token_of(lambda: services.invite(actor=alice, organization=orchestra, email=bob.email))
        assert b"/login/?next=/invitations/answer/" in follow(browser, f"/invitations/{token}/").content
        browser.force_login(verified(bob))
        page = follow(browser, f"/invitations/{token}/")
        press(browser, "/invitations/answer/", page, answer=answer)
        assert queries.role_of(user=bob, organization=orchestra) == role
        assert browser.get("/invitations/answer/").status_code == 410

    def test_of_somebody_else(
        self, alice: User, bob: User, carol: User, orchestra: Organization, browser: Client, token_of: TokenOf
    ) -> None:
        token = token_of(lambda: services.invite(actor=alice, organization=orchestra, email=bob.email))
        browser.force_login(carol)
        assert follow(browser, f"/invitations/{token}/").status_code == 403


def test_pages_of_errors_look_like_the_others(browser: Client, alice: User) -> None:
    missing = browser.get("/made-up")
    assert missing.status_code == 404
    assert b"There is nothing here" in missing.content
    assert b"accounts/card.css" in missing.content
    browser.force_login(alice)
    refused = browser.get("/admin/login/")
    assert (refused.status_code, f"You are signed in as {alice.email}" in refused.content.decode()) == (403, True)
    assert "in the log" in render_to_string("500.html")
    assert browser.get("/favicon.ico")["Location"].endswith("core/icon.svg")


@pytest.mark.parametrize("path", ["email", "password", "invitations"])
def test_a_dead_link_says_so(browser: Client, path: str) -> None:
    first = browser.get(f"/{path}/made-up/")
    page = browser.get(first["Location"])
    assert page.status_code == 410
    assert b"new one" in page.content
