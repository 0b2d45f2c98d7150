"""Triggers over the API, on the database role of the web."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, sweeping
from apps.executions.models import Execution
from apps.melodies.models import Melody
from apps.projects.services import create_project
from apps.triggers.models import Firing, HookSecret, Trigger
from apps.triggers.services import forget_old
from tests.apps.spending.conftest import as_worker
from tests.apps.triggers.conftest import MakeMelody, MakeTrigger, Sweep

ApiOf = Callable[[User], APIClient]


@pytest.fixture
def viewer(alice: User, bob: User, orchestra: Organization) -> User:
    with acting_as(alice.pk):
        accounts.add_member(actor=alice, organization=orchestra, user=bob, role="viewer")
    return bob


def create(client: APIClient, melody: Melody, **given: Any) -> Any:
    body = {"kind": "manual", "name": "by hand", **given}
    return client.post(f"/api/v1/melodies/{melody.pk}/triggers/", body, format="json")


def test_a_trigger_is_made_shown_changed_and_deleted(api_of: ApiOf, alice: User, melody: Melody) -> None:
    client = api_of(alice)
    answer = create(client, melody, kind="cron", name="mornings", cron=["0 9 * * 1-5"], timezone="Europe/Berlin")
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["state"], made["owner"], made["next_due_at"] is not None) == ("active", str(alice.pk), True)
    url = made["url"]
    assert client.get(url).json() == made
    assert [row["id"] for row in client.get("/api/v1/triggers/?kind=cron").json()["results"]] == [made["id"]]
    changed = client.patch(
        url, {"cron": ["@daily"], "input": {"a": 1}}, format="json", headers={"If-Match": answer["ETag"]}
    )
    assert (changed.status_code, changed.json()["cron"], changed.json()["timezone"]) == (
        200,
        ["@daily"],
        "Europe/Berlin",
    )
    assert client.patch(url, {"name": "x"}, format="json", headers={"If-Match": answer["ETag"]}).status_code == 412
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"kind": "cron"}, "/cron"),
        ({"kind": "cron", "cron": ["@daily", "61 * * * *"]}, "/cron/1"),
        ({"kind": "cron", "cron": ["@daily"], "timezone": "Mars/Olympus"}, "/timezone"),
        (
            {"kind": "cron", "cron": ["@daily"], "starts_at": "2030-02-01T00:00Z", "ends_at": "2030-01-01T00:00Z"},
            "/ends_at",
        ),
        ({"kind": "manual", "cron": ["@daily"]}, "/cron"),
        ({"kind": "event"}, "/event"),
        ({"kind": "chain"}, "/source_melody"),
        ({"kind": "chain", "source_melody": "00000000-0000-0000-0000-000000000001"}, "/source_melody"),
        ({"mapping": {"a": [{"b": "{{1 +}}"}]}}, "/mapping/a/0/b"),
        ({"filter": "1 +"}, "/filter"),
        ({"concurrency_key": "{{"}, "/concurrency_key"),
        ({"concurrency_key": "{{payloda.customer}}"}, "/concurrency_key"),
        ({"mapping": {"a": {"b/c": ["{{payload.x}}", "{{due_at}} {{paylod.x}}"]}}}, "/mapping/a/b~1c/1"),
        ({"filter": "payloadd == null"}, "/filter"),
        ({"filter": "count(paylod.items, size > 1) > 2"}, "/filter"),
        ({"filter": "steps.a.x > 1"}, "/filter"),
        ({"filter": "inputs.x > 1"}, "/filter"),
        ({"filter": "loop.index > 1"}, "/filter"),
        ({"filter": "config.x > 1"}, "/filter"),
        ({"filter": "state.paylod.x > 1"}, "/filter"),
        ({"version": 9}, "/version"),
        ({"input": {"a": "x" * 100_001}}, "/input"),
        ({"priority": 11}, "/priority"),
        ({"corn": ["@daily"]}, "/corn"),
        ({"kind": "sundial"}, "/kind"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    api_of: ApiOf, alice: User, melody: Melody, given: dict[str, Any], pointer: str
) -> None:
    answer = create(api_of(alice), melody, **given)
    assert answer.status_code == 422, answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_names_that_stand_for_nothing_are_told_with_what_was_meant(
    api_of: ApiOf, alice: User, melody: Melody, make_trigger: MakeTrigger
) -> None:
    client = api_of(alice)
    wrong = {"concurrency_key": "{{payloda.customer}}", "mapping": {"a": "{{weather.x}}"}, "filter": "payloadd == null"}
    made = create(client, melody, overlap="skip", **wrong)
    changed = client.patch(f"/api/v1/triggers/{make_trigger('manual').pk}/", wrong, format="json")
    for answer in (made, changed):
        assert answer.status_code == 422, answer.content
        told = {error["pointer"]: error for error in answer.json()["errors"]}
        assert {at: (error["code"], error.get("suggestion")) for at, error in told.items()} == {
            "/mapping/a": ("unknown_name", None),
            "/filter": ("unknown_name", "payload"),
            "/concurrency_key": ("unknown_name", "payload"),
        }
        assert "Did you mean 'payload'?" in told["/filter"]["message"]
        assert "payload, headers, query, event, run, due_at, trigger" in told["/mapping/a"]["message"]


def test_every_name_that_stands_for_something_can_be_used(api_of: ApiOf, alice: User, melody: Melody) -> None:
    names = ("payload.x", "headers['x-event']", "query.q", "event.name", "run.outputs", "due_at", "trigger.kind")
    mapping = {str(place): "{{" + name + "}}" for place, name in enumerate(names)}
    condition = "count(payload.items, size > 1 and item.colour == 'red') > 2 or state.payload.x exists"
    answer = create(api_of(alice), melody, mapping=mapping, filter=condition, concurrency_key="{{payload['a-b']}}")
    assert answer.status_code == 201, answer.content


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_what_the_database_cannot_keep_is_refused(api_of: ApiOf, alice: User, melody: Melody, text: str) -> None:
    client = api_of(alice)
    url = f"/api/v1/melodies/{melody.pk}/triggers/"
    for field in ("name", "description", "filter", "concurrency_key", "timezone"):
        body = json.dumps({"kind": "manual", "name": "n", field: text})
        assert client.post(url, body, content_type="application/json").status_code == 422, field
    body = json.dumps({"kind": "manual", "name": "n", "input": {"a": text}, "mapping": {"b": text}})
    assert client.post(url, body, content_type="application/json").status_code == 422
    for given in ({"name": text}, {"name": "n", "payload": text}, {"name": "n", "key": text}):
        assert client.post("/api/v1/events/", json.dumps(given), content_type="application/json").status_code == 422


def test_a_name_is_taken_once(api_of: ApiOf, alice: User, melody: Melody) -> None:
    client = api_of(alice)
    assert create(client, melody).status_code == 201
    answer = create(client, melody)
    assert (answer.status_code, answer.json()["code"]) == (409, "trigger_name_taken")


def test_to_a_stranger_nothing_is_there_and_a_viewer_changes_nothing(
    api_of: ApiOf, make_trigger: MakeTrigger, melody: Melody, viewer: User, carol: User
) -> None:
    trigger = make_trigger("manual")
    hourly = make_trigger()
    base, due = f"/api/v1/triggers/{trigger.pk}/", f"/api/v1/triggers/{hourly.pk}/"
    seen = (base, f"{base}firings/", f"{due}preview/", f"{due}backfills/", f"/api/v1/melodies/{melody.pk}/triggers/")
    since = {"since": "2020-01-01T00:00Z", "until": "2020-01-01T02:00Z"}
    done: tuple[tuple[str, Any], ...] = (
        (f"{base}fire/", {}),
        (f"{base}pause/", {}),
        (f"{base}resume/", {}),
        (f"{base}take-over/", {}),
        (f"{base}rotate-secret/", {}),
        (f"{due}backfills/", since),
        (f"/api/v1/melodies/{melody.pk}/triggers/", {"kind": "manual", "name": "n"}),
    )
    for user, read, written in ((carol, 404, 404), (viewer, 200, 403)):
        client = api_of(user)
        assert {client.get(url).status_code for url in seen} == {read}
        assert {client.post(url, body, format="json").status_code for url, body in done} == {written}
        assert client.patch(base, {"name": "x"}, format="json").status_code == written
        assert client.delete(base).status_code == written
    assert api_of(carol).get("/api/v1/triggers/").json()["results"] == []


def test_it_is_fired_by_hand_with_who_and_what(api_of: ApiOf, make_trigger: MakeTrigger, alice: User) -> None:
    trigger, client = make_trigger("manual", input={"a": 1}, mapping={"b": "{{payload.b}}"}), api_of(alice)
    answer = client.post(
        f"/api/v1/triggers/{trigger.pk}/fire/",
        {"input": {"c": 3}, "payload": {"b": 2}, "key": "once"},
        format="json",
    )
    assert answer.status_code == 201, answer.content
    fired = answer.json()
    assert (fired["state"], fired["source"], fired["fired_by"]) == ("started", "manual", alice.email)
    assert client.get(f"/api/v1/executions/{fired['execution']}/").json()["input"] == {"a": 1, "b": 2, "c": 3}
    again = client.post(f"/api/v1/triggers/{trigger.pk}/fire/", {"key": "once"}, format="json")
    assert (again.status_code, again.json()["execution"]) == (200, fired["execution"])
    listed = client.get(f"/api/v1/triggers/{trigger.pk}/firings/?state=started").json()["results"]
    assert [row["id"] for row in listed] == [fired["id"]]
    assert client.get(fired["url"]).json()["payload"]["payload"] == {"b": 2}


def test_a_trigger_is_paused_and_resumed(api_of: ApiOf, make_trigger: MakeTrigger, alice: User) -> None:
    trigger, client = make_trigger(), api_of(alice)
    url = f"/api/v1/triggers/{trigger.pk}"
    paused = client.post(f"{url}/pause/", {"reason": "holidays"}, format="json").json()
    assert (paused["state"], paused["state_reason"], paused["next_due_at"]) == ("paused", "holidays", None)
    assert client.post(f"{url}/pause/", {}, format="json").json()["code"] == "trigger_not_active"
    resumed = client.post(f"{url}/resume/").json()
    assert (resumed["state"], resumed["next_due_at"] is not None) == ("active", True)
    assert client.post(f"{url}/resume/").json()["code"] == "trigger_active"


def test_due_times_are_shown_before_there_is_a_trigger(api_of: ApiOf, alice: User) -> None:
    body = {"cron": ["30 2 * * *"], "timezone": "Europe/Berlin", "after": "2026-03-28T12:00Z", "count": 2}
    answer = api_of(alice).post("/api/v1/triggers/preview/", body, format="json").json()
    assert [time["local"] for time in answer["times"]] == ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]


@pytest.mark.parametrize("query", ["count=0", "count=101", "count=x", "after=never", "after=99999-01-01"])
def test_a_preview_has_its_bounds(api_of: ApiOf, make_trigger: MakeTrigger, alice: User, query: str) -> None:
    answer = api_of(alice).get(f"/api/v1/triggers/{make_trigger().pk}/preview/?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize("after", ["0001-01-01", "9999-12-31T23:59:59Z", "1969-12-31", "9999-12-31T23:59:59-12:00"])
def test_a_preview_knows_the_ends_of_time(api_of: ApiOf, make_trigger: MakeTrigger, alice: User, after: str) -> None:
    url = f"/api/v1/triggers/{make_trigger().pk}/preview/"
    assert api_of(alice).get(url, {"after": after}).status_code in (200, 422)


@pytest.mark.parametrize(
    ("since", "until", "pointer", "message"),
    [
        ("2020-01-02", "2020-01-01", "/until", "`since` must be before `until`."),
        ("1926-01-01", "2020-01-01", "/since", "`since` must not be before 1970-01-02."),
        ("2020-01-01", "2500-01-01", "/until", "`until` must not be after 2199-01-01."),
    ],
)
def test_a_range_that_cannot_be_says_which_end_is_wrong(
    api_of: ApiOf, make_trigger: MakeTrigger, alice: User, since: str, until: str, pointer: str, message: str
) -> None:
    url = f"/api/v1/triggers/{make_trigger(at=None).pk}/backfills/"
    answer = api_of(alice).post(url, {"since": since, "until": until, "dry_run": True}, format="json")
    assert answer.status_code == 422
    assert [(error["pointer"], error["message"]) for error in answer.json()["errors"]] == [(pointer, message)]


def test_a_backfill_is_counted_made_and_cancelled(
    api_of: ApiOf, make_trigger: MakeTrigger, alice: User, sweep: Sweep
) -> None:
    client, url = api_of(alice), f"/api/v1/triggers/{make_trigger(at=None).pk}/backfills/"
    body = {"since": "2020-01-01T00:00Z", "until": "2020-01-01T05:00Z", "parallel": 2}
    counted = client.post(url, {**body, "dry_run": True}, format="json")
    assert (counted.status_code, counted.json()["total"]) == (200, 5)
    made = client.post(url, body, format="json").json()
    sweep()
    shown = client.get(made["url"]).json()
    assert shown["progress"] == {"waiting": 3, "running": 2, "started": 2, "skipped": 0, "failed": 0}
    cancelled = client.post(f"{made['url']}cancel/", {"cancel_runs": True}, format="json").json()
    assert (cancelled["state"], cancelled["progress"]["skipped"], cancelled["progress"]["running"]) == (
        "cancelled",
        3,
        0,
    )
    assert client.post(f"{made['url']}cancel/", {}, format="json").json()["code"] == "backfill_over"
    assert [row["id"] for row in client.get(url).json()["results"]] == [made["id"]]


def test_an_event_is_sent_listed_and_told_once(
    api_of: ApiOf, make_trigger: MakeTrigger, alice: User, orchestra: Organization, sweep: Sweep
) -> None:
    make_trigger("event", event_name="order.paid")
    client, body = api_of(alice), {"organization": orchestra.slug, "name": "order.paid", "payload": 1, "key": "k"}
    sent = client.post("/api/v1/events/", body, format="json")
    assert (sent.status_code, sent.json()["matched"]) == (201, None)
    assert client.post("/api/v1/events/", body, format="json").status_code == 200
    assert len(sweep()) == 1
    assert client.get("/api/v1/events/?name=order.paid").json()["results"][0]["matched"] == 1
    assert client.get(f"/api/v1/events/{sent.json()['id']}/").json()["key"] == "k"


def test_strangers_and_viewers_tell_nothing(api_of: ApiOf, viewer: User, carol: User, orchestra: Organization) -> None:
    body = {"organization": str(orchestra.pk), "name": "x"}
    assert api_of(carol).post("/api/v1/events/", body, format="json").status_code == 404
    assert api_of(viewer).post("/api/v1/events/", body, format="json").status_code == 403


def test_lists_cost_the_same_however_long_they_are(
    api_of: ApiOf, make_trigger: MakeTrigger, alice: User, django_assert_num_queries: Any
) -> None:
    client = api_of(alice)
    for _ in range(3):
        trigger = make_trigger("manual")
        client.post(f"/api/v1/triggers/{trigger.pk}/fire/", {}, format="json")
    client.get("/api/v1/triggers/")
    for url, most in (("/api/v1/triggers/", 8), ("/api/v1/firings/", 8)):
        with django_assert_num_queries(most, exact=False):
            assert len(client.get(url).json()["results"]) == 3


def test_lists_are_narrowed_down_or_say_why_not(
    api_of: ApiOf, make_trigger: MakeTrigger, make_melody: MakeMelody, alice: User, melody: Melody
) -> None:
    client, other = api_of(alice), make_melody("other")
    triggers = [make_trigger("manual"), make_trigger("manual", melody=other)]
    fired = [client.post(f"/api/v1/triggers/{one.pk}/fire/", {}, format="json").json()["id"] for one in triggers]

    def listed(query: str) -> list[str]:
        return [row["id"] for row in client.get(f"/api/v1/firings/?{query}").json()["results"]]

    assert listed(f"trigger={triggers[0].pk}") == listed(f"melody={melody.pk}") == fired[:1]
    assert listed(f"melody={other.pk}") == fired[1:]
    assert listed(f"trigger={UUID(int=0)}") == listed(f"melody={UUID(int=0)}") == []
    assert len(client.get("/api/v1/triggers/?failing=False").json()["results"]) == 2
    assert client.get("/api/v1/triggers/?failing=true").json()["results"] == []
    for query in ("triggers/?failing=maybe", "firings/?trigger=x", "firings/?melody=tune"):
        answer = client.get(f"/api/v1/{query}")
        assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (
            422,
            ["/" + query.partition("?")[2].partition("=")[0]],
        )


def test_what_is_hidden_with_its_project_is_hidden(
    api_of: ApiOf,
    alice: User,
    viewer: User,
    make_melody: MakeMelody,
    make_trigger: MakeTrigger,
    orchestra: Organization,
) -> None:
    with acting_as(alice.pk):
        project = create_project(actor=alice, organization=orchestra, name="secret", access="restricted")
    melody = make_melody("hidden", project=project)
    trigger = make_trigger("manual", melody=melody)
    assert api_of(viewer).get(f"/api/v1/triggers/{trigger.pk}/").status_code == 404
    assert api_of(viewer).get("/api/v1/triggers/").json()["results"] == []
    with acting_as(viewer.pk):
        assert not Trigger.objects.exists()
        assert not Firing.objects.exists()
        assert not HookSecret.objects.exists()


def test_forgetting_takes_what_is_over_and_old(
    make_trigger: MakeTrigger, alice: User, api_of: ApiOf, settings: Any
) -> None:
    trigger = make_trigger("manual")
    api_of(alice).post(f"/api/v1/triggers/{trigger.pk}/fire/", {}, format="json")
    settings.SYMPHONY_FIRING_DAYS = -1
    with as_worker():
        assert forget_old() == 0, "its run is under way"
        with sweeping():
            Execution.objects.update(status="cancelled", completed_at=timezone.now())
        assert forget_old() == 1
