"""Telling runs something over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.executions import signals

pytestmark = pytest.mark.django_db

API = "/api/v1/"
Start = Callable[..., Any]
ApiOf = Callable[[User], APIClient]

LISTENING = """\
workflow:
  name: listening
  mode: dag
  steps:
    - {name: first, type: signal, signal: paid}
    - {name: second, type: signal, signal: paid}
"""
SCHEMA = {"type": "object", "required": ["sum"], "properties": {"sum": {"type": "number"}}}


@pytest.fixture
def listening(alice: User, start: Start) -> Any:
    return start(alice, LISTENING)


def tell(client: APIClient, player: Any, name: str, payload: Any = None, key: str = "", **more: Any) -> Any:
    address = f"{API}executions/{player.execution.pk}/signals/"
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(address, {"name": name, "payload": payload, **more}, format="json", headers=headers)


def status_of(client: APIClient, task: str) -> str:
    return str(client.get(f"{API}tasks/{task}/").json()["status"])


def test_the_one_that_has_waited_longest_goes_on(alice: User, listening: Any, api_of: ApiOf) -> None:
    first, second = listening.listen("paid"), listening.listen("paid")
    client = api_of(alice)
    told = client.get(f"{API}tasks/{first}/").json()["waiting_for"]
    assert (told["reason"], told["name"], told["role"], told["decisions"]) == ("signal", "paid", None, [])
    response = tell(client, listening, "paid", {"sum": 3})
    signal = response.json()
    assert (response.status_code, signal["name"], signal["payload"]) == (201, "paid", {"sum": 3})
    assert (signal["consumed_by"], signal["sent_by"]) == (first, "alice@example.org")
    assert (status_of(client, first), status_of(client, second)) == ("dispatched", "waiting")
    assert client.get(f"{API}executions/{listening.execution.pk}/signals/").json()["results"] == [signal]


def test_all_of_them(alice: User, listening: Any, api_of: ApiOf) -> None:
    tasks = [listening.listen("paid"), listening.listen("paid")]
    client = api_of(alice)
    assert tell(client, listening, "paid", broadcast=True).status_code == 201
    assert [status_of(client, task) for task in tasks] == ["dispatched", "dispatched"]


def test_one_nobody_waits_for_is_kept(alice: User, listening: Any, api_of: ApiOf) -> None:
    client = api_of(alice)
    assert tell(client, listening, "paid", [1]).json()["consumed_by"] is None
    assert tell(client, listening, "other").json()["consumed_by"] is None
    task = listening.listen("paid")
    assert status_of(client, task) == "dispatched"
    rows = client.get(f"{API}executions/{listening.execution.pk}/signals/", {"name": "paid"}).json()["results"]
    assert [(row["payload"], row["consumed_by"]) for row in rows] == [([1], task)]


def test_a_payload_that_does_not_fit_wakes_nobody(alice: User, listening: Any, api_of: ApiOf) -> None:
    task, client = listening.listen("paid", SCHEMA), api_of(alice)
    refused = tell(client, listening, "paid", {"sum": "much"})
    assert (refused.status_code, refused.json()["code"]) == (422, "payload_refused")
    assert refused.json()["errors"][0]["pointer"] == "/payload/sum"
    assert status_of(client, task) == "waiting"
    assert client.get(f"{API}executions/{listening.execution.pk}/signals/").json()["results"] == []
    assert tell(client, listening, "paid", {"sum": 3}).status_code == 201
    assert status_of(client, task) == "dispatched"


def test_only_the_step_that_would_be_woken_is_asked(alice: User, listening: Any, api_of: ApiOf) -> None:
    listening.listen("paid")
    listening.listen("paid", SCHEMA)
    client = api_of(alice)
    assert tell(client, listening, "paid", "x", broadcast=True).status_code == 422
    assert tell(client, listening, "paid", "x").status_code == 201


def test_a_key_makes_it_happen_once(alice: User, listening: Any, api_of: ApiOf) -> None:
    client = api_of(alice)
    first, again = (tell(client, listening, "paid", 1, key="k1") for _ in range(2))
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(client.get(f"{API}executions/{listening.execution.pk}/signals/").json()["results"]) == 1


def test_a_run_that_is_over_hears_nothing(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice)
    player.play()
    response = tell(api_of(alice), player, "paid")
    assert (response.status_code, response.json()["code"]) == (409, "execution_over")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"name": ""}, 422),
        ({"name": "x" * 201}, 422),
        ({"name": "a\nb"}, 422),
        ({"name": "x", "payload": "\0"}, 422),
    ],
)
def test_what_is_no_signal(alice: User, listening: Any, api_of: ApiOf, body: Any, status: int) -> None:
    client = api_of(alice)
    response = client.post(f"{API}executions/{listening.execution.pk}/signals/", body, format="json")
    assert response.status_code == status, response.content


def test_large_things_belong_into_files(alice: User, listening: Any, api_of: ApiOf) -> None:
    response = tell(api_of(alice), listening, "paid", "x" * signals.LARGEST_PAYLOAD)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_spending_of_a_run(alice: User, listening: Any, api_of: ApiOf) -> None:
    found = api_of(alice).get(f"{API}executions/{listening.execution.pk}/spending/").json()
    assert (found["tasks"], found["total"]["calls"], found["total"]["usd"]) == ([], 0, "0")
