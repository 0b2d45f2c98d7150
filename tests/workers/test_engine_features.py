"""What the engine does around steps: handlers, further attempts, rounds, nesting, gates, withdrawal, compensation.

Real workers and a real database; each test is a melody and what its history must say.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from apps.melodies.models import MelodyVersion
from symphony import roles
from tests.conftest import Servers
from tests.engine import Run
from tests.workers.stage import Stage, staged


@pytest.fixture(scope="module")
def stage(
    servers: Servers,
    test_database_urls: roles.DatabaseUrls,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    with staged(servers, test_database_urls, django_db_blocker, tmp_path_factory.mktemp("features")) as ready:
        yield ready


def play(stage: Stage, steps: list[dict[str, Any]], given: dict[str, Any] | None = None, **workflow: Any) -> Run:
    document = {"workflow": {"name": "feature", **workflow, "steps": steps}}
    return stage.start(stage.publish(json.dumps(document).encode(), media="json"), given or {})


def echo(name: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "test_echo", "value": value, **more}


def broken(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "test_echo", "fail": True, "error_message": f"{name} is broken", **more}


def output(run: Run, name: str) -> Any:
    return run.task(name).output


def told(run: Run, event_type: str) -> list[Any]:
    return [event.payload for event in run.events() if event.event_type == event_type]


# -- further attempts --------------------------------------------------------------------------------------------------
def test_a_step_is_tried_again_as_often_as_its_policy_says(stage: Stage) -> None:
    run = play(stage, [broken("a", retry={"max_retries": 2, "delay_seconds": 0.01, "backoff": "constant"})])
    assert run.wait().status == "failed"
    task = run.task("a")
    assert (task.attempt, task.retries, task.error["message"]) == (3, 2, "a is broken")
    assert [payload["attempt"] for payload in told(run, "task_retrying")] == [1, 2]


def test_an_error_the_policy_does_not_name_is_not_tried_again(stage: Stage) -> None:
    run = play(stage, [broken("a", retry={"max_retries": 5, "delay_seconds": 0.01, "retry_on": ["timeout"]})])
    assert run.wait().status == "failed"
    assert run.task("a").attempt == 1


def test_a_loop_that_is_tried_again_starts_all_over(stage: Stage) -> None:
    loop = {
        "name": "loop",
        "type": "while_loop",
        "condition": "loop.iteration < 3",
        "steps": [{"name": "inner", "type": "test_echo", "fail": True, "condition": "loop.iteration == 1"}],
        "retry": {"max_retries": 1, "delay_seconds": 0.01},
    }
    run = play(stage, [loop])
    assert run.wait().status == "failed"
    assert sum(1 for task in run.tasks() if task.name == "inner") == 4
    assert run.task("loop").attempt == 2


# -- handlers ----------------------------------------------------------------------------------------------------------
def test_a_handler_deals_with_a_failure(stage: Stage) -> None:
    handler = [echo("note", "{{error.step}}: {{error.message}} ({{error.code}})")]
    run = play(stage, [broken("a", on_error=handler), echo("b", "{{steps.a.results.note}}")])
    assert run.wait().status == "completed", run.state()
    assert output(run, "b") == "a: a is broken (test_failure)"
    result = output(run, "a")
    assert (result["success"], result["handled"], result["error"]["code"]) == (False, True, "test_failure")


def test_a_handler_that_fails_leaves_the_failure(stage: Stage) -> None:
    run = play(stage, [broken("a", on_error=[broken("note")]), echo("b")])
    assert run.wait().status == "failed"
    error = run.task("a").error
    assert (error["message"], error["details"]["handler_error"]["message"]) == ("a is broken", "note is broken")


def test_the_error_is_kept_in_a_variable(stage: Stage) -> None:
    run = play(stage, [broken("a", continue_on_error=True, error_output="oops"), echo("b", "{{state.oops.message}}")])
    assert run.wait().status == "completed", run.state()
    assert output(run, "b") == "a is broken"


# -- what a step promises, remembers, keeps to itself ------------------------------------------------------------------
def test_a_result_that_breaks_its_promise_fails_the_step(stage: Stage) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    run = play(stage, [echo("good", {"n": 1}, output_schema=schema), echo("bad", {"n": "x"}, output_schema=schema)])
    assert run.wait().status == "failed"
    assert run.statuses() == {"good": "completed", "bad": "failed"}
    assert "result.n" in run.task("bad").error["message"]


def test_a_cached_result_is_not_made_again(stage: Stage) -> None:
    steps = [
        {"name": "a", "type": "simulate", "seconds": 0, "output": {"n": "{{inputs.n}}"}, "cache": True},
        {
            "name": "b",
            "type": "for_loop",
            "iterator": "x",
            "data_source": "inputs.list",
            "cache": True,
            "steps": [echo("c", "{{loop.x + inputs.n}}")],
        },
    ]
    document = {"workflow": {"name": "cached", "steps": steps}}
    version, stranger = (stage.publish(json.dumps(document).encode(), media="json") for _ in range(2))

    def hits(of: MelodyVersion, n: int, items: list[int]) -> list[str]:
        run = stage.start(of, {"n": n, "list": items})
        assert run.wait().status == "completed", run.state()
        results = [one["results"]["c"] for one in output(run, "b")["iterations"]]
        assert (output(run, "a"), results) == ({"n": n}, [item + n for item in items])
        return [payload["name"] for payload in told(run, "cache_hit")]

    assert hits(version, 1, [1]) == []
    assert hits(version, 1, [1]) == ["a", "b"]
    assert hits(version, 1, [2]) == ["a"]
    assert hits(version, 2, [1]) == []
    assert hits(stranger, 1, [1]) == [], "another melody's results are not this one's"


def test_local_variables_are_the_steps_own(stage: Stage) -> None:
    steps = [
        echo("a", "{{x}} {{step.variables.x}} {{state.y}}", variables={"x": "{{inputs.n}}"}),
        echo("b", "{{state.x}}"),
    ]
    run = play(stage, steps, {"n": 7}, variables={"x": "global", "y": "why"})
    assert run.wait().status == "completed", run.state()
    assert (output(run, "a"), output(run, "b")) == ("7 7 why", "global")


# -- time --------------------------------------------------------------------------------------------------------------
def test_a_composite_step_may_take_only_so_long(stage: Stage) -> None:
    loop = {
        "name": "loop",
        "type": "for_loop",
        "iterator": "x",
        "data_source": [1, 2, 3],
        "timeout_seconds": 0.3,
        "steps": [{"name": "inner", "type": "wait", "seconds": 60}],
    }
    run = play(stage, [loop])
    assert run.wait().status == "failed"
    assert run.task("loop").error["code"] == "timeout"
    assert {task.status for task in run.tasks() if task.name == "inner"} == {"cancelled"}


def test_a_run_may_take_only_so_long(stage: Stage) -> None:
    steps = [{"name": "a", "type": "wait", "seconds": 60}, echo("b")]
    run = play(stage, steps, resource_limits={"max_execution_time_s": 1})
    execution = run.wait()
    assert (execution.status, execution.error_code) == ("timeout", "execution_timeout")
    assert run.statuses() == {"a": "cancelled", "b": "cancelled"}


# -- gates -------------------------------------------------------------------------------------------------------------
def overlaps(run: Run, *names: str) -> bool:
    spans = sorted((task.started_at, task.completed_at) for task in run.tasks() if task.name in names)
    return any(later[0] < earlier[1] for earlier, later in itertools.pairwise(spans))


def test_steps_that_exclude_each_other_never_run_together(stage: Stage) -> None:
    names = [f"s{n}" for n in range(5)]
    steps = [
        {"name": name, "type": "simulate", "seconds": 0.05, "exclusive": "door", "depends_on": []} for name in names
    ]
    run = play(stage, steps)
    assert run.wait().status == "completed", run.state()
    assert not overlaps(run, *names)


def test_a_run_runs_only_so_many_steps_at_once(stage: Stage) -> None:
    steps = [{"name": f"s{n}", "type": "simulate", "seconds": 0.05, "depends_on": []} for n in range(8)]
    run = play(stage, steps, resource_limits={"max_parallel_steps": 2})
    assert run.wait().status == "completed", run.state()
    moments = sorted(
        moment for task in run.tasks() for moment in ((task.started_at, 1), (task.completed_at, -1)) if task.started_at
    )
    running, most = 0, 0
    for _, change in moments:
        running += change
        most = max(most, running)
    assert most == 2


def test_a_run_may_not_grow_beyond_its_limit(stage: Stage) -> None:
    loop = {
        "name": "loop",
        "type": "for_loop",
        "iterator": "x",
        "data_source": list(range(50)),
        "steps": [echo("inner")],
    }
    run = play(stage, [loop], resource_limits={"max_total_steps": 20})
    assert run.wait().status == "failed"
    assert run.task("loop").error["code"] == "too_many_steps"


# -- withdrawal --------------------------------------------------------------------------------------------------------
def test_a_join_that_starts_early_cancels_the_rest(stage: Stage) -> None:
    steps = [
        {"name": "quick", "type": "simulate", "seconds": 0.01, "depends_on": []},
        {"name": "slow", "type": "wait", "seconds": 60, "depends_on": []},
        echo("join", "on", depends_on=["quick", "slow"], join="any", cancel_rest=True),
    ]
    run = play(stage, steps)
    assert run.wait().status == "completed", run.state()
    assert run.statuses() == {"quick": "completed", "slow": "cancelled", "join": "completed"}


def test_the_end_of_a_run_cancels_what_still_runs(stage: Stage) -> None:
    steps = [
        {"name": "slow", "type": "wait", "seconds": 60, "depends_on": []},
        {"name": "stop", "type": "end", "status": "completed", "message": "enough", "depends_on": []},
    ]
    run = play(stage, steps)
    assert run.wait().status == "completed", run.state()
    assert run.statuses() == {"slow": "cancelled", "stop": "completed"}


def test_a_run_ended_as_failed_has_failed(stage: Stage) -> None:
    steps = [{"name": "stop", "type": "end", "status": "failed", "message": "no use"}, echo("never")]
    run = play(stage, steps)
    execution = run.wait()
    assert execution.status == "failed"
    assert "no use" in execution.error_message
    assert run.task("never").status == "cancelled"


def test_a_loop_that_is_ended_early_completes_with_what_it_has(stage: Stage) -> None:
    loop = {
        "name": "loop",
        "type": "while_loop",
        "condition": "true",
        "steps": [
            {"name": "inner", "type": "wait", "seconds": "{{loop.iteration * 60}}"},
            {"name": "signal", "type": "test_echo", "value": 1},
        ],
        "depends_on": [],
    }
    first = {"name": "first", "type": "signal", "signal": "enough", "depends_on": []}
    enough = {"name": "enough", "type": "cancel", "steps": ["loop"], "mode": "complete", "depends_on": ["first"]}
    run = play(stage, [loop, first, enough, echo("after", "{{steps.loop.iterations}}", depends_on=["loop"])])
    run.wait_for(lambda seen: sum(task.name == "inner" for task in seen.tasks()) == 2, "the second pass has begun")
    stage.tell(run, "enough", None)
    assert run.wait().status == "completed", run.state()
    assert (output(run, "after"), output(run, "loop")["ended_early"]) == (1, True)


def test_a_branch_with_nothing_in_it_wins_at_once(stage: Stage) -> None:
    run = play(stage, [{"name": "race", "type": "race", "branches": {"a": [broken("x")], "b": []}}])
    assert run.wait().status == "completed", run.state()
    assert output(run, "race")["winner"] == "b"


# -- nesting -----------------------------------------------------------------------------------------------------------
def test_a_nested_melody_sees_its_inputs_only(stage: Stage) -> None:
    child = {
        "name": "child",
        "steps": [
            {"name": "put", "type": "set_variable", "variables": {"x": "{{inputs.n + 1}}"}},
            echo("out", "{{state.x}}"),
        ],
    }
    steps = [
        {"name": "nested", "type": "pipeline", "pipeline": child, "inputs": {"n": "{{inputs.n}}"}, "outputs": ["out"]},
        echo("after", "{{state.x}} {{steps.nested.result.out}}"),
    ]
    run = play(stage, steps, {"n": 4}, variables={"x": "outer"})
    assert run.wait().status == "completed", run.state()
    assert output(run, "nested") == {"result": {"out": 5}}
    assert output(run, "after") == "outer 5"


def test_a_stored_melody_runs_as_one_step(stage: Stage) -> None:
    child = b"workflow: {name: stored child, steps: [{name: double, type: test_echo, value: '{{inputs.n * 2}}'}]}"
    stage.publish(child, path="children/double.yaml")
    loop = {
        "name": "loop",
        "type": "for_loop",
        "iterator": "n",
        "data_source": [1, 2, 3],
        "parallel": True,
        "steps": [
            {
                "name": "call",
                "type": "pipeline",
                "pipeline_file": "./children/double.yaml",
                "inputs": {"n": "{{loop.n}}"},
                "outputs": [{"path": "double", "as": "twice"}],
            }
        ],
    }
    run = play(stage, [loop])
    assert run.wait().status == "completed", run.state()
    iterations = output(run, "loop")["iterations"]
    assert [one["results"]["call"]["result"]["twice"] for one in iterations] == [2, 4, 6]


def test_a_nested_melody_starts_with_its_own_variables(stage: Stage) -> None:
    steps = [echo("say", "{{state.x}} {{state.y}}")]
    stored = {"workflow": {"name": "own variables", "variables": {"x": "stored", "y": 1}, "steps": steps}}
    stage.publish(json.dumps(stored).encode(), media="json", path="children/variables.yaml")
    inline = {"name": "inline", "variables": {"x": "inline"}, "steps": steps}
    inherit = {"inherit_context": True}
    run = play(
        stage,
        [
            {"name": "a", "type": "pipeline", "pipeline": inline, "config": inherit, "outputs": ["steps.say"]},
            {"name": "b", "type": "pipeline", "pipeline_file": "children/variables.yaml", "config": inherit},
            {"name": "c", "type": "pipeline", "pipeline_file": "not/there.yaml", "config": {"fallback_value": "none"}},
        ],
        variables={"x": "outer", "y": "outer"},
    )
    assert run.wait().status == "completed", run.state()
    assert [output(run, name) for name in "abc"] == [{"steps.say": "inline outer"}, {"say": "stored 1"}, "none"]


# -- compensation ------------------------------------------------------------------------------------------------------
def test_what_was_done_is_undone_in_reverse_when_the_run_fails(stage: Stage) -> None:
    def booked(name: str) -> dict[str, Any]:
        return echo(name, {"id": name}, compensate=[echo(f"undo_{name}", f"{{{{steps.{name}.id}}}}")])

    run = play(stage, [booked("flight"), booked("hotel"), broken("car", compensate=[echo("undo_car")])])
    assert run.wait().status == "failed"
    undone = output(run, "compensation")
    assert [one["step"] for one in undone["compensated"]] == ["hotel", "flight"]
    assert (output(run, "undo_hotel"), output(run, "undo_flight")) == ("hotel", "flight")
    assert run.task("undo_hotel").completed_at <= run.task("undo_flight").started_at
    assert "undo_car" not in run.statuses()
    assert run.task("undo_hotel").sends == 0, "what is to be undone first waited until the sweep found it"


def test_nothing_is_undone_when_the_run_completes(stage: Stage) -> None:
    run = play(stage, [echo("a", 1, compensate=[echo("undo")])])
    assert run.wait().status == "completed"
    assert run.statuses() == {"a": "completed"}


# -- waiting -----------------------------------------------------------------------------------------------------------
def test_a_loop_goes_on_when_enough_iterations_have_completed(stage: Stage) -> None:
    loop = {
        "name": "loop",
        "type": "for_loop",
        "iterator": "s",
        "data_source": [0, 0, 60],
        "parallel": True,
        "complete_after": 2,
        "steps": [{"name": "inner", "type": "wait", "seconds": "{{loop.s}}"}],
    }
    run = play(stage, [loop])
    assert run.wait().status == "completed", run.state()
    assert sorted(task.status for task in run.tasks() if task.name == "inner") == [
        "cancelled",
        "completed",
        "completed",
    ]


def test_variables_change_from_pass_to_pass(stage: Stage) -> None:
    steps = [
        {
            "name": "loop",
            "type": "while_loop",
            "condition": "state.n < 4",
            "steps": [{"name": "more", "type": "set_variable", "variables": {"n": "{{state.n + 1}}"}}],
        },
        echo("after", "{{state.n}}"),
    ]
    run = play(stage, steps, variables={"n": 0})
    assert run.wait().status == "completed", run.state()
    assert (output(run, "after"), output(run, "loop")["iterations"]) == (4, 4)


def test_variables_of_the_session_outlive_the_run(stage: Stage) -> None:
    steps = [
        echo("before", "{{state.count}}"),
        {"name": "more", "type": "set_variable", "scope": "session", "variables": {"count": "{{state.count + 1}}"}},
    ]
    document = {"workflow": {"name": "counting", "variables": {"count": 0}, "steps": steps}}
    version = stage.publish(json.dumps(document).encode(), media="json")
    seen = []
    for _ in range(3):
        run = stage.start(version, {})
        assert run.wait().status == "completed", run.state()
        seen.append(output(run, "before"))
    assert seen == [0, 1, 2]
