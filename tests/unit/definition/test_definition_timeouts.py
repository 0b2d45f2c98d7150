"""The timeouts a step may have, from the document into the plan."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.melodies.definition import Definition, Problem, load
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.timeouts import LONGEST_TIMEOUT, NO_TIMEOUTS, Timeouts
from workers.compiler.plan import compile_plan

Fail = Callable[[str], list[Problem]]

seconds = st.none() | st.floats(0.001, LONGEST_TIMEOUT)
timeouts = st.builds(Timeouts, seconds, seconds, seconds)


def definition(steps: str, defaults: str = "") -> Definition:
    source = f"workflow:\n  name: w\n  defaults: {{{defaults}}}\n  steps:\n"
    return load(source + "".join(f"    - {{{step}}}\n" for step in steps.split(";")), known_kinds())


def limits(steps: str, defaults: str = "") -> list[dict[str, float] | None]:
    plan = compile_plan(definition(steps, defaults), known_kinds())
    return [node.options.get("limits") for node in plan.nodes]


def test_the_plan_holds_what_the_ledger_watches_over() -> None:
    step = (
        "name: a, type: simulate, timeout_seconds: 30, queue_timeout_seconds: 5, heartbeat_timeout_seconds: 2.5,"
        " total_timeout_seconds: 90"
    )
    assert limits(step) == [{"queue": 5, "run": 30, "beat": 2.5, "total": 90}]
    assert limits("name: a, type: simulate") == [None], "nearly all tasks have none, and pay for none"


def test_defaults_are_for_steps_that_take_their_time_in_a_worker() -> None:
    steps = (
        "name: work, type: simulate; name: own, type: simulate, total_timeout_seconds: 7; name: small, type: test_echo;"
        "name: people, type: approval; name: loop, type: for_loop, iterator: i, data_source: [1],"
        " steps: [{name: inner, type: simulate}]"
    )
    found = definition(steps, "queue_timeout_seconds: 5, total_timeout_seconds: 60")
    assert {step.name: step.timeouts for step in found.walk()} == {
        "work": Timeouts(queue=5, total=60),
        "own": Timeouts(queue=5, total=7),
        "small": NO_TIMEOUTS,
        "people": NO_TIMEOUTS,
        "loop": NO_TIMEOUTS,
        "inner": Timeouts(queue=5, total=60),
    }


def test_people_are_not_asked_again_because_of_a_default() -> None:
    steps = "name: people, type: approval; name: again, type: approval, retry: 1; name: work, type: simulate"
    policies = {step.name: step.retry for step in definition(steps, "retry: 3").walk()}
    assert policies["people"] is None
    assert policies["again"] is not None
    assert policies["work"] is not None


@pytest.mark.parametrize("field", ["queue_timeout_seconds", "heartbeat_timeout_seconds", "total_timeout_seconds"])
@pytest.mark.parametrize(
    ("value", "code"),
    [("0", "out_of_range"), ("-1", "out_of_range"), (".inf", "invalid_number"), ("1.0e+400", "invalid_number"),
     (str(LONGEST_TIMEOUT + 1), "out_of_range"), ("soon", "wrong_type"), ("true", "wrong_type")],
)  # fmt: skip
def test_what_is_no_time_is_refused_where_it_stands(fail: Fail, field: str, value: str, code: str) -> None:
    (problem,) = fail(f"workflow:\n  name: w\n  steps:\n    - {{name: a, type: echo, {field}: {value}}}\n")
    assert (problem.code, problem.pointer) == (code, f"/workflow/steps/0/{field}")


def test_a_default_for_signs_of_life_is_no_default() -> None:
    found = definition("name: a, type: simulate", "heartbeat_timeout_seconds: 5")
    assert [warning.code for warning in found.warnings] == ["unknown_field"]
    assert found.steps[0].timeouts == NO_TIMEOUTS


@given(timeouts, timeouts)
def test_what_a_step_says_goes_before_the_defaults(said: Timeouts, defaults: Timeouts) -> None:
    both = said.over(defaults)
    for name in ("queue", "heartbeat", "total"):
        own, default = getattr(said, name), getattr(defaults, name)
        assert getattr(both, name) == (default if own is None else own)
    assert both.over(defaults) == both
    assert NO_TIMEOUTS.over(both) == both
