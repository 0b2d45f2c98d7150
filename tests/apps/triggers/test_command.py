"""`manage.py melody trigger`."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.melodies.models import Melody
from tests.apps.triggers.conftest import MakeMelody


def melody_command(*words: object, user: User) -> Any:
    out = StringIO()
    call_command("melody", "trigger", *map(str, words), "--user", user.email, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_triggers_are_added_listed_fired_and_made_up_for(alice: User, melody: Melody) -> None:
    added = melody_command("add", melody.pk, "nightly", "--cron", "0 3 * * *", "--overlap", "skip", user=alice)
    assert (added["kind"], added["state"]) == ("cron", "active")
    listed = melody_command("list", "--melody", melody.pk, user=alice)["triggers"]
    assert [row["id"] for row in listed] == [added["id"]]
    fired = melody_command("fire", added["id"], "--input", "x=1", user=alice)
    assert (fired["state"], fired["execution"] is not None) == ("started", True)
    assert melody_command("fire", added["id"], user=alice)["state"] == "skipped"
    counted = melody_command("backfill", added["id"], "2020-01-01", "2020-01-08", "--dry-run", user=alice)
    assert counted == {"total": 7, "fired_before": 0}
    assert melody_command("backfill", added["id"], "2020-01-01", "2020-01-03", user=alice)["total"] == 2


def test_a_name_will_do_where_it_is_the_only_one(
    alice: User, bob: User, melody: Melody, make_melody: MakeMelody
) -> None:
    first = melody_command("add", melody.pk, "every night", "--cron", "0 3 * * *", user=alice)
    fired = melody_command("fire", "every night", "--input", "x=1", user=alice)
    assert fired["state"] == "started"
    assert len(melody_command("preview", "every night", "--count", 2, user=alice)["times"]) == 2
    with pytest.raises(CommandError, match="no trigger 'every night'"):
        melody_command("fire", "every night", user=bob)
    second = melody_command("add", make_melody("other").pk, "every night", user=alice)
    with pytest.raises(CommandError, match="name one by its id") as refused:
        melody_command("fire", "every night", user=alice)
    assert all(
        f"{made['id']}  {name}: every night" in str(refused.value)
        for made, name in ((first, "tune"), (second, "other"))
    )


def test_a_preview_needs_no_trigger(alice: User) -> None:
    words = (
        "--cron",
        "30 2 * * *",
        "--timezone",
        "Europe/Berlin",
        "--after",
        "2026-03-28T12:00:00+01:00",
        "--count",
        1,
    )
    assert melody_command("preview", *words, user=alice)["times"] == ["2026-03-29T03:00:00+02:00"]


def test_a_webhook_comes_with_its_secret(alice: User, melody: Melody, settings: Any) -> None:
    settings.SYMPHONY_SECRET_KEYS = [Fernet.generate_key().decode()]
    added = melody_command("add", melody.pk, "orders", "--webhook", "--mapping", '{"a": "{{payload}}"}', user=alice)
    assert added["secret"].startswith("whsec_")
    assert added["hook"].startswith("/api/v1/hooks/")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--cron", "x"), "/cron/0"),
        (("--cron", "@daily", "--webhook"), "one kind"),
        (("--mapping", "{"), "not JSON"),
        (("--filter", "1 +"), "/filter"),
    ],
)
def test_what_is_wrong_is_told(alice: User, melody: Melody, words: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        melody_command("add", melody.pk, "n", *words, user=alice)
