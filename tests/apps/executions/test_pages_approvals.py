"""The live page asks for decisions, and takes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.executions.pages import views

pytestmark = pytest.mark.django_db(transaction=True)

ASKING = "workflow: {name: asking, steps: [{name: ask, type: approval}, {name: after, type: approval}]}"
HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture
def asking(alice: User, orchestra: Organization, start: Callable[..., Any]) -> Any:
    return start(alice, ASKING, organization=orchestra)


def page(name: str, player: Any, *more: Any) -> str:
    return reverse(name, args=[player.execution.pk, *more])


def shown(browser: Client, player: Any) -> str:
    """The part that asks; the page and the part by itself say the same."""
    whole = browser.get(page("execution-page", player)).content.decode()
    section = re.search(r'<section class="card-section asked".*?</section>', whole, re.DOTALL)
    assert section is not None
    part = browser.get(page("execution-page-approvals", player))
    assert part["Content-Security-Policy"] == views.POLICY
    tokens = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')
    text = tokens.sub("", part.content.decode())
    assert text.strip() in tokens.sub("", section[0])
    return text.strip()


def test_asks_whoever_may_decide(
    alice: User, bob: User, orchestra: Organization, asking: Any, browser_of: Callable[[User], Client]
) -> None:
    accounts.add_member(actor=alice, organization=orchestra, user=bob, role="member")
    owner, member = browser_of(alice), browser_of(bob)
    assert shown(owner, asking) == ""
    task = asking.ask(
        "Play it?", role="admin", quorum=2, details={"description": "An overture", "details": {"bars": 4}}
    )
    text = shown(owner, asking)
    for word in ("Play it?", "An overture", "&quot;bars&quot;: 4", "0 of 2 have approved", task):
        assert word in text
    assert shown(member, asking) == ""


def test_takes_the_decision(alice: User, asking: Any, browser_of: Callable[[User], Client]) -> None:
    task, browser = asking.ask("Play it?"), browser_of(alice)
    address = page("execution-page-decide", asking, task)
    answer = browser.post(address, {"decision": "approve", "comment": " Bravo "})
    assert (answer.status_code, answer["Location"]) == (302, page("execution-page", asking))
    assert shown(browser, asking) == ""
    said = browser.get(f"/api/v1/tasks/{task}/decisions/").json()["results"]
    assert [(one["decision"], one["comment"]) for one in said] == [("approve", "Bravo")]
    # A second click, or somebody who was faster, is nothing to complain about.
    assert browser.post(address, {"decision": "reject"}).status_code == 302
    assert browser.get(address).status_code == 405


def test_what_is_no_decision(alice: User, asking: Any, browser_of: Callable[[User], Client]) -> None:
    task, browser = asking.ask("x"), browser_of(alice)
    for body in ({}, {"decision": "maybe"}, {"decision": "approve", "comment": "x" * 2001}):
        assert browser.post(page("execution-page-decide", asking, task), body).status_code == 400
    assert task in shown(browser, asking)


def test_strangers_and_viewers(
    alice: User, bob: User, carol: User, orchestra: Organization, asking: Any, start: Callable[..., Any],
    browser_of: Callable[[User], Client],
) -> None:  # fmt: skip
    accounts.add_member(actor=alice, organization=orchestra, user=bob, role="viewer")
    task = asking.ask("x")
    stranger, viewer = browser_of(carol), browser_of(bob)
    address = page("execution-page-decide", asking, task)
    assert stranger.get(page("execution-page-approvals", asking)).status_code == 404
    assert stranger.post(address, {"decision": "approve"}).status_code == 404
    assert shown(viewer, asking) == ""
    assert viewer.post(address, {"decision": "approve"}).status_code == 403
    assert Client().post(address, {"decision": "approve"}).status_code == 302
    # Somebody else's task under an execution of one's own.
    own = start(carol, ASKING)
    assert stranger.post(page("execution-page-decide", own, task), {"decision": "approve"}).status_code == 404
    assert task in shown(browser_of(alice), asking)


def test_needs_the_form(alice: User, asking: Any, web_role: None) -> None:
    task = asking.ask("x")
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(page("execution-page-decide", asking, task), {"decision": "approve"}).status_code == 403


def test_nothing_hostile_gets_through(alice: User, asking: Any, browser_of: Callable[[User], Client]) -> None:
    asking.ask(HOSTILE, details={"description": HOSTILE, "details": {HOSTILE: HOSTILE}})
    text = shown(browser_of(alice), asking)
    assert "<img" not in text
    assert "&lt;img" in text


def test_a_comment_that_cannot_be_kept_is_refused(
    alice: User, asking: Any, browser_of: Callable[[User], Client]
) -> None:
    task, browser = asking.ask("Play it?"), browser_of(alice)
    address = page("execution-page-decide", asking, task)
    assert browser.post(address, {"decision": "approve", "comment": "a\0b"}).status_code == 400
    assert browser.get(f"/api/v1/tasks/{task}/").json()["status"] == "waiting"
