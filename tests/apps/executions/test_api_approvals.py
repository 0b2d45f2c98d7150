"""Deciding over the API: who may, once, and what becomes of the task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.errors import Forbidden
from apps.core.tenancy import acting_as
from apps.executions import approvals, lookups
from apps.executions.errors import NotWaiting
from apps.executions.models import Task

pytestmark = pytest.mark.django_db

API = "/api/v1/"
Start = Callable[..., Any]
ApiOf = Callable[[User], APIClient]

ASKING = """\
workflow:
  name: asking
  mode: dag
  steps:
    - {name: first, type: approval}
    - {name: second, type: approval}
"""


@pytest.fixture
def cast(alice: User, bob: User, carol: User, orchestra: Organization) -> dict[str, User]:
    """Alice owns the orchestra, Bob is a member, Carol an admin."""
    accounts.add_member(actor=alice, organization=orchestra, user=bob, role="member")
    accounts.add_member(actor=alice, organization=orchestra, user=carol, role="admin")
    return {"owner": alice, "member": bob, "admin": carol}


@pytest.fixture
def asking(alice: User, orchestra: Organization, start: Start) -> Any:
    return start(alice, ASKING, organization=orchestra)


def decide(client: APIClient, task: str, decision: str = "approve", comment: str | None = None, **headers: str) -> Any:
    body = {"decision": decision} | ({} if comment is None else {"comment": comment})
    return client.post(f"{API}tasks/{task}/decision/", body, format="json", headers=headers)


def waiting(client: APIClient, **query: str) -> list[str]:
    response = client.get(f"{API}approvals/", query)
    assert response.status_code == 200, response.content
    return [row["task"] for row in response.json()["results"]]


def shown(client: APIClient, task: str) -> Any:
    return client.get(f"{API}tasks/{task}/").json()


def test_a_decision(alice: User, asking: Any, api_of: ApiOf) -> None:
    task = asking.ask("Play it?", details={"title": "Play it?", "details": {"bars": 4}})
    client = api_of(alice)
    (row,) = client.get(f"{API}approvals/").json()["results"]
    assert (row["task"], row["melody_name"], row["execution"]) == (task, "asking", str(asking.execution.pk))
    assert row["waiting_for"] == {
        "reason": "approval",
        "name": "Play it?",
        "due_at": None,
        "details": {"title": "Play it?", "details": {"bars": 4}},
        "role": "member",
        "quorum": 1,
        "decisions": [],
    }
    assert shown(client, task)["waiting_for"] == row["waiting_for"]
    response = client.post(row["decision_url"], {"decision": "approve", "comment": "Bravo"}, format="json")
    said = response.json()
    assert (response.status_code, said["decision"], said["comment"], said["over"]) == (201, "approve", "Bravo", True)
    assert (said["user"], said["role"], said["task"]) == ("alice@example.org", "owner", task)
    assert (shown(client, task)["status"], shown(client, task)["waiting_for"]) == ("dispatched", None)
    assert waiting(client) == []
    (listed,) = client.get(f"{API}tasks/{task}/decisions/").json()["results"]
    assert listed == {name: value for name, value in said.items() if name != "over"}
    (event,) = client.get(f"{API}executions/{asking.execution.pk}/events/", {"type": "task_decided"}).json()["results"]
    assert event["payload"]["user"] == "alice@example.org"


def test_a_quorum(cast: dict[str, User], asking: Any, api_of: ApiOf) -> None:
    task = asking.ask("both", quorum=2)
    first, second = api_of(cast["member"]), api_of(cast["admin"])
    assert decide(first, task).json()["over"] is False
    assert waiting(first) == []
    assert waiting(second) == [task]
    (vote,) = shown(second, task)["waiting_for"]["decisions"]
    assert (vote["user"], vote["decision"]) == ("bob@example.org", "approve")
    again = decide(first, task, "reject")
    assert (again.status_code, again.json()["code"]) == (409, "already_decided")
    assert decide(second, task).json()["over"] is True
    late = decide(api_of(cast["owner"]), task)
    assert (late.status_code, late.json()["code"]) == (409, "not_waiting")


def test_the_first_rejection_ends_it(cast: dict[str, User], asking: Any, api_of: ApiOf) -> None:
    task = asking.ask("all", quorum=3)
    assert decide(api_of(cast["admin"]), task).json()["over"] is False
    assert decide(api_of(cast["member"]), task, "reject", "too fast").json()["over"] is True


@pytest.mark.parametrize(
    ("asked", "may"),
    [("member", {"member", "admin", "owner"}), ("admin", {"admin", "owner"}), ("owner", {"owner"})],
)
def test_the_role_must_suffice(cast: dict[str, User], asking: Any, api_of: ApiOf, asked: str, may: set[str]) -> None:
    task = asking.ask("x", role=asked, quorum=9)
    for role, user in cast.items():
        client = api_of(user)
        assert waiting(client) == ([task] if role in may else []), role
        response = decide(client, task)
        assert response.status_code == (201 if role in may else 403), role
        if role not in may:
            assert response.json()["detail"].startswith(f"This needs the role {asked} or above")


def test_nobody_judges_their_own_run(cast: dict[str, User], asking: Any, api_of: ApiOf) -> None:
    task = asking.ask("x", details={"exclude_submitter": True})
    client = api_of(cast["owner"])
    assert waiting(client) == []
    refused = decide(client, task)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert waiting(api_of(cast["member"])) == [task]


def test_a_key_makes_it_happen_once(alice: User, asking: Any, api_of: ApiOf) -> None:
    task, client = asking.ask("x"), api_of(alice)
    first = decide(client, task, **{"Idempotency-Key": "k1"})
    again = decide(client, task, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())


def test_filters(alice: User, orchestra: Organization, asking: Any, start: Start, api_of: ApiOf) -> None:
    task, other = asking.ask("x"), start(alice, ASKING)
    own = other.ask("y")
    client = api_of(alice)
    assert sorted(waiting(client)) == sorted([task, own])
    assert waiting(client, organization=str(orchestra.pk)) == [task]
    assert waiting(client, execution=str(other.execution.pk)) == [own]
    assert waiting(client, melody=str(asking.execution.melody_id)) == [task]


@pytest.mark.parametrize("body", [{}, {"decision": "maybe"}, {"decision": "approve", "comment": "x" * 2001}, []])
def test_what_is_no_decision(alice: User, asking: Any, api_of: ApiOf, body: Any) -> None:
    task, client = asking.ask("x"), api_of(alice)
    response = client.post(f"{API}tasks/{task}/decision/", body, format="json")
    assert response.status_code == 422
    assert waiting(client) == [task]


def test_a_task_that_does_not_ask(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice)
    response = decide(api_of(alice), str(player.task_ids("dispatched")[0]))
    assert (response.status_code, response.json()["code"]) == (409, "not_waiting")


def test_questions_do_not_grow_with_the_list(alice: User, start: Start, api_of: ApiOf) -> None:
    client = api_of(alice)

    def questions() -> int:
        with CaptureQueriesContext(connection) as captured:
            waiting(client)
        return len(captured)

    player = start(alice, ASKING)
    player.ask("one")
    questions()
    few = questions()
    player.ask("two")
    start(alice, ASKING).ask("three")
    assert len(waiting(client)) == 3
    assert questions() == few


def test_a_list_of_tasks_tells_what_they_wait_for(cast: dict[str, User], asking: Any, api_of: ApiOf) -> None:
    task = asking.ask("x", quorum=2)
    decide(api_of(cast["member"]), task, comment="yes")
    rows = api_of(cast["owner"]).get(f"{API}executions/{asking.execution.pk}/tasks/").json()["results"]
    told = {row["id"]: row["waiting_for"] for row in rows}
    assert [(vote["user"], vote["comment"]) for vote in told[task]["decisions"]] == [("bob@example.org", "yes")]
    assert [value for identifier, value in told.items() if identifier != task] == [None]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"carry": {"role": "owner", "quorum": 1, "details": {}}}, Forbidden),
        ({"attempt": 2}, NotWaiting),
        ({"wait": "signal"}, NotWaiting),
    ],
)
def test_what_counts_is_what_is_asked_now(
    cast: dict[str, User], orchestra: Organization, asking: Any, change: dict[str, Any], refusal: type[Exception]
) -> None:
    task_id = asking.ask("Play it?")
    with acting_as(cast["member"].pk):
        read = lookups.task_for(actor=cast["member"], task_id=task_id)
        Task.objects.filter(pk=task_id).update(**change)
        with pytest.raises(refusal):
            approvals.decide(actor=cast["member"], task=read, decision="approve")
        assert not read.execution.decisions.exists()
