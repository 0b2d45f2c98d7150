"""`melody diff`: of files, and of what is published."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.accounts import queries as accounts
from apps.accounts.services import create_user
from apps.core.tenancy import acting_as
from apps.melodies import services

ONE = "workflow:\n  name: hello\n  steps:\n    - {name: greet, type: test_echo, value: Hello}\n"
OTHER = ONE + "    - {name: more, type: test_echo}\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    one, other = tmp_path / "one.yaml", tmp_path / "o@1"
    one.write_text(ONE)
    other.write_text(OTHER)
    return str(one), str(other)


def call(*arguments: str) -> str:
    out = io.StringIO()
    call_command("melody", "diff", *arguments, stdout=out)
    return out.getvalue()


def test_files(files: tuple[str, str]) -> None:
    one, other = files
    assert call(one, other) == "Step `more` (test_echo) added.\n\nThis is a minor change.\n"
    assert call(one, one, "--exit-code") == "They say the same.\n"
    text = call(one, other, "--text").splitlines()
    assert text[:2] == [f"--- {one}", f"+++ {other}"]
    assert "+    - name: more" in text
    with pytest.raises(SystemExit) as left:
        call(one, other, "--exit-code")
    assert left.value.code == 1
    told = json.loads(call(one, other, "--json"))
    assert (told["same"], told["weight"], told["steps_added"][0]["names"]) == (False, "minor", ["more"])
    with pytest.raises(CommandError, match="cannot be read"):
        call(one, "nowhere.yaml")


@pytest.mark.django_db
def test_what_is_published(files: tuple[str, str]) -> None:
    user = create_user(email="me@example.org", password=None)
    with acting_as(user.pk):
        home = accounts.organization_for(actor=user)
        melody = services.create_melody(actor=user, organization=home, source=ONE, media="yaml", path="a.yaml").melody
        services.publish_version(actor=user, melody=melody, source=OTHER, media="yaml")
    me = ("--user", "me@example.org")
    assert call("a.yaml@1", f"{melody.pk}@1.1.0", *me).startswith("Step `more` (test_echo) added.")
    assert call("a.yaml@latest", files[1], *me) == "They say the same.\n"
    with pytest.raises(CommandError, match="neither a file"):
        call("b.yaml@1", files[0], *me)
    with pytest.raises(CommandError, match="no version"):
        call("a.yaml@7", files[0], *me)
