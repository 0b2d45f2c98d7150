"""The live page pauses and resumes, and says what holds a run up."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, staff
from apps.executions import ledger, services
from apps.executions.admin.filters import EVENT_TYPES
from apps.executions.models import Execution, Task
from apps.executions.pages import views
from tests.apps.executions.conftest import as_worker

pytestmark = pytest.mark.django_db(transaction=True)

EXCLUSIVE = """\
workflow:
  name: exclusive
  mode: dag
  steps:
    - {name: one, type: test_echo, value: 1, exclusive: room}
    - {name: two, type: test_echo, value: 2, exclusive: room}
    - {name: three, type: test_echo, value: 3, exclusive: room}
"""
LIMITED = """\
workflow:
  name: limited
  mode: dag
  steps:
    - {name: one, type: test_echo, value: 1, limit: gpu}
    - {name: two, type: test_echo, value: 2, limit: gpu}
    - {name: three, type: test_echo, value: 3, limit: gpu}
"""


def page(name: str, player: Any) -> str:
    return reverse(name, args=[player.execution.pk])


def held(browser: Client, player: Any) -> list[str]:
    """What holds the run up, as the page and the part by itself both say."""
    whole = browser.get(page("execution-page", player)).content.decode()
    section = re.search(r'<section class="card-section held".*?</section>', whole, re.DOTALL)
    assert section is not None
    part = browser.get(page("execution-page-held", player))
    assert part["Content-Security-Policy"] == views.POLICY
    text = part.content.decode().strip()
    assert text in section[0]
    assert ("hidden" in section[0].partition(">")[0]) == (text == "")
    return re.findall(r"<span>(.*?)</span>", text)


def hidden(browser: Client, player: Any) -> dict[str, bool]:
    """Which of the buttons are there but not to be seen."""
    text = browser.get(page("execution-page", player)).content.decode()
    return {name: bool(more) for name, more in re.findall(r'<form method="post" id="(\w+)"[^>]*?( hidden)?>', text)}


def test_a_run_is_paused_and_resumed(alice: User, start: Any, browser_of: Callable[[User], Client]) -> None:
    player, browser = start(alice), browser_of(alice)
    assert hidden(browser, player) == {"pause": False, "resume": True}
    assert held(browser, player) == []
    answer = browser.post(page("execution-page-pause", player))
    assert (answer.status_code, answer["Location"]) == (302, page("execution-page", player))
    assert hidden(browser, player) == {"pause": True, "resume": False}
    (told,) = held(browser, player)
    assert "paused by alice@example.org" in told
    assert browser.post(page("execution-page-pause", player)).status_code == 302
    browser.post(page("execution-page-resume", player))
    assert hidden(browser, player) == {"pause": False, "resume": True}
    assert held(browser, player) == []
    player.play()
    assert hidden(browser, player) == {}
    assert browser.post(page("execution-page-resume", player)).status_code == 302


def test_viewers_and_strangers_do_neither(
    alice: User,
    viewer: User,
    carol: User,
    orchestra: Organization,
    start: Any,
    browser_of: Callable[[User], Client],
) -> None:
    player = start(alice, organization=orchestra)
    looking, stranger = browser_of(viewer), browser_of(carol)
    assert hidden(looking, player) == {}
    for verb in ("pause", "resume"):
        assert looking.post(page(f"execution-page-{verb}", player)).status_code == 403
        assert stranger.post(page(f"execution-page-{verb}", player)).status_code == 404
        assert looking.get(page(f"execution-page-{verb}", player)).status_code == 405
    assert stranger.get(page("execution-page-held", player)).status_code == 404
    assert held(looking, player) == []
    with acting_as(alice.pk):
        assert Execution.objects.get(pk=player.execution.pk).status != "paused"


def test_needs_the_form(alice: User, start: Any, web_role: None) -> None:
    player = start(alice)
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    for verb in ("pause", "resume"):
        assert client.post(page(f"execution-page-{verb}", player)).status_code == 403


def test_says_when_steps_wait_for_a_limit(
    alice: User, orchestra: Organization, start: Any, browser_of: Callable[[User], Client]
) -> None:
    with acting_as(alice.pk):
        pool = services.create_pool(actor=alice, organization=orchestra, kind="key", name="gpu", slots=1)
    player = start(alice, LIMITED, organization=orchestra)
    for task_id in player.task_ids("dispatched"):
        with as_worker():
            ledger.claim(player.organization, str(task_id), "player/1")
    browser = browser_of(alice)
    assert held(browser, player) == ["2 steps wait for room in the limit gpu (1 slot)."]
    with acting_as(alice.pk):
        services.update_pool(actor=alice, pool=pool, open=False)
    assert held(browser, player) == ["2 steps wait for room in the limit gpu, which is closed."]


def test_says_when_steps_exclude_each_other(alice: User, start: Any, browser_of: Callable[[User], Client]) -> None:
    player = start(alice, EXCLUSIVE)
    for task_id in player.task_ids("dispatched"):
        with as_worker():
            ledger.claim(player.organization, str(task_id), "player/1")
    assert held(browser_of(alice), player) == ["2 steps wait for others that exclude them (room)."]


def test_says_when_calls_wait_for_a_model(alice: User, start: Any, browser_of: Callable[[User], Client]) -> None:
    player = start(alice)
    (first,) = player.task_ids("dispatched")
    player.claim(first)
    with staff():
        Task.objects.filter(pk=first).update(status="waiting", wait="limit", wait_key="<b>opus", lease=None)
    assert held(browser_of(alice), player) == [
        "1 step waits for room in the limit of the model &lt;b&gt;opus.",
    ]


def test_the_page_hears_of_every_event() -> None:
    """Browsers hear of named events only when they ask for them by name."""
    executions = Path(settings.BASE_DIR) / "apps" / "executions"
    ledger_code = "".join(path.read_text(encoding="utf-8") for path in (executions / "sql").glob("*.sql"))
    written = set(re.findall(r"PERFORM ledger_event\([^;]*?'([a-z]+_[a-z_]+)'", ledger_code))
    assert {"execution_paused", "execution_timeout", "task_result_set"} <= written
    feed = (executions / "static" / "executions" / "feed.js").read_text(encoding="utf-8")
    heard = set(re.findall(r'"([a-z_]+)"', feed.partition("const TYPES")[2]))
    assert written <= heard
    assert heard == set(EVENT_TYPES)
