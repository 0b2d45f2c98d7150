"""What the routes of executions take and refuse: fields nobody reads, values nobody can keep, requests that come twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.core.tenancy import staff
from apps.executions.models import Execution, Signal
from tests.apps.executions.conftest import Player
from tests.apps.executions.test_control_retry import FAILS, chain

pytestmark = pytest.mark.django_db

API = "/api/v1/"
Start = Callable[..., Player]
ApiOf = Callable[[User], APIClient]
UNSTORABLE = (
    ('{"a": "\\u0000"}', "/a", "invalid_text"),
    ('{"\\ud800": 1}', "", "invalid_text"),
    ('{"a": [1, {"b/c": "x\\udc00"}]}', "/a/1/b~1c", "invalid_text"),
    ('{"a": {"b": -1e999}}', "/a/b", "invalid_number"),
)


def post(client: APIClient, address: str, body: str = "", key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"{API}{address}/", body, content_type="application/json", headers=headers)


def status_of(client: APIClient, run: Execution) -> str:
    return str(client.get(f"{API}executions/{run.pk}/").json()["status"])


def test_a_start_answers_with_the_run_as_it_is_read_afterwards(
    alice: User, publish: Callable[..., Any], api_of: ApiOf
) -> None:
    client = api_of(alice)
    made = post(client, f"melodies/{publish(alice).melody_id}/executions")
    assert b"object at 0x" not in made.content
    assert made.json() == client.get(made.json()["url"]).json()


def test_a_rerun_answers_with_the_run_as_it_is_read_afterwards(alice: User, start: Start, api_of: ApiOf) -> None:
    player, client = start(alice, chain("only")), api_of(alice)
    player.play(only=FAILS)
    made = post(client, f"executions/{player.execution.pk}/rerun", '{"mode": "failed"}')
    assert made.status_code == 201
    assert b"object at 0x" not in made.content
    assert made.json() == client.get(made.json()["url"]).json()


@pytest.mark.parametrize(
    ("verb", "field"), [("cancel", "cascad"), ("pause", "reasn"), ("resume", "reason"), ("signals", "payloads")]
)
def test_a_field_nobody_reads_is_refused_and_nothing_happens(
    alice: User, start: Start, api_of: ApiOf, verb: str, field: str
) -> None:
    client, run = api_of(alice), start(alice).execution
    if verb == "resume":
        post(client, f"executions/{run.pk}/pause")
    before = status_of(client, run)
    refused = post(client, f"executions/{run.pk}/{verb}", json.dumps({field: False}))
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["code"], error["pointer"]) == (422, "unknown_field", f"/{field}")
    assert status_of(client, run) == before


def test_a_decision_has_no_other_fields(alice: User, start: Start, api_of: ApiOf) -> None:
    client, player = api_of(alice), start(alice, chain("asked"))
    task = player.ask("asked")
    refused = post(client, f"tasks/{task}/decision", '{"decision": "approve", "coment": "Bravo."}')
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/coment"]
    assert client.get(f"{API}tasks/{task}/").json()["status"] == "waiting"


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume"])
def test_a_key_does_it_once_and_names_one_request(alice: User, start: Start, api_of: ApiOf, verb: str) -> None:
    client, run = api_of(alice), start(alice).execution
    if verb == "resume":
        post(client, f"executions/{run.pk}/pause")
    address = f"executions/{run.pk}/{verb}"
    first, again = (post(client, address, "{}", key="k") for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert again.headers["Idempotent-Replayed"] == "true"
    other = post(client, address, "", key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert post(client, address).status_code == (200 if verb == "pause" else 409)


@pytest.mark.parametrize(("value", "pointer", "code"), UNSTORABLE)
def test_what_cannot_be_kept_is_refused_with_its_place(
    alice: User, start: Start, api_of: ApiOf, value: str, pointer: str, code: str
) -> None:
    client, player = api_of(alice), start(alice, chain("only"))
    melody, run = player.execution.melody_id, player.execution.pk
    (task,) = player.task_ids("dispatched")
    starting = post(client, f"melodies/{melody}/executions", f'{{"input": {value}}}')
    told = post(client, f"executions/{run}/signals", f'{{"name": "paid", "payload": {value}}}')
    given = post(client, f"tasks/{task}/result", f'{{"output": {value}}}')
    player.play(only=FAILS)
    again = post(client, f"executions/{run}/rerun", f'{{"mode": "failed", "input": {value}}}')
    for field, refused in (("input", starting), ("payload", told), ("output", given), ("input", again)):
        (error,) = refused.json()["errors"]
        is_number = code == "invalid_number"
        # REST framework itself refuses such numbers in a field of any JSON, without a place inside of it.
        if is_number and field != "input":
            assert error["pointer"] == f"/{field}"
        else:
            assert (refused.status_code, error["pointer"], error["code"]) == (422, f"/{field}{pointer}", code)
    with staff():
        assert (Execution.objects.count(), Signal.objects.count()) == (1, 0)


def test_text_that_only_looks_like_it_is_kept(alice: User, publish: Callable[..., Any], api_of: ApiOf) -> None:
    given = {"a": "\\u0000", "b": "𝄞", "NaN": "Infinity", "c": 10**300}
    made = post(api_of(alice), f"melodies/{publish(alice).melody_id}/executions", json.dumps({"input": given}))
    assert (made.status_code, made.json()["input"]) == (201, given)
