"""The admin of melodies and runs: what staff see of everybody, at what cost, and the one thing they may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts import services as accounts
from apps.accounts.models import Membership, Organization, User
from apps.audit.models import AuditEntry
from apps.core.tenancy import acting_as, staff, working_for
from apps.executions.models import Artifact, Event, Execution, PitOperation, Pool, Task
from apps.melodies.models import Melody, MelodyVersion
from tests.stored import file_of

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long and winding road"
ADDRESS = "moderator@example.org"
MODELS = (Melody, MelodyVersion, Execution, Task, Event, Artifact, PitOperation)
FAILING = """\
workflow:
  name: {name}
  mode: dag
  steps:
    - {{name: fetch, type: test_echo, value: 1}}
    - {{name: convert, type: test_echo, value: 2, depends_on: [fetch]}}
    - {{name: repair, type: test_echo, value: 3, depends_on: [{{step: convert, on: failure}}]}}
"""

FAILS = {"status": "failed", "error": {"code": "meant", "message": "meant to fail"}}


@pytest.fixture
def moderator(web_role: None) -> User:
    return accounts.create_user(email=ADDRESS, password=PASSWORD, is_staff=True, is_superuser=True)


@pytest.fixture
def browser(moderator: User) -> Client:
    client = Client()
    assert client.login(username=ADDRESS, password=PASSWORD)
    return client


@pytest.fixture
def run(start: Callable[..., Any]) -> Callable[..., Execution]:
    """A run to its end, with a failure, an artifact and an operation of the Pit in it."""

    def run(actor: User, name: str = "albums", organization: Organization | None = None) -> Execution:
        player = start(actor, FAILING.format(name=name), organization)
        artifact = player.artifact(f"{name}.txt", name.encode(), "text/plain")
        error = {"code": "no_such_format", "message": "There is no format mp9."}
        player.play(fetch={"artifacts": [artifact]}, convert={"status": "failed", "error": error})
        (task_id, *_) = player.task_ids("completed")
        with working_for(player.organization), connection.cursor() as cursor:
            cursor.execute("SET ROLE symphony_worker")
            PitOperation.objects.create(
                organization=player.execution.organization,
                execution=player.execution,
                task_id=task_id,
                operation_type=PitOperation.Kind.DAG_TRACKING,
                operation_context={"released": 2},
            )
            cursor.execute("SET ROLE symphony_web")
        with acting_as(actor.pk):
            player.execution.refresh_from_db()
        execution: Execution = player.execution
        return execution

    return run


def list_of(model: Any, query: str = "") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + query


def page_of(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def rows_in(page: Any) -> list[Any]:
    assert page.status_code == 200
    return list(page.context["cl"].result_list)


def tasks_of(execution: Execution) -> dict[str, Task]:
    with staff():
        return {task.name: task for task in Task.objects.filter(execution=execution).exclude(kind="join")}


def test_everything_is_history(browser: Client, alice: User, run: Callable[..., Execution]) -> None:
    execution = run(alice)
    with staff():
        rows = [model.objects.filter(**_of(model, execution)).first() for model in MODELS]
    for row in rows:
        assert browser.get(list_of(row)).status_code == 200
        page = browser.get(page_of(row))
        assert page.status_code == 200
        assert b'name="_save"' not in page.content
        assert browser.post(page_of(row), {"name": "forged"}).status_code == 403
        assert browser.post(page_of(row).replace("change", "delete"), {"post": "yes"}).status_code == 403
        assert browser.get(list_of(row) + "add/").status_code == 403


def _of(model: Any, execution: Execution) -> dict[str, Any]:
    known = {
        Melody: {"pk": execution.melody_id},
        MelodyVersion: {"pk": execution.version_id},
        Execution: {"pk": execution.pk},
    }
    return known.get(model, {"execution": execution})


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_list_costs_the_same_for_one_row_and_for_twenty(
    browser: Client, alice: User, run: Callable[..., Execution], model: Any
) -> None:
    run(alice)
    browser.get(list_of(model))  # content types, registries
    with CaptureQueriesContext(connection) as one:
        assert rows_in(browser.get(list_of(model)))
    for number in range(19):
        run(alice, f"albums {number}")
    with CaptureQueriesContext(connection) as many:
        assert len(rows_in(browser.get(list_of(model)))) >= 20
    assert len(many) == len(one)
    assert len(one) <= 14


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_page_costs_few_queries(browser: Client, alice: User, run: Callable[..., Execution], model: Any) -> None:
    execution = run(alice)
    with staff():
        row = model.objects.filter(**_of(model, execution)).first()
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(page_of(row)).status_code == 200
    assert len(queries) <= 14


class TestExecutions:
    def test_are_listed_with_state_progress_and_organization(
        self, browser: Client, alice: User, orchestra: Organization, run: Callable[..., Execution]
    ) -> None:
        run(alice, "jukebox", orchestra)
        text = browser.get(list_of(Execution)).content.decode()
        for words in ("jukebox", "Orchestra", "icon-completed", "2/3 done, 1 failed"):
            assert words in text

    def test_are_found_by_id_correlation_and_melody(
        self, browser: Client, alice: User, bob: User, run: Callable[..., Execution]
    ) -> None:
        wanted = run(alice, "nocturne")
        run(bob, "etude")
        for term in (str(wanted.pk), str(wanted.correlation_id), wanted.pk.hex[-8:], "nocturne", str(wanted.melody_id)):
            assert [row.pk for row in rows_in(browser.get(list_of(Execution), {"q": term}))] == [wanted.pk], term

    def test_are_filtered(
        self, browser: Client, alice: User, start: Callable[..., Any], orchestra: Organization
    ) -> None:
        over = start(alice)
        over.play()
        running = start(alice, organization=orchestra).execution
        assert [row.pk for row in rows_in(browser.get(list_of(Execution), {"status__exact": "completed"}))] == [
            over.execution.pk
        ]
        chosen = {"organization__id__exact": str(orchestra.pk)}
        assert [row.pk for row in rows_in(browser.get(list_of(Execution), chosen))] == [running.pk]

    def test_show_the_graph_and_lead_to_their_rows(
        self, browser: Client, alice: User, run: Callable[..., Execution]
    ) -> None:
        execution = run(alice)
        page = browser.get(page_of(execution))
        text = page.content.decode()
        assert text.count('class="box ') == 3
        assert "if failed" in text
        links = {item["status"]: item["url"] for item in page.context["summary"]}
        assert [row.name for row in rows_in(browser.get(links["failed"]))] == ["convert"]
        for _, address in page.context["lists"]:
            assert rows_in(browser.get(address)), address

    def test_are_cancelled_after_a_question(
        self, browser: Client, moderator: User, start: Callable[..., Any], run: Callable[..., Execution]
    ) -> None:
        alive, over = start(moderator).execution, run(moderator)
        chosen = {"action": "cancel", "_selected_action": [str(alive.pk), str(over.pk)]}
        question = browser.post(list_of(Execution), chosen)
        assert question.status_code == 200
        assert str(alive.pk) in question.content.decode()
        assert str(over.pk) not in question.content.decode()
        assert self.status(alive) == "pending"
        answer = browser.post(list_of(Execution), {**chosen, "confirmed": "yes"}, follow=True)
        assert "1 execution cancelled." in answer.content.decode()
        assert self.status(alive) == "cancelled"
        assert self.status(over) == "completed"

    def test_are_paused_and_resumed(
        self, browser: Client, moderator: User, start: Callable[..., Any], run: Callable[..., Execution]
    ) -> None:
        alive, over = start(moderator).execution, run(moderator)
        for action, done, status in (
            ("pause", "1 execution paused.", "paused"),
            ("resume", "1 execution resumed.", "running"),
        ):
            chosen = {"action": action, "_selected_action": [str(alive.pk), str(over.pk)]}
            answer = browser.post(list_of(Execution), chosen, follow=True).content.decode()
            assert done in answer
            assert "This execution is completed" in answer
            assert self.status(alive) == status

    def test_that_are_over_cannot_be_cancelled(
        self, browser: Client, moderator: User, run: Callable[..., Execution]
    ) -> None:
        chosen = {"action": "cancel", "_selected_action": [str(run(moderator).pk)]}
        assert (
            "All of them have ended already." in browser.post(list_of(Execution), chosen, follow=True).content.decode()
        )

    def test_of_others_are_retried_and_run_again(
        self, browser: Client, moderator: User, alice: User, start: Callable[..., Any]
    ) -> None:
        """Staff are no members of the organization."""
        player = start(alice, FAILING.format(name="etude").replace(", on: failure", ""))
        player.play(fetch=FAILS)
        chosen = {"_selected_action": [str(player.execution.pk)]}
        for action in ("rerun_failed", "rerun_downstream"):
            answer = browser.post(list_of(Execution), {**chosen, "action": action}, follow=True).content.decode()
            assert "1 execution run again." in answer
        answer = browser.post(list_of(Execution), {**chosen, "action": "retry"}, follow=True).content.decode()
        assert "1 execution retried." in answer
        answer = browser.post(list_of(Execution), {**chosen, "action": "rerun_failed"}, follow=True).content.decode()
        assert "has not ended" in answer
        with staff():
            made = list(Execution.objects.filter(rerun_of=player.execution))
        assert {(one.created_by_id, one.organization_id, one.status) for one in made} == {
            (moderator.pk, player.execution.organization_id, "pending")
        }
        assert self.status(player.execution) == "pending"

    @staticmethod
    def status(execution: Execution) -> str:
        with staff():
            return Execution.objects.values_list("status", flat=True).get(pk=execution.pk)


class TestTasks:
    def test_of_one_execution_are_read_by_the_range_of_their_keys(
        self, browser: Client, alice: User, run: Callable[..., Execution]
    ) -> None:
        execution = run(alice)
        run(alice, "another")
        with CaptureQueriesContext(connection) as queries:
            rows = rows_in(browser.get(list_of(Task), {"execution": str(execution.pk)}))
        assert sorted(row.name for row in rows) == ["convert", "fetch", "repair"]
        about_tasks = [query["sql"] for query in queries if 'FROM "executions_task"' in query["sql"]]
        assert about_tasks
        assert all('"executions_task"."id" >= ' in sql and '"id" <= ' in sql for sql in about_tasks)
        assert all("LIMIT" in sql for sql in about_tasks if "COUNT(" in sql)

    def test_are_filtered_and_searched(self, browser: Client, alice: User, run: Callable[..., Execution]) -> None:
        execution = run(alice)
        for query, names in (
            ({"status__exact": "failed"}, ["convert"]),
            ({"kind": "test_echo"}, ["convert", "fetch", "repair"]),
            ({"kind": "wait"}, []),
            ({"queue": "calls"}, []),
            ({"q": "FETCH"}, ["fetch"]),
            ({"q": str(tasks_of(execution)["repair"].pk)}, ["repair"]),
            ({"execution": "nonsense"}, []),
        ):
            assert sorted(row.name for row in rows_in(browser.get(list_of(Task), query))) == names, query

    def test_are_skipped_or_given_a_result(self, browser: Client, alice: User, start: Callable[..., Any]) -> None:
        execution = start(alice, FAILING.format(name="etude")).execution
        fetch, convert = (str(tasks_of(execution)[name].pk) for name in ("fetch", "convert"))
        chosen: dict[str, Any] = {"action": "set_result", "_selected_action": [fetch]}
        both = browser.post(list_of(Task), {**chosen, "_selected_action": [fetch, convert]}, follow=True)
        assert "Choose one task" in both.content.decode()
        question = browser.post(list_of(Task), chosen).content.decode()
        assert '<textarea id="output"' in question
        for wrong, why in (("{", "This is not JSON"), ("NaN", "/output"), ("", "This is not JSON")):
            assert why in browser.post(list_of(Task), {**chosen, "output": wrong}).content.decode()
        answer = browser.post(list_of(Task), {**chosen, "output": '{"albums": 3}', "reason": "counted"}, follow=True)
        assert [str(one) for one in answer.context["messages"]] == ["fetch is completed with your result."]
        assert tasks_of(execution)["fetch"].output == {"albums": 3}
        skipped = browser.post(list_of(Task), {"action": "skip", "_selected_action": [convert, fetch]}, follow=True)
        assert "1 task skipped." in skipped.content.decode()
        assert "is completed already" in skipped.content.decode()
        assert tasks_of(execution)["convert"].status == "skipped"

    def test_are_where_a_run_begins_again(
        self, browser: Client, moderator: User, alice: User, bob: User, run: Callable[..., Execution]
    ) -> None:
        """Staff are no members of the organizations; each of the runs is run again from its selected step."""
        first, second = run(alice), run(bob, "another")
        fetch, convert = tasks_of(first)["fetch"], tasks_of(second)["convert"]
        answer = self.again(browser, fetch, convert)
        assert answer == ["2 executions run again from the selected task, with all that follows."]
        for source, step, kept in ((first, fetch, []), (second, convert, ["fetch"])):
            with staff():
                made = Execution.objects.get(rerun_of=source)
                (trace,) = AuditEntry.objects.filter(action="execution.rerun", target_id=str(made.pk))
            assert (made.rerun_mode, made.rerun_step, made.status) == ("from_here", str(step.pk), "pending")
            assert (made.created_by_id, made.organization_id) == (moderator.pk, source.organization_id)
            assert (trace.actor_id, trace.organization_id) == (moderator.pk, source.organization_id)
            assert [name for name, task in tasks_of(made).items() if task.kept_from] == kept

    def test_of_the_same_run_or_of_one_that_goes_on_are_refused(
        self, browser: Client, alice: User, bob: User, start: Callable[..., Any], run: Callable[..., Execution]
    ) -> None:
        over, going = run(alice), start(bob, FAILING.format(name="going")).execution
        fetch, convert, repair = (tasks_of(over)[name] for name in ("fetch", "convert", "repair"))
        answer = self.again(browser, fetch, convert, tasks_of(going)["fetch"])
        same = "of the selected tasks are of the same execution; choose one: each makes a new execution."
        assert answer == [
            f"{over.pk.hex[-8:]}: 2 {same}",
            "fetch: The execution has not ended; cancel it first, or wait for its end.",
        ]
        assert self.again(browser, fetch, convert, repair) == [f"{over.pk.hex[-8:]}: 3 {same}"]
        with staff():
            assert not Execution.objects.exclude(rerun_of=None).exists()

    @staticmethod
    def again(browser: Client, *tasks: Task) -> list[str]:
        chosen = {"action": "rerun_from_here", "_selected_action": [str(task.pk) for task in tasks]}
        return [str(one) for one in browser.post(list_of(Task), chosen, follow=True).context["messages"]]

    def test_show_error_and_output(self, browser: Client, alice: User, run: Callable[..., Execution]) -> None:
        tasks = tasks_of(run(alice))
        convert = browser.get(page_of(tasks["convert"])).content.decode()
        assert "There is no format mp9." in convert
        assert "no_such_format" in convert
        assert "repair" in browser.get(page_of(tasks["repair"])).content.decode()


class TestArtifacts:
    def test_are_downloaded_and_never_shown(self, browser: Client, alice: User, run: Callable[..., Execution]) -> None:
        execution = run(alice, "hymn")
        with staff():
            artifact = Artifact.objects.get(execution=execution)
        assert "fetch" in browser.get(list_of(Artifact)).content.decode()
        response = browser.get(reverse("admin:executions_artifact_bytes", args=[artifact.pk]))
        assert response.getvalue() == b"hymn"
        assert response["Content-Disposition"] == "attachment; filename*=UTF-8''hymn.txt"
        assert response["Content-Type"] == "application/octet-stream"

    def test_without_bytes_are_not_found(self, browser: Client, alice: User, run: Callable[..., Execution]) -> None:
        execution = run(alice)
        with staff():
            artifact = Artifact.objects.get(execution=execution)
        file_of(artifact.organization_id, artifact.content_hash).unlink()
        assert browser.get(reverse("admin:executions_artifact_bytes", args=[artifact.pk])).status_code == 404


def test_versions_show_their_source(browser: Client, alice: User, run: Callable[..., Execution]) -> None:
    execution = run(alice, "madrigal")
    with staff():
        version = MelodyVersion.objects.select_related("melody").get(pk=execution.version_id)
    page = browser.get(page_of(version)).content.decode()
    assert "depends_on: [fetch]" in page
    assert "v1" in browser.get(list_of(Melody), {"q": "madri"}).content.decode()
    assert version.sha256 in browser.get(page_of(version.melody)).content.decode()


def test_strangers_and_the_curious_stay_out(
    alice: User, bob: User, run: Callable[..., Execution], web_role: None
) -> None:
    execution = run(alice)
    client = Client()
    client.force_login(bob)
    for model in MODELS:
        assert client.get(list_of(model)).status_code == 302
    with acting_as(alice.pk):
        artifact = Artifact.objects.get(execution=execution)
    assert client.get(reverse("admin:executions_artifact_bytes", args=[artifact.pk])).status_code == 302


def test_all_are_registered_on_the_site_with_the_staff_scope() -> None:
    assert all(admin.site.is_registered(model) for model in MODELS)


def test_pools_are_filtered_by_who_set_them(browser: Client, alice: User) -> None:
    with staff():
        organization = Membership.objects.get(user=alice).organization
        made = {
            by_plan: Pool.objects.create(organization=organization, kind="organization", slots=2, by_plan=by_plan)
            for by_plan in (True, False)
        }
    page = browser.get(list_of(Pool))
    assert "By who set it" in page.content.decode()
    for value, by_plan in (("1", True), ("0", False)):
        assert [row.pk for row in rows_in(browser.get(list_of(Pool), {"by_plan": value}))] == [made[by_plan].pk]


def test_pools_of_queues_are_made_for_those_there_are(browser: Client) -> None:
    given = {"organization": "", "kind": "queue", "name": "mars", "slots": "2", "open": "on"}
    page = browser.post(list_of(Pool) + "add/", given)
    assert "the queue &#x27;mars&#x27;, which no worker serves" in page.content.decode()
    assert browser.post(list_of(Pool) + "add/", {**given, "name": "calls"}).status_code == 302
    with staff():
        (made,) = Pool.objects.all()
        Pool.objects.filter(pk=made.pk).update(name="mars")
    assert browser.post(page_of(made), {"slots": "3", "open": "on"}).status_code == 302
    with staff():
        assert Pool.objects.get(pk=made.pk).slots == 3
