"""The pages of runs, without a browser: who sees what, what it costs, and that nothing hostile gets through."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Organization, User
from apps.core.ids import uuid7
from apps.core.tenancy import acting_as
from apps.executions.models import Execution
from apps.executions.pages import drawing, reading, views

pytestmark = pytest.mark.django_db(transaction=True)
HOSTILE = "</script><img src=x onerror=alert(1)>"


def page(name: str, run: Execution | UUID, *more: Any) -> str:
    return reverse(name, args=[run.pk if isinstance(run, Execution) else run, *more])


class TestAccess:
    def test_is_by_signing_in(self, alice: User, start: Callable[..., Any], web_role: None) -> None:
        run = start(alice).execution
        for address in (
            reverse("execution-pages"),
            page("execution-page", run),
            page("execution-page-tasks", run),
            page("execution-page-cancel", run),
        ):
            response = Client().get(address)
            assert response.status_code == 302
            assert response["Location"] == f"/login/?next={address}"

    def test_is_not_for_strangers(
        self, alice: User, carol: User, start: Callable[..., Any], browser_of: Callable[[User], Client]
    ) -> None:
        run, stranger = start(alice).execution, browser_of(carol)
        for name in ("execution-page", "execution-page-tasks", "execution-page-cancel"):
            assert stranger.get(page(name, run)).status_code == 404
            assert stranger.get(page(name, uuid7())).status_code == 404
        assert stranger.post(page("execution-page-cancel", run)).status_code == 404
        assert "No executions yet" in stranger.get(reverse("execution-pages")).content.decode()

    def test_viewers_look_and_do_not_cancel(
        self,
        alice: User,
        viewer: User,
        orchestra: Organization,
        start: Callable[..., Any],
        browser_of: Callable[[User], Client],
    ) -> None:
        run, browser = start(alice, organization=orchestra).execution, browser_of(viewer)
        text = browser.get(page("execution-page", run)).content.decode()
        assert "Cancel the execution" not in text
        assert browser.post(page("execution-page-cancel", run)).status_code == 403

    def test_pages_run_no_inline_script(
        self, alice: User, start: Callable[..., Any], browser_of: Callable[[User], Client]
    ) -> None:
        response = browser_of(alice).get(page("execution-page", start(alice).execution))
        assert response["Content-Security-Policy"] == views.POLICY
        text = response.content.decode()
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick=" not in text


class TestCancelling:
    def test_asks_first(self, alice: User, start: Callable[..., Any], browser_of: Callable[[User], Client]) -> None:
        run, browser = start(alice).execution, browser_of(alice)
        assert "Cancel this execution?" in browser.get(page("execution-page-cancel", run)).content.decode()
        answer = browser.post(page("execution-page-cancel", run))
        assert answer.status_code == 302
        assert answer["Location"] == page("execution-page", run)
        text = browser.get(page("execution-page", run)).content.decode()
        assert "Cancelled." in text
        # Too late a second time, and nothing to complain about.
        assert browser.post(page("execution-page-cancel", run)).status_code == 302

    def test_needs_the_form(self, alice: User, start: Callable[..., Any], web_role: None) -> None:
        run = start(alice).execution
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)
        assert client.post(page("execution-page-cancel", run)).status_code == 403


class TestLivePage:
    def test_shows_the_run_as_it_is(
        self, alice: User, start: Callable[..., Any], browser_of: Callable[[User], Client]
    ) -> None:
        player = start(alice)
        (first,) = player.task_ids("dispatched")
        player.finish(player.claim(first))
        left, _ = player.task_ids("dispatched")
        player.claim(left)
        context = browser_of(alice).get(page("execution-page", player.execution)).context
        assert {painted.drawn.box.name: painted.status for painted in context["boxes"]} == {
            "first": "completed",
            "left": "executing",
            "right": "dispatched",
            "last": "pending",
        }
        assert context["total"] == 4
        assert context["execution"].status == "running"

    def test_labels_lines_of_other_conditions(
        self, alice: User, start: Callable[..., Any], browser_of: Callable[[User], Client]
    ) -> None:
        context = browser_of(alice).get(page("execution-page", start(alice).execution)).context
        assert sorted(line.label for line in context["picture"].lines) == ["", "", "", "always"]

    def test_takes_names_for_text(
        self, alice: User, start: Callable[..., Any], browser_of: Callable[[User], Client]
    ) -> None:
        player = start(alice, {"workflow": {"name": HOSTILE, "steps": [{"name": "a", "type": "test_echo"}]}})
        error = {"code": "bad", "message": HOSTILE}
        player.play(a={"status": "failed", "error": error})
        browser = browser_of(alice)
        for address in (page("execution-page", player.execution), reverse("execution-pages")):
            text = browser.get(address).content.decode()
            assert HOSTILE not in text
            assert "&lt;img src=x" in text

    def test_costs_the_same_for_a_large_run(
        self, alice: User, start: Callable[..., Any], browser_of: Callable[[User], Client]
    ) -> None:
        browser, costs = browser_of(alice), []
        for count in (2, 300):
            steps = [{"name": f"s{number}", "type": "test_echo"} for number in range(count)]
            run = start(alice, {"workflow": {"name": f"of {count}", "mode": "dag", "steps": steps}}).execution
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(page("execution-page", run)).status_code == 200
            costs.append(len(queries))
        assert costs[0] == costs[1] <= 16

    def test_of_what_is_inside_loops_is_counted_at_the_loop(
        self, alice: User, start: Callable[..., Any], browser_of: Callable[[User], Client]
    ) -> None:
        inner = [{"name": "item", "type": "test_echo"}]
        loop = {"name": "each", "type": "for_loop", "iterator": "x", "data_source": [1, 2, 3], "steps": inner}
        player = start(alice, {"workflow": {"name": "loop", "steps": [loop]}})
        (task,) = player.task_ids("dispatched")
        player.expand(player.claim(task), [{"body": 0, "loop": {"index": index}} for index in range(3)])
        (item,) = player.task_ids("dispatched")
        player.finish(player.claim(item))
        browser = browser_of(alice)
        (painted,) = browser.get(page("execution-page", player.execution)).context["boxes"]
        assert painted.status == "waiting"
        assert painted.words == "1/3 done"
        rows = browser.get(page("execution-page-tasks", player.execution)).json()["tasks"]
        columns = reading.TASK_COLUMNS
        told = [dict(zip(columns, row, strict=True)) for row in rows]
        assert [(row["name"], row["parent"], row["iteration"]) for row in told] == [
            ("each", None, None),
            ("item", 0, 0),
            ("item", 0, 1),
            ("item", 0, 2),
        ]


class TestRows:
    def test_come_in_pages_with_events_and_artifacts_first(
        self,
        alice: User,
        start: Callable[..., Any],
        browser_of: Callable[[User], Client],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(reading, "TASKS_PER_PAGE", 3)
        player = start(alice)
        (first,) = player.task_ids("dispatched")
        player.finish(player.claim(first), artifacts=[player.artifact("notes.txt", b"A B C", "text/plain")])
        browser = browser_of(alice)
        one = browser.get(page("execution-page-tasks", player.execution)).json()
        two = browser.get(page("execution-page-tasks", player.execution), {"after": one["next"]}).json()
        assert [row[1] for row in one["tasks"]] == ["first", "left", "right"]
        assert [row[1] for row in two["tasks"]] == ["last"]
        assert two["next"] is None
        assert "events" not in two
        assert [artifact["name"] for artifact in one["artifacts"]] == ["notes.txt"]
        assert "task_completed" in [event["type"] for event in one["events"]]

    def test_events_name_where_the_stream_goes_on(
        self, alice: User, start: Callable[..., Any], browser_of: Callable[[User], Client]
    ) -> None:
        player = start(alice)
        player.play()
        browser = browser_of(alice)
        told = browser.get(page("execution-page-tasks", player.execution)).json()["events"]
        listed = browser.get(f"/api/v1/executions/{player.execution.pk}/events/").json()["results"]
        assert [event["id"] for event in told] == [event["cursor"] for event in listed]

    @pytest.mark.parametrize("after", ["-1", "x", "9" * 40, "٣", "1.5"])
    def test_begin_anew_at_nonsense(
        self, after: str, alice: User, start: Callable[..., Any], browser_of: Callable[[User], Client]
    ) -> None:
        told = browser_of(alice).get(page("execution-page-tasks", start(alice).execution), {"after": after}).json()
        assert len(told["tasks"]) == 4


class TestList:
    def test_shows_the_latest_and_leads_to_older_ones(
        self,
        alice: User,
        start: Callable[..., Any],
        browser_of: Callable[[User], Client],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(views, "RUNS_PER_PAGE", 2)
        runs = [start(alice).execution for _ in range(3)]
        browser = browser_of(alice)
        newest = browser.get(reverse("execution-pages")).context
        assert [run["execution"].pk for run in newest["runs"]] == [runs[2].pk, runs[1].pk]
        older = browser.get(reverse("execution-pages"), {"before": str(newest["older"])}).context
        assert [run["execution"].pk for run in older["runs"]] == [runs[0].pk]
        assert older["older"] is None
        assert len(browser.get(reverse("execution-pages"), {"before": "nonsense"}).context["runs"]) == 2

    def test_costs_the_same_for_one_run_and_for_twenty(
        self, alice: User, start: Callable[..., Any], browser_of: Callable[[User], Client]
    ) -> None:
        browser = browser_of(alice)
        start(alice).play()
        with CaptureQueriesContext(connection) as one:
            browser.get(reverse("execution-pages"))
        for _ in range(19):
            start(alice)
        with CaptureQueriesContext(connection) as many:
            context = browser.get(reverse("execution-pages")).context
        assert len(context["runs"]) == 20
        assert len(one) == len(many) <= 8

    def test_does_not_count_the_tasks_of_very_large_runs(
        self,
        alice: User,
        start: Callable[..., Any],
        browser_of: Callable[[User], Client],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(reading, "MOST_COUNTED", 3)
        start(alice)
        (run,) = browser_of(alice).get(reverse("execution-pages")).context["runs"]
        assert run["progress"] == "about 4 steps"


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ({}, "pending"),
        ({"pending": 2}, "pending"),
        ({"completed": 1, "pending": 1}, "waiting"),
        ({"completed": 5, "failed": 1, "executing": 2}, "failed"),
        ({"completed": 5, "executing": 2, "dispatched": 1}, "executing"),
        ({"completed": 5, "skipped": 1}, "completed"),
        ({"skipped": 2}, "skipped"),
        ({"completed": 1, "cancelled": 1}, "cancelled"),
    ],
)
def test_one_word_for_many_tasks(counts: dict[str, int], status: str) -> None:
    assert drawing.overall(counts) == status


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 ms"), (0.0834, "83 ms"), (0.9999, "1.0 s"), (4.21, "4.2 s"), (185, "3 m 05 s"), (7620, "2 h 07 m")],
)
def test_durations(seconds: float, words: str) -> None:
    assert drawing.duration(seconds) == words


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("short", "short"),
        ("convert_all_the_pictures_017", "convert_all_t…es_017"),
        ("絵を全部変換する手順の十七番", "絵を全部変換…十七番"),
    ],
)
def test_names_are_cut_in_the_middle(text: str, short: str) -> None:
    assert drawing.shortened(text, 20) == short


def test_every_part_of_a_bar_can_be_seen() -> None:
    parts = list(drawing.bar({"completed": 100_000, "failed": 1}))
    assert [part.status for part in parts] == ["completed", "failed"]
    assert parts[1].width >= 2
    assert parts[0].x + parts[0].width == pytest.approx(parts[1].x, abs=0.02)
    assert parts[1].x + parts[1].width == pytest.approx(12 + 176, abs=0.02)


def test_the_page_tells_its_script_what_it_needs(
    alice: User, start: Callable[..., Any], browser_of: Callable[[User], Client]
) -> None:
    run = start(alice).execution
    text = browser_of(alice).get(page("execution-page", run)).content.decode()
    data = json.loads(text.partition('<script id="run-data" type="application/json">')[2].partition("</script>")[0])
    assert data["urls"]["stream"] == f"/api/v1/executions/{run.pk}/stream"
    assert [box["members"] for box in data["boxes"]] == [[[0, 0]], [[1, 1]], [[2, 2]], [[3, 3]]]
    with acting_as(alice.pk):
        assert Execution.objects.filter(pk=data["execution"]["id"]).exists()
