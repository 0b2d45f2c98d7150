"""`melody pools | priority`, on the database role of the web, and as docs/pit.md prints them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from django.core.management import CommandError

from apps.accounts import queries as accounts
from apps.accounts.models import Organization, Role, User
from apps.accounts.services import add_member, create_organization, create_user
from apps.core.tenancy import acting_as, staff
from apps.executions import services
from apps.executions.models import Execution, Pool
from apps.melodies.services import create_melody
from tests.apps.executions.conftest import Player
from tests.workers.test_melody_command import NOWHERE, call

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pit.md").read_text(encoding="utf-8")
CHAIN = {"workflow": {"name": "chain", "steps": [{"name": name, "type": "test_echo"} for name in ("a", "b")]}}


@pytest.fixture
def boss(web_role: None) -> User:
    return create_user(email="boss@example.org", password=None, display_name="Boss", is_superuser=True)


@pytest.fixture
def home(boss: User) -> Organization:
    return home_of(boss)


def home_of(user: User) -> Organization:
    with acting_as(user.pk):
        return accounts.organization_for(actor=user)


@pytest.fixture
def player(boss: User, home: Organization) -> Player:
    with acting_as(boss.pk):
        melody = create_melody(actor=boss, organization=home, source=json.dumps(CHAIN), media="json").melody
        return Player(services.start_execution(actor=boss, melody=melody, input={}))


def pools() -> list[tuple[str, str, int | None, int | None, bool]]:
    with staff():
        return [
            (pool.kind, pool.name, pool.slots, pool.tokens_per_minute, pool.open)
            for pool in Pool.objects.order_by("id")
        ]


def test_what_the_page_prints(boss: User) -> None:
    printed = re.findall(r"^\$ manage\.py melody (pools .*)$", PAGE, re.MULTILINE)
    assert len(printed) >= 3
    assert call("pools") == "no pools: nothing is limited\n"
    told = [call(*shlex.split(line)) for line in printed]
    assert pools() == [
        ("key", "search-api", 2, None, False),
        ("model", "claude-sonnet-4-5", 8, 400_000, True),
    ]
    assert re.search(r"^key +search-api +0/2 .*closed", told[-1], re.MULTILINE)
    assert re.search(r"^model +claude-sonnet-4-5 +0/8  400,000 tokens/min", told[-1], re.MULTILINE)


def test_a_pool_is_made_changed_opened_and_deleted(boss: User, home: Organization) -> None:
    told = json.loads(call("pools", "--name", "api", "--slots", "2", "--json"))
    assert [(pool["name"], pool["slots"], pool["taken"], pool["organization"]) for pool in told["pools"]] == [
        ("api", 2, 0, str(home.pk))
    ]
    call("pools", "--name", "api", "--slots", "5", "--close")
    assert pools() == [("key", "api", 5, None, False)]
    call("pools", "--name", "api", "--open")
    assert pools() == [("key", "api", 5, None, True)]
    call("pools", "--kind", "organization", "--slots", "9")
    assert call("pools", "--name", "api", "--delete").startswith("organization ")
    assert pools() == [("organization", "", 9, None, True)]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--name", "api", "--slots", "0"], "/slots: `slots` is from 1 to 1,000,000"),
        (["--name", "api", "--slots", "many"], "invalid int value: 'many'"),
        (["--name", "Not Plain", "--slots", "1"], "/name: .* is a plain name"),
        (["--name", "api", "--tokens-per-minute", "5"], "Only a pool of the kind `model` counts tokens"),
        (["--slots", "2"], "/name: A pool of the kind key needs a name"),
        (["--kind", "gpu", "--name", "api", "--slots", "1"], "invalid choice: 'gpu'"),
        (["--kind", "queue", "--name", "mars", "--slots", "1"], "/name: .*the queue 'mars', which no worker serves"),
        (["--name", "api"], "say what to do with it: --slots"),
        (["--name", "api", "--close"], "There is no pool key api here; --slots makes one"),
        (["--name", "api", "--delete"], "There is no pool key api here"),
        (["--name", "api", "--close", "--open"], "not allowed with argument"),
        (["--name", "api", "--slots", "3", "--delete"], "--delete goes alone"),
        (["--organization", "nowhere"], "There is no such organization"),
        (["--user", "x@example.org"], r"no active user x@example\.org"),
    ],
)
def test_a_clear_sentence(boss: User, arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint) as refused:
        call("pools", *arguments)
    lines = str(refused.value).splitlines()
    assert len(lines) == len({line.split(": ", 1)[-1] for line in lines}), "nothing is said twice"
    assert pools() == []


def test_of_others_nothing_is_seen_and_viewers_change_nothing(boss: User) -> None:
    guest = create_user(email="guest@example.org", password=None, display_name="Guest")
    shared = create_organization(actor=boss, name="Orchestra")
    call("pools", "--organization", shared.slug, "--name", "api", "--slots", "2")
    asking = ("pools", "--organization", shared.slug, "--user", guest.email)
    for change in ([], ["--name", "api", "--slots", "9"], ["--name", "api", "--delete"]):
        with pytest.raises(CommandError, match="There is no such organization, or you are not a member"):
            call(*asking, *change)
    with acting_as(boss.pk):
        add_member(actor=boss, organization=shared, user=guest, role=Role.VIEWER)
    assert call(*asking).startswith("key ")
    for change in (["--slots", "9"], ["--close"], ["--delete"]):
        with pytest.raises(CommandError, match="As viewer of Orchestra you may not"):
            call(*asking, "--name", "api", *change)
    assert pools() == [("key", "api", 2, None, True)]


def test_priority(player: Player) -> None:
    run = str(player.execution.pk)
    assert call("priority", run, "-5") == f"execution {run} priority -5\n"
    told = json.loads(call("priority", run, "10", "--json"))
    assert (told["id"], told["status"]) == (run, "pending")
    with staff():
        assert Execution.objects.get(pk=run).priority == 10


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["RUN", "11"], "from -10 to 10"),
        (["RUN", "high"], "invalid int value"),
        (["RUN"], "required: N"),
        (["nonsense", "1"], "invalid UUID value"),
        ([NOWHERE, "1"], "There is no such execution"),
        (["RUN", "1", "--user", "guest@example.org"], "There is no such execution"),
    ],
)
def test_a_priority_that_cannot_be(player: Player, arguments: list[str], complaint: str) -> None:
    create_user(email="guest@example.org", password=None, display_name="Guest")
    with pytest.raises(CommandError, match=complaint):
        call("priority", *(argument.replace("RUN", str(player.execution.pk)) for argument in arguments))
    with staff():
        assert Execution.objects.get(pk=player.execution.pk).priority == 0


def test_a_run_that_is_over_has_no_priority_any_more(player: Player) -> None:
    player.play()
    with pytest.raises(CommandError, match="has ended"):
        call("priority", str(player.execution.pk), "3")
