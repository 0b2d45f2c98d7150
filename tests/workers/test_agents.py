"""Agents as steps of runs, on real workers; deployments as real processes; workflows of n8n that run."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from apps.agents import services
from apps.agents.models import Agent, AgentVersionUse, Deployment
from apps.agents.queries import deployment_for, version_of
from apps.core.tenancy import acting_as
from apps.executions.models import Execution
from apps.melodies.services import import_n8n
from symphony import roles
from symphony.agents.local import LocalRuntime
from symphony.agents.runner import Runner
from symphony.embedded.process import spawn
from tests.conftest import Servers
from tests.engine import Run, eventually
from tests.unit.n8n import documents as d
from tests.workers.stage import Stage, staged, until_waiting
from workers.agents.runtime import Launch

GRAPHS = "tests.workers.agent_graphs"


@pytest.fixture(scope="module")
def stage(
    servers: Servers,
    test_database_urls: roles.DatabaseUrls,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("agents")
    with staged(servers, test_database_urls, django_db_blocker, home, SYMPHONY_AGENT_MODULES=GRAPHS) as ready:
        yield ready


@pytest.fixture
def agent(stage: Stage) -> Callable[..., Agent]:
    """An active agent for a graph of the tests, or with another config."""

    def make(name: str, **more: Any) -> Agent:
        fields = {"config": {"graph": f"{GRAPHS}:{name}"}, "framework": "langgraph", **more}
        with acting_as(stage.user.pk):
            made = services.create_agent(
                actor=stage.user, organization=stage.organization, name=name, agent_type="code", **fields
            )
            return services.activate_agent(actor=stage.user, agent=made)

    return make


def play(stage: Stage, *steps: dict[str, Any], **given: Any) -> Run:
    workflow = {"name": "agents", "steps": list(steps)}
    return stage.start(stage.publish(json.dumps({"workflow": workflow}).encode(), media="json"), given)


def asks(made: Agent, **more: Any) -> dict[str, Any]:
    return {"name": "ask", "type": "agent", "agent": made.slug, "input": {"numbers": "{{inputs.numbers}}"}, **more}


def finished(run: Run, status: str = "completed") -> Execution:
    execution = run.wait()
    assert execution.status == status, run.state()
    return execution


def test_an_agent_runs_as_a_step_and_its_updates_are_events(stage: Stage, agent: Callable[..., Agent]) -> None:
    made = agent("sums")
    run = play(
        stage, asks(made), {"name": "tell", "type": "test_echo", "value": "{{steps.ask.output.total}}"}, numbers=[1, 2]
    )
    finished(run)
    assert run.task("tell").output == 6
    assert {key: run.task("ask").output[key] for key in ("agent", "version", "rounds", "updates")} == {
        "agent": "sums", "version": "1.0.0", "rounds": 1, "updates": 2,
    }  # fmt: skip
    updates = [event.payload for event in run.events() if event.event_type == "agent_update"]
    assert [update["data"]["node"] for update in updates] == ["adding", "doubling"]
    (called,) = [event.payload for event in run.events() if event.event_type == "agent_called"]
    assert (called["framework"], called["paused"]) == ("langgraph", False)
    with acting_as(stage.user.pk):
        assert AgentVersionUse.objects.filter(execution_id=run.id, version__agent=made).count() == 1


def test_people_answer_what_an_agent_asks(stage: Stage, agent: Callable[..., Agent]) -> None:
    run = play(stage, asks(agent("asking"), title="A question"), numbers=[1, 2])
    until_waiting("ask")(stage, run)
    stage.decide(run, "ask", "approve", "It is.")
    finished(run)
    output = run.task("ask").output
    assert output["rounds"] == 2
    assert output["output"]["total"] == 6
    assert "'approved': True" in output["output"]["seen"][1]


def test_a_signal_answers_each_question(stage: Stage, agent: Callable[..., Agent]) -> None:
    run = play(stage, asks(agent("nested"), on_interrupt="signal", signal="answer"), numbers=[4])
    until_waiting("ask")(stage, run)
    stage.tell(run, "answer", "more")
    run.wait_for(lambda seen: _questions(seen) == 2, "the second question")
    stage.tell(run, "answer", "tea")
    finished(run)
    assert "more 'tea'" in run.task("ask").output["output"]["seen"]
    assert run.task("ask").output["rounds"] == 3


def _questions(run: Run) -> int:
    return sum(1 for event in run.events() if event.event_type == "agent_called" and event.payload["paused"])


def test_a_thread_is_carried_on_by_later_steps(stage: Stage, agent: Callable[..., Agent]) -> None:
    made = agent("chat")
    talk = {"type": "agent", "agent": str(made.pk), "thread_id": "talk"}
    run = play(stage, {"name": "first", "input": "Hello", **talk}, {"name": "second", "input": "Again", **talk})
    finished(run)
    assert run.task("second").output["output"]["messages"][-1]["content"] == "3 messages"
    assert run.task("second").output["usage"] == {"input_tokens": 21, "output_tokens": 3, "total_tokens": 24}


@pytest.mark.parametrize(
    ("graph", "more", "code"),
    [
        ("failing", {}, "agent_failed"),
        ("endless", {"recursion_limit": 4}, "recursion_limit"),
        ("slowly", {"timeout_seconds": 0.5}, "timeout"),
        ("asking", {"on_interrupt": "fail"}, "agent_interrupted"),
        ("asking", {"answer_within": 0.1}, "interrupt_timeout"),
        ("sums", {"version": "7.0.0"}, "agent_version_not_found"),
        ("sums", {"agent": "nobody"}, "agent_not_found"),
        ("sums", {"deployed": True, "retry": False}, "agent_not_running"),
    ],
)
def test_what_goes_wrong_fails_the_step(
    stage: Stage, agent: Callable[..., Agent], graph: str, more: dict[str, Any], code: str
) -> None:
    made = agent(graph, slug=f"{graph}-{code}".replace("_", "-"))
    run = play(stage, asks(made, **more), numbers=[1])
    if code == "agent_not_running":
        run.wait_for(
            lambda seen: any("No deployment" in str(event.payload) for event in seen.events()), "it is tried again"
        )
        run.cancel()
        return
    finished(run, "failed")
    error = run.task("ask").error
    assert error is not None
    assert error["code"] == code


def test_an_agent_that_is_not_active_or_not_allowed_does_not_run(stage: Stage, agent: Callable[..., Agent]) -> None:
    idle = agent("sums", slug="idle")
    with acting_as(stage.user.pk):
        services.deactivate_agent(actor=stage.user, agent=idle)
    forbidden = agent("x", slug="forbidden", config={"graph": "subprocess:run"})
    runs = [play(stage, asks(made), numbers=[]) for made in (idle, forbidden)]
    codes = [finished(run, "failed") and (run.task("ask").error or {})["code"] for run in runs]
    assert codes == ["agent_not_active", "agent_not_allowed"]


def test_a_cancelled_run_ends_its_agent(stage: Stage, agent: Callable[..., Agent]) -> None:
    run = play(stage, asks(agent("slowly", slug="slow")), numbers=[])
    run.wait_for(lambda seen: any(event.event_type == "agent_update" for event in seen.events()), "it is under way")
    run.cancel()
    finished(run, "cancelled")


# -- deployments -------------------------------------------------------------------------------------------------------
@pytest.fixture
def runner(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    monkeypatch.setattr(settings, "SYMPHONY_AGENT_MODULES", [GRAPHS])
    made = Runner(LocalRuntime(tmp_path / "agents", (GRAPHS,)), "runner-of-tests", health_seconds=0.1, backoff=0.05)
    yield made
    made.close()


def seen(stage: Stage, deployment: Deployment) -> Deployment:
    with acting_as(stage.user.pk):
        return deployment_for(actor=stage.user, deployment_id=deployment.pk)


def until(stage: Stage, runner: Runner, deployment: Deployment, condition: Callable[[Deployment], bool]) -> Deployment:
    def look() -> bool:
        runner.pass_once()
        return condition(seen(stage, deployment))

    eventually(look, "the deployment is as it is wanted", why=lambda: str(vars(seen(stage, deployment))))
    return seen(stage, deployment)


def deployed(stage: Stage, agent: Agent) -> Deployment:
    with acting_as(stage.user.pk):
        return services.deploy(actor=stage.user, agent=agent, version=version_of(agent))


def test_a_deployment_runs_is_called_crashes_comes_back_and_stops(
    stage: Stage, agent: Callable[..., Agent], runner: Runner
) -> None:
    made = agent("asking", slug="deployed")
    deployment = deployed(stage, made)
    assert seen(stage, deployment).status == "pending"
    up = until(stage, runner, deployment, lambda row: row.status == "running")
    assert (up.health, up.restart_count) == ("healthy", 0)

    run = play(stage, asks(made, deployed=True, on_interrupt="signal", signal="go"), numbers=[3])
    until_waiting("ask")(stage, run)
    stage.tell(run, "go", "yes")
    finished(run)
    assert run.task("ask").output["output"]["seen"] == ["adding", "answer 'yes'", "doubling"]

    pid = int(up.container_id.removeprefix("local-"))
    os.kill(pid, signal.SIGKILL)
    back = until(stage, runner, deployment, lambda row: row.status == "running" and row.restart_count == 1)
    assert back.container_id != up.container_id

    with acting_as(stage.user.pk):
        services.restart_deployment(actor=stage.user, deployment=seen(stage, deployment))
    again = until(
        stage, runner, deployment, lambda row: row.status == "running" and row.container_id != back.container_id
    )
    with acting_as(stage.user.pk):
        assert Agent.objects.get(pk=made.pk).container_id == again.container_id
        services.stop_deployment(actor=stage.user, deployment=again)
    until(stage, runner, deployment, lambda row: row.status == "stopped")
    assert not Path(f"/proc/{again.container_id.removeprefix('local-')}").exists()
    assert runner.held == {}


def test_a_graph_that_is_not_allowed_is_given_up_and_the_agent_is_in_error(
    stage: Stage, agent: Callable[..., Agent], runner: Runner
) -> None:
    made = agent("y", slug="not-allowed", config={"graph": "subprocess:run"})
    row = until(stage, runner, deployed(stage, made), lambda row: row.status == "failed")
    assert "SYMPHONY_AGENT_MODULES" in row.error_message
    with acting_as(stage.user.pk):
        assert Agent.objects.get(pk=made.pk).status == "error"


def test_a_graph_that_cannot_be_loaded_is_given_up(stage: Stage, agent: Callable[..., Agent], runner: Runner) -> None:
    made = agent("z", slug="hopeless", config={"graph": f"{GRAPHS}:nothing_there"})
    row = until(stage, runner, deployed(stage, made), lambda row: row.status == "failed")
    assert "nothing_there" in seen_logs(stage, row)
    assert row.restart_count == 0


def test_what_ends_again_and_again_is_given_up_and_comes_back_when_asked(
    stage: Stage, agent: Callable[..., Agent], runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symphony.agents.runner.MOST_FAILURES", 1)
    deployment = deployed(stage, agent("sums", slug="frail"))
    up = until(stage, runner, deployment, lambda row: row.status == "running")
    os.kill(int(up.container_id.removeprefix("local-")), signal.SIGKILL)
    given_up = until(stage, runner, deployment, lambda row: row.status == "failed")
    assert "SIGKILL" in given_up.error_message
    with acting_as(stage.user.pk):
        services.restart_deployment(actor=stage.user, deployment=given_up)
    until(stage, runner, deployment, lambda row: row.status == "running")


def seen_logs(stage: Stage, row: Deployment) -> str:
    with acting_as(stage.user.pk):
        return Deployment.objects.get(pk=row.pk).logs


def test_a_process_has_no_secrets_on_its_command_line_and_its_limits(tmp_path: Path) -> None:
    key = "k" * 40
    launch = Launch("limited", f"{GRAPHS}:hungry", (GRAPHS,), key, cpu=1, memory_mb=1024)
    handle = LocalRuntime(tmp_path, (GRAPHS,)).start(launch)
    try:
        eventually(handle.is_healthy, "it answers", why=handle.logs)
        folder = Path("/proc") / handle.id.removeprefix("local-")
        told = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        assert key.encode() not in told
        assert b"DATABASE_URL" not in told
        limits = (folder / "limits").read_text(encoding="ascii")
        assert str(1024 << 20) in limits.split("Max address space")[1].splitlines()[0]
        assert len(os.sched_getaffinity(int(folder.name))) == 1
    finally:
        handle.stop()
    assert handle.exit_status() is not None


def test_processes_never_outlive_the_command_that_started_them(stage: Stage, agent: Callable[..., Agent]) -> None:
    made = agent("sums", slug="orphan")
    deployment = deployed(stage, made)
    environ = stage.engine.environ("worker", **stage.engine.more)
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "agents", "run"]
    with spawn(command, log=stage.engine.folder / "agents.log", environ=environ) as process:
        try:
            eventually(lambda: seen(stage, deployment).status == "running", "it runs")
            child = Path("/proc") / seen(stage, deployment).container_id.removeprefix("local-")
            assert child.exists()
        finally:
            process.kill()
    eventually(
        lambda: not child.exists() or "Z" in (child / "stat").read_text().split(") ")[1][:1], "the process is gone"
    )


# -- n8n ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("workflow", "given", "step", "output"),
    [
        (d.BRANCHES, {"body": {"total": 200}}, "Full_price", None),
        (d.ROUTES, {"kind": "b"}, "B", None),
        (d.LOOP, {}, "Loop_Over_Items", 2),
        (
            d.LISTS,
            {"orders": [{"name": "a", "price": 1}, {"name": "b", "price": 3}, {"name": "b", "price": 3}]},
            "Limit",
            None,
        ),
        (d.MERGES, {}, "Tell", None),
        (d.CHAT, {"chatInput": "Is this good?"}, "AI_Agent", None),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) and "nodes" in value else "",
)
def test_an_imported_workflow_runs(
    stage: Stage, workflow: dict[str, Any], given: Any, step: str, output: int | None
) -> None:
    with acting_as(stage.user.pk):
        made = import_n8n(actor=stage.user, organization=stage.organization, source=json.dumps(workflow))
    run = stage.start(made.version, given)
    finished(run)
    if step == "Full_price":
        assert (run.task("Full_price").status, run.task("Discount").status) == ("skipped", "completed")
    elif step == "B":
        assert {name: run.task(name).status for name in ("A", "B", "Else", "After")} == {
            "A": "skipped", "B": "completed", "Else": "skipped", "After": "completed",
        }  # fmt: skip
    elif step == "Loop_Over_Items":
        assert run.task(step).output["completed_items"] == output
    elif step == "Limit":
        assert run.task(step).output["items"] == [{"name": "b", "price": 3}, {"name": "a", "price": 1}]
    else:
        assert run.task(step).status == "completed"
