"""`manage.py secrets`."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.core.tenancy import staff
from apps.projects import keyring
from apps.projects.models import Project, Secret
from manage import role_for
from symphony.env import Env

pytestmark = pytest.mark.django_db


def command(action: str) -> str:
    out = StringIO()
    call_command("secrets", action, stdout=out)
    return out.getvalue().strip()


def test_it_needs_the_owners_login() -> None:
    assert role_for("secrets") == "owner"


def test_a_new_key_is_one() -> None:
    one, two = command("key"), command("key")
    assert one != two
    assert len(Env({"KEYS": f"{one},{two}"}).keys("KEYS")) == 2


def test_rotation_makes_old_keys_superfluous(
    store: Callable[..., Secret], reveal: Callable[..., str | None], project: Project, settings: Settings
) -> None:
    before = store("API_KEY", "hush")
    store("API_KEY", "the project's", project)
    new = Fernet.generate_key().decode()
    settings.SYMPHONY_SECRET_KEYS = [new, *settings.SYMPHONY_SECRET_KEYS]
    store("FRESH", "sealed with the new one")
    assert command("rotate") == "2 secrets sealed anew, 1 had the newest key already."
    assert command("rotate") == "0 secrets sealed anew, 3 had the newest key already."
    settings.SYMPHONY_SECRET_KEYS = [new]
    assert reveal("API_KEY") == "hush"
    assert reveal("API_KEY", project) == "the project's"
    with staff():
        assert {each.key_id for each in Secret.objects.all()} == {keyring.key_id(new)}
        # The value is what it was when it was stored.
        assert Secret.objects.get(pk=before.pk).updated_at == before.updated_at


def test_what_no_key_opens_stays_and_is_named(
    store: Callable[..., Secret], reveal: Callable[..., str | None], settings: Settings
) -> None:
    store("LOST", "hush")
    lost = settings.SYMPHONY_SECRET_KEYS[0]
    known, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.SYMPHONY_SECRET_KEYS = [known]
    store("KNOWN", "hush")
    settings.SYMPHONY_SECRET_KEYS = [new, known]
    with pytest.raises(CommandError, match=r"None of the keys opens these.*LOST") as caught:
        command("rotate")
    assert "KNOWN" not in str(caught.value)
    settings.SYMPHONY_SECRET_KEYS = [new, lost]
    assert reveal("KNOWN") == reveal("LOST") == "hush"


def test_without_keys_there_is_nothing_to_rotate_to(settings: Settings) -> None:
    settings.SYMPHONY_SECRET_KEYS = []
    with pytest.raises(CommandError, match="SYMPHONY_SECRET_KEYS"):
        command("rotate")
