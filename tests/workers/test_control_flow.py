"""Loops, races, nested melodies, approvals and signals on real workers, told what a person or another system would tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from apps.core.tenancy import acting_as
from apps.executions import approvals, lookups, signals
from apps.executions.errors import PayloadRefused
from symphony import roles
from tests.conftest import Servers
from tests.engine import Run
from tests.unit.steps.local_server import Asked, Said, serving
from tests.workers.stage import Stage, staged, until_waiting


@pytest.fixture(scope="module")
def stage(
    servers: Servers,
    test_database_urls: roles.DatabaseUrls,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("control")
    allowed = {"SYMPHONY_HTTP_ALLOW_PRIVATE": "127.0.0.2"}
    with staged(servers, test_database_urls, django_db_blocker, folder, **allowed) as ready:
        yield ready


def play(stage: Stage, steps: list[dict[str, Any]], given: dict[str, Any] | None = None, **workflow: Any) -> Run:
    document = {"workflow": {"name": "flow", **workflow, "steps": steps}}
    return stage.start(stage.publish(json.dumps(document).encode(), media="json"), given or {})


def echo(name: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "test_echo", "value": value, **more}


def completed(run: Run) -> Run:
    assert run.wait().status == "completed", run.state()
    return run


def names(run: Run, name: str, status: str = "completed") -> int:
    return sum(1 for task in run.tasks() if task.name == name and task.status == status)


# -- loops -------------------------------------------------------------------------------------------------------------
def test_a_while_loop_sees_what_the_pass_before_gave(stage: Stage) -> None:
    loop = {
        "name": "refine",
        "type": "while_loop",
        "condition": "draft.score == null or steps.draft.score < 3",
        "steps": [echo("draft", {"score": "{{loop.iteration + 1}}", "before": "{{loop.previous.draft.score}}"})],
    }
    run = completed(
        play(stage, [loop, echo("tell", "{{steps.refine.iterations}} {{steps.refine.results.draft.before}}")])
    )
    assert run.task("tell").output == "3 2"


def test_zero_passes_are_a_result(stage: Stage) -> None:
    loop = {"name": "never", "type": "while_loop", "condition": "1 > 2", "steps": [echo("inner")]}
    run = completed(play(stage, [loop, echo("after", "{{steps.never.iterations}}")]))
    assert (run.task("never").status, run.task("after").output) == ("completed", 0)


def test_a_break_starts_nothing_more(stage: Stage) -> None:
    loop = {
        "name": "search",
        "type": "for_loop",
        "iterator": "n",
        "data_source": "range(1, 20)",
        "break_condition": "steps.look.found",
        "continue_condition": "loop.n == 2",
        "steps": [echo("look", {"found": "{{loop.n == 4}}"})],
    }
    run = completed(play(stage, [loop]))
    result = run.task("search").output
    assert [one["item"] for one in result["iterations"]] == [1, 3, 4]
    assert (result["ended_by"], result["total_items"], names(run, "look")) == ("break_condition", 20, 3)


def test_a_loop_may_end_when_enough_is_known(stage: Stage) -> None:
    ask = [
        {"name": "ask", "type": "wait", "seconds": "{{loop.n > 3 ? 60 : 0}}", "output": {"points": "{{loop.n}}"}},
    ]
    loop = {
        "name": "poll",
        "type": "for_loop",
        "iterator": "n",
        "data_source": [1, 2, 3, 4, 5],
        "parallel": True,
        "complete_when": "sum(map(iterations, 'results.ask.points')) >= 6 and loop.completed == 3",
        "steps": ask,
    }
    run = completed(play(stage, [loop]))
    assert (run.task("poll").output["completed_items"], names(run, "ask", "cancelled")) == (3, 2)


# -- branches ----------------------------------------------------------------------------------------------------------
def test_the_winner_of_a_race_cancels_the_others(stage: Stage) -> None:
    race = {
        "name": "first",
        "type": "race",
        "branches": {
            "slow": [{"name": "tortoise", "type": "wait", "seconds": 60}],
            "broken": [echo("bad", fail=True)],
            "fast": [
                {"name": "hare", "type": "wait", "seconds": 0.05, "output": "hop"},
                echo("home", "{{steps.hare}}!"),
            ],
        },
    }
    run = completed(play(stage, [race, echo("tell", "{{steps.first.winner}}: {{steps.home}}")]))
    assert run.task("tell").output == "fast: hop!"
    assert run.statuses()["tortoise"] == "cancelled"


def test_a_race_nobody_wins_fails(stage: Stage) -> None:
    race = {"name": "race", "type": "race", "branches": {"a": [echo("x", fail=True)], "b": [echo("y", fail=True)]}}
    run = play(stage, [race])
    assert run.wait().status == "failed"
    assert run.task("race").error["code"] == "no_winner"


# -- nested melodies ---------------------------------------------------------------------------------------------------
def test_a_nested_melody_gives_what_it_is_asked_for(stage: Stage) -> None:
    inner = {"name": "inner", "steps": [echo("a", {"list": ["{{inputs.n}}", 8]}), echo("b", "{{state.key}}")]}
    steps = [
        {"name": "plain", "type": "pipeline", "pipeline": inner, "config": {"inherit_context": True}},
        {
            "name": "asked",
            "type": "pipeline",
            "pipeline": {"workflow": inner},
            "inputs": {"n": "{{steps.plain.b}}"},
            "outputs": [{"path": "a.list[1]", "as": "eight"}, "b"],
        },
    ]
    run = completed(play(stage, steps, {"n": 7}, variables={"key": "c"}))
    assert run.task("plain").output == {"a": {"list": [7, 8]}, "b": "c"}
    assert run.task("asked").output == {"result": {"eight": 8, "b": None}}


def test_a_nested_failure_may_be_a_result(stage: Stage) -> None:
    inner = {"name": "inner", "steps": [echo("fine", 1), echo("bad", fail=True, error_message="no")]}

    def step(name: str, **config: Any) -> dict[str, Any]:
        return {"name": name, "type": "pipeline", "pipeline": inner, "config": config}

    steps = [step("kept", capture_errors=True), step("replaced", fallback_value={"score": 0}), step("failed")]
    run = play(stage, steps)
    assert run.wait().status == "failed"
    assert run.task("kept").output["error"]["message"] == "Nested pipeline 'inner' failed: no"
    assert (run.task("kept").output["results"]["fine"], run.task("replaced").output) == (1, {"score": 0})
    assert run.task("failed").error["message"] == "Nested pipeline 'inner' failed: no"


def test_a_melody_inside_itself_is_refused(stage: Stage) -> None:
    steps = [{"name": "again", "type": "pipeline", "pipeline_file": "circles/a.yaml"}]
    document = json.dumps({"workflow": {"name": "a", "steps": steps}}).encode()
    run = stage.start(stage.publish(document, media="json", path="circles/a.yaml"), {})
    assert run.wait().status == "failed"
    assert run.task("again").error["code"] == "circular_pipeline"
    assert "a -> a" in run.task("again").error["message"]


def test_depth_is_limited(stage: Stage) -> None:
    steps = [{"name": "down", "type": "pipeline", "pipeline_file": "circles/deep.yaml"}]
    document = {
        "workflow": {"name": "deep", "safety": {"detect_circular_deps": False, "max_nesting_depth": 3}, "steps": steps}
    }
    run = stage.start(stage.publish(json.dumps(document).encode(), media="json", path="circles/deep.yaml"), {})
    assert run.wait().status == "failed"
    downs = [task for task in run.tasks() if task.name == "down"]
    assert [task.error["code"] for task in downs] == ["nesting_too_deep"] * 4
    assert "Maximum nesting depth (3) exceeded: current depth is 4" in downs[-1].error["message"]


# -- people and events -------------------------------------------------------------------------------------------------
def decide(stage: Stage, run: Run, step: str, decision: str, comment: str = "") -> None:
    until_waiting(step)(stage, run)
    with acting_as(stage.user.pk):
        task = lookups.task_for(actor=stage.user, task_id=run.task(step).pk)
        approvals.decide(actor=stage.user, task=task, decision=decision, comment=comment)


def test_an_approval_goes_on_when_it_is_decided(stage: Stage) -> None:
    ask = {"name": "ask", "type": "approval", "title": "Play {{inputs.what}}?", "on_reject": "continue"}
    steps = [ask, echo("tell", "{{steps.ask.approved}} {{steps.ask.decisions[0].comment}}")]
    yes, no = play(stage, steps, {"what": "it"}), play(stage, steps, {"what": "that"})
    decide(stage, yes, "ask", "approve", "Bravo")
    decide(stage, no, "ask", "reject", "Boo")
    assert completed(yes).task("tell").output == "true Bravo"
    assert completed(no).task("tell").output == "false Boo"
    ((said,),) = [yes.task("ask").output["decisions"]]
    assert (said["user"], said["role"]) == ("stage@example.org", "owner")


def test_an_approval_that_is_rejected_or_late_fails(stage: Stage) -> None:
    rejected, late = (
        play(stage, [{"name": "ask", "type": "approval"}]),
        play(stage, [{"name": "ask", "type": "approval", "deadline_seconds": 0.1}]),
    )
    decide(stage, rejected, "ask", "reject", "never")
    assert (rejected.wait().status, late.wait().status) == ("failed", "failed")
    assert (rejected.task("ask").error["code"], late.task("ask").error["code"]) == ("rejected", "approval_timeout")


def test_a_signal_with_a_schema(stage: Stage) -> None:
    schema = {"type": "object", "required": ["sum"]}
    steps = [{"name": "paid", "type": "signal", "schema": schema}, echo("tell", "{{steps.paid.payload.sum}}")]
    run = play(stage, steps)
    until_waiting("paid")(stage, run)
    with acting_as(stage.user.pk):
        execution = lookups.execution_for(actor=stage.user, execution_id=run.id)
        with pytest.raises(PayloadRefused):
            signals.send(actor=stage.user, execution=execution, name="paid", payload={})
        assert run.task("paid").status == "waiting"
        signals.send(actor=stage.user, execution=execution, name="paid", payload={"sum": 3})
    assert completed(run).task("tell").output == 3


def test_a_signal_that_came_early_and_does_not_fit_is_passed_over(stage: Stage) -> None:
    steps = [
        {"name": "door", "type": "signal"},
        {"name": "paid", "type": "signal", "schema": {"type": "number"}, "timeout_seconds": 60},
    ]
    run = play(stage, steps)
    until_waiting("door")(stage, run)
    for name, payload in (("paid", "much"), ("paid", 4), ("door", None)):
        stage.tell(run, name, payload)
    assert completed(run).task("paid").output["payload"] == 4
    (refused,) = [event for event in run.events() if event.event_type == "signal_refused"]
    assert refused.payload["signal"] == "paid"


def test_a_signal_that_never_comes(stage: Stage) -> None:
    steps = [{"name": "paid", "type": "signal", "timeout_seconds": 0.1, "on_timeout": "continue"}]
    assert completed(play(stage, steps)).task("paid").output["timed_out"] is True


def test_runs_tell_each_other(stage: Stage) -> None:
    listener = play(stage, [{"name": "news", "type": "signal"}])
    teller = play(
        stage, [{"name": "say", "type": "tell", "signal": "news", "payload": [1], "execution": str(listener.id)}]
    )
    assert completed(teller).task("say").output == {"told": True, "signal": "news"}
    assert completed(listener).task("news").output["payload"] == [1]
    late = play(stage, [{"name": "say", "type": "tell", "signal": "news", "execution": str(listener.id)}])
    assert late.wait().status == "failed"
    assert late.task("say").error["code"] == "signal_not_told"


# -- the outside -------------------------------------------------------------------------------------------------------
def test_a_call_may_not_go_inside_unless_an_operator_says_so(stage: Stage) -> None:
    with serving(lambda asked: Said(200, b"inside")) as server:
        run = play(stage, [{"name": "call", "type": "http", "url": server.url()}])
        assert run.wait().status == "failed"
        assert (run.task("call").error["code"], run.task("call").attempt) == ("network_refused", 1)
        assert server.asked == []


def test_a_call_is_tried_again_when_the_other_side_says_so(stage: Stage) -> None:
    def speak(asked: Asked) -> Said:
        busy = len(server.asked) < 2
        return (
            Said(503, headers={"Retry-After": "0"})
            if busy
            else Said(200, b'{"n": 1}', {"Content-Type": "application/json"})
        )

    with serving(speak, host="127.0.0.2") as server:
        url = server.url(host="127.0.0.2")
        run = completed(play(stage, [{"name": "call", "type": "http", "url": url, "method": "PUT", "json": {"a": 1}}]))
        assert (run.task("call").output["body"], run.task("call").attempt) == ({"n": 1}, 2)
        assert len(server.asked) == 2
