"""Skipping a step or giving it a result, cancelling with what was started for a run, and many runs at once: over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, Role, User
from apps.audit.models import AuditEntry
from apps.core.tenancy import acting_as, staff
from apps.executions import services
from apps.executions.models import Event, Execution, Pool, Task
from tests.apps.executions.conftest import Player
from tests.apps.executions.test_control_retry import FAILS, chain, dag

pytestmark = pytest.mark.django_db

API = "/api/v1/"
Start = Callable[..., Player]
ApiOf = Callable[[User], APIClient]
CHECKED = {
    "type": "test_echo",
    "output_schema": {"type": "object", "required": ["sum"], "properties": {"sum": {"type": "number"}}},
}


def task_of(player: Player, name: str) -> str:
    with staff():
        return str(Task.objects.get(execution=player.execution, name=name).pk)


def post(client: APIClient, address: str, body: Any = None, key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"{API}{address}/", {} if body is None else body, format="json", headers=headers)


def of(player: Player, verb: str) -> str:
    return f"executions/{player.execution.pk}/{verb}"


def listed(client: APIClient, player: Player) -> dict[str, str]:
    rows = client.get(f"{API}executions/{player.execution.pk}/tasks/").json()["results"]
    return {row["name"]: row["status"] for row in rows}


def test_skipping_releases_what_follows_and_is_audited(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice, dag({"name": "a"}, {"name": "b", "depends_on": [{"step": "a", "on": "done"}]}))
    client = api_of(alice)
    response = post(client, f"tasks/{task_of(player, 'a')}/skip", {"reason": "not today"})
    assert (response.status_code, response.json()["status"]) == (200, "skipped")
    assert response.json()["error"]["code"] == "skipped_by_person"
    assert listed(client, player) == {"a": "skipped", "b": "dispatched"}
    with staff():
        event = Event.objects.get(execution=player.execution, event_type="task_skipped")
        assert event.payload == {"name": "a", "by": "alice@example.org", "reason": "not today", "was": "dispatched"}
        assert AuditEntry.objects.filter(action="task.skipped").exists()
    again = post(client, f"tasks/{task_of(player, 'a')}/skip")
    assert (again.status_code, again.json()["code"]) == (409, "task_not_open")


def test_skipping_all_of_a_run_that_no_worker_has_begun_ends_it(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice, chain("a", "b"))
    client = api_of(alice)
    for name in ("a", "b"):
        assert post(client, f"tasks/{task_of(player, name)}/skip").status_code == 200
    assert client.get(f"{API}executions/{player.execution.pk}/").json()["status"] == "completed"


@pytest.mark.parametrize("begun", [True, False])
def test_who_skips_a_step_does_not_stop_what_leads_to_it(
    alice: User, start: Start, api_of: ApiOf, *, begun: bool
) -> None:
    player = start(alice, dag({"name": "a"}, {"name": "b", "depends_on": ["a"]}, {"name": "c", "depends_on": ["b"]}))
    client = api_of(alice)
    claimed = player.claim(player.task_ids("dispatched")[0]) if begun else {}
    for name in ("c", "b"):
        assert post(client, f"tasks/{task_of(player, name)}/skip").status_code == 200
    assert listed(client, player)["a"] == ("executing" if begun else "dispatched")
    status = client.get(f"{API}executions/{player.execution.pk}/").json()["status"]
    assert status == ("running" if begun else "pending")
    player.finish(claimed or player.claim(player.task_ids("dispatched")[0]))
    assert client.get(f"{API}executions/{player.execution.pk}/").json()["status"] == "completed"
    assert listed(client, player) == {"a": "completed", "b": "skipped", "c": "skipped"}


def test_a_run_ends_after_what_led_to_a_step_that_was_given_a_result(alice: User, start: Start, api_of: ApiOf) -> None:
    """Whether what leads to it ends before or after what follows it."""
    steps = dag({"name": "a"}, {"name": "b", "depends_on": ["a"]}, {"name": "c", "depends_on": ["b"]})
    client = api_of(alice)
    for order in ("ac", "ca"):
        player = start(alice, steps)
        claimed = {"a": player.claim(player.task_ids("dispatched")[0])}
        assert post(client, f"tasks/{task_of(player, 'b')}/result", {"output": 2}).status_code == 200
        claimed["c"] = player.claim(player.task_ids("dispatched")[0])
        for name in order:
            assert client.get(f"{API}executions/{player.execution.pk}/").json()["status"] == "running"
            player.finish(claimed[name])
        assert client.get(f"{API}executions/{player.execution.pk}/").json()["status"] == "completed"
        assert set(listed(client, player).values()) == {"completed"}


def test_who_withdraws_a_step_does_not_stop_what_leads_to_it(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice, dag({"name": "a"}, {"name": "b", "depends_on": ["a"]}, {"name": "c"}))
    client = api_of(alice)
    first, other = (player.claim(task) for task in player.task_ids("dispatched"))
    with staff():
        seq = Task.objects.get(execution=player.execution, name="b").seq
    player.finish(other, cancel=[seq])
    assert listed(client, player) == {"a": "executing", "b": "cancelled", "c": "completed"}
    assert client.get(f"{API}executions/{player.execution.pk}/").json()["status"] == "running"
    player.finish(first)
    assert client.get(f"{API}executions/{player.execution.pk}/").json()["status"] == "completed"


def test_a_result_must_fit_the_schema_of_its_step(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice, dag({"name": "a", **CHECKED}, {"name": "b", "depends_on": ["a"]}))
    client, address = api_of(alice), f"tasks/{task_of(player, 'a')}/result"
    refused = post(client, address, {"output": {"sum": "much"}})
    assert (refused.status_code, refused.json()["code"]) == (422, "result_refused")
    assert refused.json()["errors"][0]["pointer"] == "/output/sum"
    for broken in (
        {"output": "\0"},
        {},
        {"output": 1, "reasons": "?"},
        {"output": 1, "reason": "\0"},
    ):
        assert post(client, address, broken).status_code in (400, 422), broken
    half = client.post(f"{API}{address}/", '{"output": ["\\ud800"]}', content_type="application/json")
    assert (half.status_code, half.json()["errors"][0]["pointer"]) == (422, "/output/0")
    assert post(client, address, {"output": "x" * 300_000}).status_code == 413
    taken = post(client, address, {"output": {"sum": 3}})
    assert (taken.json()["status"], taken.json()["output"]) == ("completed", {"sum": 3})
    with staff():
        told = AuditEntry.objects.get(action="task.result_set").after
    assert told["output_bytes"] == len('{"sum": 3}')
    assert "output" not in told, "the trail outlives the run, and others read it"
    assert listed(client, player) == {"a": "completed", "b": "dispatched"}


def test_a_waiting_step_can_be_skipped_and_one_a_worker_has_cannot(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice, dag({"name": "a"}, {"name": "b"}))
    asked = player.ask("a")
    claimed = player.claim(player.task_ids("dispatched")[0])
    client = api_of(alice)
    assert post(client, f"tasks/{asked}/skip").json()["status"] == "skipped"
    busy = post(client, f"tasks/{claimed['task']}/result", {"output": 1})
    assert (busy.status_code, busy.json()["code"]) == (409, "task_not_open")
    player.finish(claimed)
    assert client.get(f"{API}executions/{player.execution.pk}/").json()["status"] == "completed"


def test_retry_and_rerun_over_the_api(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice, chain("a", "b"))
    player.play(b=FAILS)
    client = api_of(alice)
    retried = [post(client, of(player, "retry"), {"reason": "again"}, key="one").json() for _ in range(2)]
    assert retried[0] == retried[1]
    assert (retried[0]["status"], retried[0]["retry_count"]) == ("pending", 1)
    assert post(client, of(player, "retry")).json()["code"] == "not_retryable"
    assert post(client, of(player, "rerun"), {"mode": "failed"}).json()["code"] == "not_over"
    player.play(b=FAILS)
    made = post(client, of(player, "rerun"), {"mode": "from_here", "step": "b", "input": {"n": 1}}, key="two")
    assert (made.status_code, made.json()["rerun_of"], made.json()["input"]) == (
        201,
        str(player.execution.pk),
        {"n": 1},
    )
    assert made.headers["Location"] == made.json()["url"]
    assert (
        post(client, of(player, "rerun"), {"mode": "from_here", "step": "b", "input": {"n": 1}}, key="two").json()["id"]
        == made.json()["id"]
    )
    wrong = post(client, of(player, "rerun"), {"mode": "from_here", "step": "x[999999999999]"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "step_not_rerunnable")
    assert post(client, of(player, "rerun"), {"mode": "failed", "version": 99}).status_code == 404
    assert [
        row["id"] for row in client.get(f"{API}executions/", {"rerun_of": player.execution.pk}).json()["results"]
    ] == [made.json()["id"]]


def test_cancelling_takes_along_what_was_started_for_it(alice: User, start: Start, api_of: ApiOf) -> None:
    player = start(alice, chain("a"))
    with acting_as(alice.pk):
        melody = player.execution.melody
        child = services.start_execution(actor=alice, melody=melody, parent=player.execution)
        grandchild = services.start_execution(actor=alice, melody=melody, parent=child)
    client = api_of(alice)
    states = lambda: [  # noqa: E731
        client.get(f"{API}executions/{one.pk}/").json()["status"] for one in (player.execution, child, grandchild)
    ]
    assert (
        post(client, of(player, "cancel"), {"reason": "enough", "cascade": False}).json()["status_message"] == "enough"
    )
    assert states() == ["cancelled", "pending", "pending"]
    assert post(client, f"executions/{child.pk}/cancel").status_code == 200
    assert states() == ["cancelled", "cancelled", "cancelled"]
    with staff():
        assert AuditEntry.objects.filter(action="execution.cancelled").count() == 3


@pytest.fixture
def shared(alice: User, bob: User, orchestra: Organization) -> Organization:
    with acting_as(alice.pk):
        accounts.add_member(actor=alice, organization=orchestra, user=bob, role=Role.VIEWER)
    return orchestra


def bulk(client: APIClient, action: str, **more: Any) -> Any:
    return post(client, "executions/bulk", {"action": action, **more})


def test_many_at_once_are_counted_first_and_bounded(alice: User, start: Start, api_of: ApiOf) -> None:
    players = [start(alice, chain("a")) for _ in range(4)]
    with acting_as(alice.pk):
        services.pause_execution(actor=alice, execution=players[0].execution)
    melodies = {"melody": str(players[1].execution.melody_id)}
    client = api_of(alice)
    told = bulk(client, "cancel", filter={"status": ["pending", "paused"]}).json()
    assert (told["dry_run"], told["matched"], told["by_status"], told["done"]) == (
        True,
        4,
        {"paused": 1, "pending": 3},
        0,
    )
    changed = bulk(client, "cancel", filter={"status": ["pending"]}, expected=4, dry_run=False)
    assert (changed.status_code, changed.json()["code"]) == (409, "count_changed")
    first = bulk(client, "pause", filter={"created_after": "2020-01-01T00:00:00Z"}, limit=2, dry_run=False).json()
    assert (first["matched"], first["done"], first["remaining"]) == (3, 2, 1)
    assert first["executions"] == [str(player.execution.pk) for player in players[1:3]]
    assert bulk(client, "cancel", filter=melodies, dry_run=False).json()["done"] == 1
    ids = [str(player.execution.pk) for player in players]
    assert bulk(client, "resume", filter={"ids": ids}, dry_run=False, expected=2).json()["done"] == 2
    assert bulk(client, "retry", filter={"ids": ids}, dry_run=False).json()["matched"] == 0


def test_one_that_refuses_keeps_no_other_from_its_turn(alice: User, start: Start, api_of: ApiOf) -> None:
    with acting_as(alice.pk):
        home = start(alice, chain("a")).execution.organization
        pool = Pool.objects.create(organization=home, kind="key", name="press", slots=1)
        players = [start(alice, dag({"name": "a", "limit": "press"})), start(alice, chain("a"))]
        for player in players:
            player.play(a=FAILS)
        pool.delete()
    told = bulk(api_of(alice), "retry", filter={"status": ["failed"]}, dry_run=False).json()
    assert (told["matched"], told["done"], told["refusals"], told["remaining"]) == (2, 1, 1, 0)
    assert (told["refused"][0]["execution"], told["refused"][0]["code"]) == (
        str(players[0].execution.pk),
        "not_runnable",
    )


def test_what_was_retried_as_often_as_it_may_be_does_not_count(alice: User, start: Start, api_of: ApiOf) -> None:
    players = [start(alice, chain("a")) for _ in range(2)]
    for player in players:
        player.play(a=FAILS)
    with acting_as(alice.pk):
        Execution.objects.filter(pk=players[0].execution.pk).update(max_retries=0)
    client, failed = api_of(alice), {"filter": {"status": ["failed"]}}
    counted = bulk(client, "retry", **failed).json()
    assert (counted["matched"], counted["by_status"]) == (1, {"failed": 1})
    told = bulk(client, "retry", **failed, expected=1, dry_run=False).json()
    assert (told["done"], told["refusals"]) == (1, 0)


@pytest.mark.parametrize(
    "body",
    [
        {"action": "cancel", "filter": {}},
        {"action": "cancel", "filter": {"colour": "red"}},
        {"action": "cancel", "filter": {"status": ["nothing"]}},
        {"action": "cancel", "filter": {"status": "pending"}, "limit": 10**9},
        {"action": "explode", "filter": {"status": ["pending"]}},
        {"action": "cancel"},
        {"action": "cancel", "filter": {"error_code": "\0"}},
        {"action": "cancel", "filter": {"created_after": "9" * 400}},
    ],
)
def test_what_nobody_can_have_meant_is_refused(alice: User, api_of: ApiOf, body: Any) -> None:
    response = post(api_of(alice), "executions/bulk", body)
    assert response.status_code in (400, 422), response.content
    assert response.json()["errors"]


def test_who_only_looks_on_controls_nothing_and_a_stranger_sees_nothing(
    alice: User, bob: User, carol: User, start: Start, shared: Organization, api_of: ApiOf
) -> None:
    player = start(alice, chain("a", "b"), shared)
    player.play(b=FAILS)
    task, looker, stranger = task_of(player, "b"), api_of(bob), api_of(carol)
    addresses = {
        of(player, "retry"): {},
        of(player, "rerun"): {"mode": "failed"},
        f"tasks/{task}/skip": {},
        f"tasks/{task}/result": {"output": 1},
    }
    for address, body in addresses.items():
        assert post(looker, address, body).status_code == 403, address
        assert post(stranger, address, body).status_code == 404, address
    chosen = {"filter": {"status": ["failed"]}, "dry_run": False}
    assert bulk(looker, "retry", **chosen).status_code == 403
    assert bulk(stranger, "retry", **chosen).json()["matched"] == 0
    with staff():
        player.execution.refresh_from_db()
    assert player.execution.status == "failed"
