"""Melodies in the admin: found by what they say, archived and brought back, never written."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.core.tenancy import acting_as, staff
from apps.melodies.models import Melody
from apps.melodies.services import create_melody

from .test_api import HELLO
from .test_library import HomeOf

pytestmark = pytest.mark.django_db
MELODIES = "/admin/melodies/melody/"


@pytest.fixture
def root(alice: User) -> User:
    return User.objects.create_superuser(email="root@example.org")


@pytest.fixture
def admin(root: User, web_role: None) -> Client:
    client = Client()
    client.force_login(root)
    return client


def make(user: User, home_of: HomeOf, name: str, **fields: object) -> Melody:
    with acting_as(user.pk):
        source = HELLO.replace("name: hello", f"name: {name}")
        melody = create_melody(actor=user, organization=home_of(user), source=source, media="yaml").melody
        Melody.objects.filter(pk=melody.pk).update(**fields)
    return melody


def test_search_filter_and_look(admin: Client, alice: User, bob: User, home_of: HomeOf) -> None:
    make(alice, home_of, "reviewing", tags=["nightly"])
    melody = make(bob, home_of, "sending", path="mail/send.yaml")
    for query, shown, hidden in (
        ("q=review", "reviewing", "sending"),
        ("q=reviwe", "reviewing", "sending"),
        ("q=mail/send.yaml", "sending", "reviewing"),
        (f"q={melody.pk}", "sending", "reviewing"),
        ("tag=nightly", "reviewing", "sending"),
    ):
        page = admin.get(f"{MELODIES}?{query}").content.decode()
        assert f">{shown}</a>" in page, query
        assert f">{hidden}</a>" not in page, query
    assert "nightly (1)" in admin.get(MELODIES).content.decode()
    page = admin.get(f"{MELODIES}{melody.pk}/change/").content.decode()
    assert "1.0.0" in page
    assert 'name="_save"' not in page


def test_archive_and_activate(admin: Client, alice: User, bob: User, home_of: HomeOf) -> None:
    melodies = [make(alice, home_of, "one"), make(bob, home_of, "two")]
    for action, status in (("archive", "archived"), ("activate", "active")):
        chosen = {"action": action, "_selected_action": [str(melody.pk) for melody in melodies]}
        assert admin.post(MELODIES, chosen).status_code == 302
        with staff():
            assert set(Melody.objects.values_list("status", flat=True)) == {status}


def test_a_longer_list_asks_no_more_questions(admin: Client, alice: User, home_of: HomeOf) -> None:
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert admin.get(MELODIES).status_code == 200
        return len(asked)

    make(alice, home_of, "m0")
    admin.get(MELODIES)
    few = questions()
    for index in range(1, 5):
        make(alice, home_of, f"m{index}")
    assert questions() == few
