from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.executions import lookups
from apps.executions.models import Execution
from apps.melodies import services as melodies

pytestmark = pytest.mark.django_db

API = "/api/v1/"
Start = Callable[..., Any]
ApiOf = Callable[[User], APIClient]

SWITCH = """\
workflow:
  name: choose
  steps:
    - name: choose
      type: switch
      expression: "'a'"
      cases:
        a:
          - {name: inside, type: test_echo, value: 1}
    - {name: after, type: test_echo, value: 2}
"""


def results(client: APIClient, address: str) -> Any:
    response = client.get(f"{API}{address}")
    assert response.status_code == 200, response.content
    return response.json()["results"]


def execute(client: APIClient, melody: Any, body: Any = None, **headers: str) -> Any:
    text = "" if body is None else json.dumps(body)
    return client.post(f"{API}melodies/{melody}/executions/", text, content_type="application/json", headers=headers)


def test_start(alice: User, publish: Callable[..., Any], api_of: ApiOf) -> None:
    version = publish(alice)
    response = execute(api_of(alice), version.melody_id, {"input": {"who": "Ludwig"}})
    run = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == run["url"] == f"http://testserver{API}executions/{run['id']}/"
    assert (run["status"], run["input"], run["outputs"], run["error"]) == ("pending", {"who": "Ludwig"}, None, None)
    assert (run["melody"], run["melody_name"], run["version"]) == (str(version.melody_id), "fork", 1)
    assert run["version_sha256"] == version.sha256
    assert (run["task_counts"]["dispatched"], run["task_counts"]["pending"], run["task_counts"]["total"]) == (1, 3, 4)
    assert run["links"]["stream"] == f"{run['url']}stream"
    assert run["links"]["tasks"] == f"{run['url']}tasks/"


def test_start_without_a_body(alice: User, publish: Callable[..., Any], api_of: ApiOf) -> None:
    assert execute(api_of(alice), publish(alice).melody_id).json()["input"] == {}


def test_start_an_older_version(alice: User, publish: Callable[..., Any], api_of: ApiOf) -> None:
    client = api_of(alice)
    first = publish(alice)
    text = "workflow: {name: new, steps: [{name: only, type: test_echo}]}"
    client.put(f"{API}melodies/{first.melody_id}/document/", text, content_type="application/yaml")
    assert execute(client, first.melody_id).json()["version"] == 2
    old = execute(client, first.melody_id, {"version": 1}).json()
    assert (old["version"], old["version_sha256"], old["task_counts"]["total"]) == (1, first.sha256, 4)
    assert execute(client, first.melody_id, {"version": 3}).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"inputs": {}}, "/inputs"),
        ({"input": []}, "/input"),
        ({"version": 0}, "/version"),
        ({"version": "new"}, "/version"),
        ([], ""),
    ],
)
def test_a_bad_start_says_where(
    alice: User, publish: Callable[..., Any], api_of: ApiOf, body: Any, pointer: str
) -> None:
    refused = execute(api_of(alice), publish(alice).melody_id, body)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


def test_the_same_key_starts_once(alice: User, publish: Callable[..., Any], api_of: ApiOf) -> None:
    client, melody = api_of(alice), publish(alice).melody_id
    first, again = (execute(client, melody, {}, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert first.headers["Location"] == again.headers["Location"] == first.json()["url"]
    assert Execution.objects.count() == 1


def test_a_run_that_is_over(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice)
    player.play(first={"output": {"n": 1}})
    run = api_of(alice).get(f"{API}executions/{player.execution.pk}/").json()
    assert (run["status"], run["task_counts"]["completed"]) == ("completed", 4)
    assert run["outputs"] == {"first": {"n": 1}, "left": "left", "right": "right", "last": "last"}
    assert run["duration_seconds"] >= 0
    assert run["created_at"] <= run["started_at"] <= run["completed_at"]


def test_a_run_that_failed_says_why(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice)
    player.play(left={"status": "failed", "error": {"code": "broken_string", "message": "The E string broke."}})
    client = api_of(alice)
    run = client.get(f"{API}executions/{player.execution.pk}/").json()
    assert (run["status"], run["error"]["code"]) == ("failed", "broken_string")
    assert "The E string broke." in run["error"]["message"]
    for code, found in (("broken_string", [run["id"]]), ("broken", [])):
        assert [one["id"] for one in results(client, f"executions/?error_code={code}")] == found
    tasks = {task["name"]: task for task in results(client, f"executions/{run['id']}/tasks/")}
    assert tasks["left"]["error"]["message"] == "The E string broke."
    assert (tasks["last"]["status"], tasks["last"]["error"]["code"]) == ("cancelled", "upstream_failed")


def test_tasks_in_the_order_of_the_plan(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice)
    player.play()
    client, address = api_of(alice), f"executions/{player.execution.pk}/tasks/"
    tasks = results(client, address)
    assert [task["name"] for task in tasks] == ["first", "left", "right", "last"]
    task = tasks[0]
    assert (task["kind"], task["status"], task["attempt"], task["queue"]) == ("test_echo", "completed", 1, "steps")
    assert (task["worker"], task["parent"], task["iteration"], task["error"]) == ("player/1", None, None, None)
    assert task["created_at"] <= task["dispatched_at"] <= task["started_at"] <= task["completed_at"]
    assert (task["output"], task["output_truncated"]) == ("first", False)
    assert client.get(task["url"]).json() == task
    assert [task["name"] for task in results(client, f"{address}?name=left")] == ["left"]
    assert results(client, f"{address}?status=failed&status=skipped") == []
    assert len(results(client, f"{address}?kind=test_echo&parent=none")) == 4
    assert client.get(f"{API}{address}?parent=first").status_code == 422


def test_tasks_inside_another(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice, SWITCH)
    (choose,) = player.task_ids("dispatched")
    claimed = player.claim(choose)
    player.expand(claimed, [{"body": 0, "loop": None}])
    client, address = api_of(alice), f"executions/{player.execution.pk}/tasks/"
    (inside,) = results(client, f"{address}?parent={choose}")
    assert (inside["name"], inside["iteration"], inside["parent"]) == ("inside", 0, str(choose))
    assert [task["name"] for task in results(client, address)] == ["choose", "after", "inside"]


def test_large_outputs_are_at_the_tasks_own_address(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice)
    long, longest = "x" * lookups.MAX_LISTED_OUTPUT, ["y" * 100_000]
    stored = player.artifact("output", json.dumps(longest).encode(), "application/json")
    player.play(left={"output": long}, right={"ref": stored["sha256"]})
    client = api_of(alice)
    tasks = {task["name"]: task for task in results(client, f"executions/{player.execution.pk}/tasks/")}
    for name, output in (("left", long), ("right", longest)):
        assert (tasks[name]["output"], tasks[name]["output_truncated"]) == (None, True)
        own = client.get(tasks[name]["url"]).json()
        assert (own["output"], own["output_truncated"]) == (output, False)


def test_events_in_order(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice)
    player.play()
    client, address = api_of(alice), f"executions/{player.execution.pk}/events/"
    events = results(client, address)
    assert [events[0]["type"], events[-1]["type"]] == ["execution_created", "execution_completed"]
    cursors = [tuple(map(int, event["cursor"].split("-"))) for event in events]
    assert cursors == sorted(cursors)
    started = results(client, f"{address}?type=task_started")
    assert [event["task_name"] for event in started] == ["first", "left", "right", "last"]
    own = results(client, f"{address}?task={started[1]['task']}")
    assert {event["task_name"] for event in own} == {"left"}
    first = client.get(f"{API}{address}?page_size=5").json()
    seen = first["results"] + client.get(first["next"]).json()["results"]
    assert [event["id"] for event in seen] == [event["id"] for event in events[: len(seen)]]


def test_graph(alice: User, start: Start, api_of: ApiOf) -> None:
    client = api_of(alice)
    nodes = client.get(f"{API}executions/{start(alice).execution.pk}/graph/").json()["nodes"]
    assert [node["name"] for node in nodes] == ["first", "left", "right", "last"]
    assert nodes[0]["successors"] == [{"node": 1, "when": "success"}, {"node": 2, "when": "success"}]
    assert nodes[2]["successors"] == [{"node": 3, "when": "done"}]
    inner = client.get(f"{API}executions/{start(alice, SWITCH).execution.pk}/graph/").json()["nodes"]
    assert [(node["name"], node["parent"], node["depth"]) for node in inner] == [
        ("choose", None, 0),
        ("after", None, 0),
        ("inside", 0, 1),
    ]


def test_cancel(alice: User, start: Start, api_of: ApiOf) -> None:
    client, run = api_of(alice), start(alice).execution
    response = client.post(f"{API}executions/{run.pk}/cancel/", {"reason": "The concert is off."})
    assert (response.status_code, response.json()["status"]) == (200, "cancelled")
    assert response.json()["status_message"] == "The concert is off."
    assert response.json()["task_counts"]["cancelled"] == 4
    again = client.post(f"{API}executions/{run.pk}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "execution_over")


def test_pause_and_resume(alice: User, start: Start, api_of: ApiOf) -> None:
    client, run = api_of(alice), start(alice).execution
    address = f"{API}executions/{run.pk}"
    refused = client.post(f"{address}/resume/")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_paused")
    paused = client.post(f"{address}/pause/", {"reason": "Tea."})
    assert (paused.status_code, paused.json()["status"], paused.json()["status_message"]) == (200, "paused", "Tea.")
    assert paused.json()["paused_at"]
    resumed = client.post(f"{address}/resume")
    assert (resumed.status_code, resumed.json()["status"]) == (200, "running")
    client.post(f"{address}/cancel/")
    over = client.post(f"{address}/pause/")
    assert (over.status_code, over.json()["code"]) == (409, "not_pausable")


def test_a_run_may_be_given_its_name_and_its_parent(alice: User, bob: User, start: Start, api_of: ApiOf) -> None:
    client, parent, foreign = api_of(alice), start(alice).execution, start(bob).execution
    name, address = str(uuid4()), f"{API}melodies/{parent.melody_id}/executions/"
    child = client.post(address, {"correlation_id": name, "parent": str(parent.pk)}).json()
    assert (child["correlation_id"], child["parent"]) == (name, str(parent.pk))
    assert [run["id"] for run in results(client, f"executions/?correlation_id={name}")] == [child["id"]]
    assert [run["id"] for run in results(client, f"executions/?parent={parent.pk}")] == [child["id"]]
    twice = client.post(address, {"correlation_id": name})
    assert (twice.status_code, twice.json()["code"]) == (409, "correlation_id_taken")
    assert client.post(address, {"parent": str(foreign.pk)}).status_code == 404


def test_statistics_of_a_melody(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice)
    address = f"{API}melodies/{player.execution.melody_id}/statistics/"
    before = api_of(alice).get(address).json()
    assert (before["executions"], before["success_rate"], before["refreshed_at"]) == (0, None, None)
    player.play()
    assert player.count_statistics() == 1
    after = api_of(alice).get(address).json()
    assert (after["executions"], after["completed"], after["success_rate"]) == (1, 1, 1.0)


def test_list_filters_and_pages(alice: User, start: Start, api_of: ApiOf) -> None:
    players = [start(alice) for _ in range(3)]
    players[0].play()
    client, ids = api_of(alice), [str(player.execution.pk) for player in players]

    def listed(query: str) -> list[str]:
        return [run["id"] for run in results(client, f"executions/{query}")]

    assert listed("") == ids[::-1]
    assert listed("?status=completed") == ids[:1]
    assert listed("?status=completed&status=pending&ordering=id") == ids
    assert listed(f"?melody={players[1].execution.melody_id}") == ids[1:2]
    assert listed("?created_after=2999-01-01T00:00:00Z") == []
    assert listed("?created_before=2999-01-01T00:00:00Z") == ids[::-1]
    assert listed(f"?ids={ids[2]},{ids[0]}") == [ids[2], ids[0]]
    assert listed(f"?organization={players[0].execution.organization_id}") == ids[::-1]
    assert listed(f"?organization={UUID(int=0)}") == []
    for wrong in ("organization=orchestra", f"ids={ids[0]},x", "error_code=" + "x" * 51):
        answer = client.get(f"{API}executions/?{wrong}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{wrong.partition('=')[0]}")
    many = client.get(f"{API}executions/?ids={','.join(ids[:1] * 101)}")
    assert (many.status_code, many.json()["errors"][0]["pointer"]) == (422, "?ids")
    assert client.get(f"{API}executions/?status=lost").status_code == 422
    assert client.get(f"{API}executions/?created_after=soon").status_code == 422
    own = results(client, f"melodies/{players[2].execution.melody_id}/executions/")
    assert [run["id"] for run in own] == ids[2:]
    assert not {"input", "outputs", "task_counts"} & own[0].keys()
    page = client.get(f"{API}executions/?page_size=2&ordering=status").json()
    assert len(client.get(page["next"]).json()["results"]) == 1


@pytest.mark.parametrize(
    ("address", "most"), [("executions/", 10), ("tasks/", 11), ("events/", 12), ("artifacts/", 12), ("", 14)]
)
def test_how_many_questions_a_page_asks(alice: User, start: Start, api_of: ApiOf, address: str, most: int) -> None:
    client = api_of(alice)
    # The first use of a token is written down.
    client.get(f"{API}users/me/")
    counts = []
    for _ in range(2):
        players = [start(alice) for _ in range(2)]
        players[0].play(first={"artifacts": [players[0].artifact(str(players[0].execution.pk), b"x", "text/plain")]})
        own = f"executions/{players[0].execution.pk}/{address}"
        with CaptureQueriesContext(connection) as queries:
            assert client.get(API + (address if address == "executions/" else own)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= most


def test_a_run_keeps_to_its_version(alice: User, start: Start, api_of: ApiOf) -> None:
    run, client = start(alice).execution, api_of(alice)
    text = "workflow: {name: other, steps: [{name: only, type: test_echo}]}"
    client.put(f"{API}melodies/{run.melody_id}/document/", text, content_type="application/yaml")
    shown = client.get(f"{API}executions/{run.pk}/").json()
    assert (shown["version"], shown["task_counts"]["total"]) == (1, 4)
    assert melodies.check_document(text, "yaml").sha256 != shown["version_sha256"]
