from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import User
from tests.apps.signin.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def post(client: Client, user: User, **more: str) -> object:
    return client.post("/login/", {"username": user.email, "password": PASSWORD, **more})


def test_sessions_get_a_new_key_at_sign_in(dora: User, web_role: None) -> None:
    client = Client()
    client.get("/login/")
    session = client.session
    session["mine"] = "planted"
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted
    assert post(client, dora).status_code == 302
    assert client.session.session_key != planted


@pytest.mark.parametrize("goal", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_leads_nowhere_else(dora: User, web_role: None, goal: str) -> None:
    answer = post(Client(), dora, next=goal)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    inside = post(Client(), dora, next="/admin/")
    assert inside["Location"] == "/admin/"


def test_the_admin_sends_people_to_the_one_page(dora: User, browser: Client, web_role: None) -> None:
    assert Client().get("/admin/login/?next=/admin/accounts/")["Location"] == "/login/?next=/admin/accounts/"
    assert Client().get("/admin/login/?next=https://evil.example/")["Location"] == "/login/?next=/admin/"
    assert browser.get("/admin/login/").status_code == 403
    User.objects.filter(pk=dora.pk).update(is_staff=True)
    assert browser.get("/admin/login/")["Location"] == "/admin/"


def test_inactive_people_are_not_told_so(dora: User, web_role: None) -> None:
    User.objects.filter(pk=dora.pk).update(is_active=False)
    text = post(Client(), dora).content.decode()
    assert "do not belong together" in text
    assert PASSWORD not in text


def test_a_changed_password_ends_other_browsers(dora: User, browser: Client) -> None:
    assert browser.get("/api/v1/users/me/").status_code == 200
    dora.set_password("another battery staple horse")
    dora.save()
    assert browser.get("/api/v1/users/me/").status_code in {401, 403}


def test_pages_need_no_inline_style(web_role: None) -> None:
    page = Client().get("/login/")
    assert "<style" not in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_the_page_of_the_code_is_for_whom_knows_the_password(web_role: None) -> None:
    assert Client().get("/login/code/")["Location"] == "/login/"
    assert Client().post("/login/code/", {"code": "123456"})["Location"] == "/login/"
