"""`queue` and `requires`: where a step is to run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.executions.routes import BUILT_IN, base_of, capabilities_of, route_of
from apps.melodies.definition import InvalidDocument, Step, known_kinds, load
from apps.melodies.definition.placing import is_plain
from workers import steps as _kinds  # registers the kinds
from workers.compiler.canvas import look_ahead
from workers.compiler.plan import compile_plan

assert _kinds
names = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,39}", fullmatch=True)


@settings(max_examples=30)
@given(names, st.lists(names, max_size=8))
def test_a_route_tells_what_it_was_made_of(queue: str, requires: list[str]) -> None:
    route = route_of(queue, requires)
    assert is_plain(queue)
    assert (base_of(route), capabilities_of(route)) == (queue, tuple(sorted(set(requires))))
    assert route_of(queue, requires[::-1]) == route


@pytest.fixture
def only() -> Callable[[str], Step]:
    """The step with these fields."""

    def read(fields: str) -> Step:
        source = f"workflow:\n  name: w\n  steps:\n    - {{name: a, type: test_echo, value: 1, {fields}}}\n"
        return load(source, known_kinds()).steps[0]

    return read


def test_what_a_step_says(only: Callable[[str], Step]) -> None:
    assert (only("queue: heavy").queue, only("queue: null").queue) == ("heavy", None)
    assert only("requires: gpu").requires == ("gpu",)
    assert only("requires: [gpu, eu, gpu]").requires == ("eu", "gpu")
    assert only("requires: []").requires == only("requires: null").requires == ()


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ("queue: Heavy", "invalid_name", "/queue"),
        ("queue: ''", "invalid_name", "/queue"),
        ("queue: 'a+b'", "invalid_name", "/queue"),
        ("queue: '{{inputs.q}}'", "invalid_name", "/queue"),
        ('queue: "a\\n"', "invalid_name", "/queue"),
        (f"queue: {'q' * 41}", "invalid_name", "/queue"),
        ("queue: [a]", "wrong_type", "/queue"),
        ("requires: {gpu: true}", "wrong_type", "/requires"),
        ("requires: [gpu, 1]", "wrong_type", "/requires/1"),
        ("requires: [gpu, 'a,b']", "invalid_name", "/requires/1"),
        ("requires: [a, b, c, d, e, f, g, h, i]", "too_many", "/requires"),
    ],
)
def test_what_it_cannot_say(only: Callable[[str], Step], fields: str, code: str, pointer: str) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        only(fields)
    (problem,) = refusal.value.problems
    assert (problem.code, problem.pointer) == (code, f"/workflow/steps/0{pointer}")


MELODY = """
workflow:
  name: Nightly
  mode: dag
  defaults: {queue: heavy, requires: [eu]}
  steps:
    - {name: small, type: test_echo, value: 1}
    - {name: own, type: simulate, queue: calls, requires: [gpu, docker], depends_on: [small]}
    - {name: free, type: simulate, requires: [], depends_on: [small]}
    - {name: here, type: test_echo, value: 1, queue: steps}
    - name: each
      type: for_loop
      iterator: n
      data_source: [1]
      steps:
        - {name: inner, type: simulate}
"""


def test_where_the_plan_sends_each_step() -> None:
    plan = compile_plan(load(MELODY, known_kinds()), known_kinds())
    found = {node.name: (node.queue, node.inline, node.requires) for node in plan.nodes if node.kind != "join"}
    assert found == {
        "small": ("steps", True, None),
        "own": ("calls+docker+gpu", False, ["docker", "gpu"]),
        "free": ("heavy", False, []),
        "here": ("steps", False, []),
        "each": ("steps", True, None),
        "inner": ("heavy+eu", False, ["eu"]),
    }
    labels = {node.name: (look_ahead(plan, node) or {}).get("label") for node in plan.nodes if node.kind != "join"}
    assert labels["own"] == "Nightly / own"
    assert labels["inner"] == "Nightly / inner"


def test_every_kind_is_for_a_queue_that_is_built_in() -> None:
    assert {kind.queue for kind in known_kinds().values()} <= set(BUILT_IN)
