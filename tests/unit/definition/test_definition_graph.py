"""Order, edges, reads: what makes a document a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from apps.melodies.definition import Definition, Problem, Step, StepKind, load

Fail = Callable[[str], list[Problem]]
Read = Callable[[str], Definition]


def melody(*steps: str, head: str = "") -> str:
    """A melody of steps in flow style."""
    return f"workflow:\n  name: w\n{head}  steps:\n" + "".join(f"    - {{{step}}}\n" for step in steps)


def edges(step: Step) -> list[tuple[str, str]]:
    return [(edge.step, edge.on) for edge in step.edges]


def by_name(definition: Definition) -> dict[str, Step]:
    return {step.name: step for step in definition.walk()}


A, B, C = (f"name: {name}, type: echo" for name in "abc")


def test_without_dependencies_steps_run_in_order(read: Read) -> None:
    definition = read(melody(A, B, f"{C}, value: '{{{{steps.a.x}}}}'"))
    assert definition.mode == "order"
    assert [edges(step) for step in definition.steps] == [[], [("a", "order")], [("b", "order")]]
    assert [(read_.name, read_.depth, read_.via) for read_ in definition.steps[2].reads] == [("a", 0, None)]


def test_any_depends_on_makes_a_graph(read: Read) -> None:
    definition = read(melody(A, B, f"{C}, depends_on: [a, {{step: b, on: failure}}], join: any"))
    assert definition.mode == "dag"
    assert [edges(step) for step in definition.steps] == [[], [], [("a", "success"), ("b", "failure")]]
    assert definition.steps[2].join == "any"
    assert read(melody(A, f"{B}, depends_on: []")).mode == "dag"
    assert edges(read(melody(A, f"{B}, depends_on: a")).steps[1]) == [("a", "success")]
    assert edges(read(melody(A, f"{B}, depends_on: {{step: a, on: done}}")).steps[1]) == [("a", "done")]


def test_mode_dag_and_connections(read: Read) -> None:
    assert edges(read(melody(A, B, head="  mode: dag\n")).steps[1]) == []
    head = "  connections: [{from: b, from_output: o, to: a, to_input: i}, {from: b, to: a}]\n"
    definition = read(melody(A, B, head=head))
    assert definition.mode == "dag"
    assert edges(definition.steps[0]) == [("b", "success")]
    assert definition.document["workflow"]["connections"][0]["from_output"] == "o"


@pytest.mark.parametrize(
    ("connection", "code"),
    [
        ("{from: a, to: bb}", "unknown_step"),
        ("{from: a, to: a}", "self_reference"),
        ("{from: a}", "missing_field"),
        ("{from: a, too: b, to: b}", "unknown_field"),
        ("{from: 1, to: b}", "wrong_type"),
        ("a-b", "wrong_type"),
    ],
)
def test_connections_are_checked(fail: Fail, connection: str, code: str) -> None:
    assert [problem.code for problem in fail(melody(A, B, head=f"  connections: [{connection}]\n"))] == [code]


def test_mode_order_contradicts_dependencies(fail: Fail) -> None:
    (problem,) = fail(melody(A, f"{B}, depends_on: a", head="  mode: order\n"))
    assert (problem.code, problem.pointer) == ("conflicting_fields", "/workflow/mode")


def test_data_references_add_edges_unless_there_is_one(read: Read) -> None:
    definition = read(
        melody(
            f"{C}, value: '{{{{steps.a.x}}}} {{{{steps.b}}}}', depends_on: [{{step: b, on: done}}]",
            A,
            B,
            "name: d, type: echo, condition: 'a.count > 1'",
            "name: e, type: for_loop, iterator: i, data_source: 'previous_response:d.items', steps: [{name: f, type: echo}]",
            "name: g, type: echo, value: {type: previous_response, step: e}",
        )
    )
    found = {step.name: edges(step) for step in definition.steps}
    assert found["c"] == [("b", "done"), ("a", "success")]
    assert found["d"] == [("a", "success")]
    assert found["e"] == [("d", "success")]
    assert found["g"] == [("e", "success")]


def test_references_from_inside_reach_out(read: Read) -> None:
    inner = "{name: x, type: echo, value: '{{steps.a}}'}, {name: y, type: echo, value: '{{steps.x}} {{steps.b}}'}"
    definition = read(
        melody(A, B, f"name: l, type: for_loop, iterator: i, data_source: [1], steps: [{inner}]", head="  mode: dag\n")
    )
    steps = by_name(definition)
    assert edges(steps["l"]) == [("a", "success"), ("b", "success")]
    assert edges(steps["y"]) == [("x", "order")]
    assert {(found.name, found.depth) for found in steps["y"].reads} == {("x", 1), ("b", 0)}
    assert steps["l"].reads == ()


def test_bodies_are_graphs_of_their_own(read: Read) -> None:
    body = "[{name: x, type: echo, depends_on: y}, {name: y, type: echo}]"
    steps = by_name(read(melody(A, f"name: l, type: for_loop, iterator: i, data_source: [1], steps: {body}")))
    assert edges(steps["l"]) == [("a", "order")]
    assert (edges(steps["x"]), edges(steps["y"])) == ([("y", "success")], [])
    body = "[{name: x, type: echo, value: '{{steps.y}}'}, {name: y, type: echo}]"
    steps = by_name(read(melody(f"name: l, type: for_loop, mode: dag, iterator: i, data_source: [1], steps: {body}")))
    assert (edges(steps["x"]), edges(steps["y"])) == ([("y", "success")], [])


SWITCH = "name: s, type: switch, expression: a, cases: {p: [{name: x, type: echo}], q: [{name: x, type: echo}, {name: y, type: echo}]}"


def test_steps_of_a_finished_switch_can_be_read(read: Read) -> None:
    definition = read(melody(A, SWITCH, f"{C}, value: '{{{{steps.x.r}}}} {{{{steps.y}}}}'", head="  mode: dag\n"))
    steps = by_name(definition)
    assert edges(steps["c"]) == [("s", "success")]
    assert {(found.name, found.depth, found.via) for found in steps["c"].reads} == {("x", 0, "s"), ("y", 0, "s")}
    assert edges(steps["s"]) == [("a", "success")]


def test_a_case_cannot_read_another_case(fail: Fail) -> None:
    cases = "{p: [{name: x, type: echo}], q: [{name: y, type: echo, value: '{{steps.x}}'}]}"
    (problem,) = fail(melody(A, f"name: s, type: switch, expression: a, cases: {cases}"))
    assert problem.code == "unknown_step"
    assert "inside `s`" in problem.message


def test_two_switches_with_the_same_step_are_ambiguous(fail: Fail, read: Read) -> None:
    other = SWITCH.replace("name: s,", "name: t,")
    (problem,) = fail(melody(A, SWITCH, other, f"{C}, value: '{{{{steps.x}}}}'"))
    assert problem.code == "ambiguous_step"
    assert "steps.s.results.x" in problem.message
    definition = read(melody(A, SWITCH, f"{C}, value: '{{{{steps.x}}}}'", other))
    assert definition.steps[2].reads[0].via == "s"


def test_steps_inside_a_loop_stay_there(fail: Fail) -> None:
    (problem,) = fail(
        melody(
            "name: l, type: for_loop, iterator: i, data_source: [1], steps: [{name: x, type: echo}]",
            f"{C}, value: '{{{{steps.x}}}}'",
        )
    )
    assert problem.code == "unknown_step"
    assert "steps.l" in problem.message


def test_a_loop_may_look_at_its_own_steps(read: Read) -> None:
    read(
        melody(
            "name: l, type: for_loop, iterator: i, data_source: [1], break_condition: steps.x.done, steps: [{name: x, type: echo}]"
        )
    )


def test_inner_names_hide_outer_ones(read: Read) -> None:
    inner = "{name: a, type: echo}, {name: b, type: echo, value: '{{steps.a}}'}"
    steps = by_name(read(melody(A, f"name: l, type: for_loop, iterator: i, data_source: [1], steps: [{inner}]")))
    assert [(found.name, found.depth) for found in steps["b"].reads] == [("a", 1)]


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([f"{A}, value: '{{{{steps.b}}}}'", B], "later_step"),
        ([f"{A}, condition: b.x", B], "later_step"),
        ([f"{A}, value: '{{{{steps.a}}}}'"], "self_reference"),
        ([f"{A}, value: '{{{{steps.zz}}}}'"], "unknown_step"),
        ([f"{A}, value: 'x', condition: 'previous_response:zz.x'"], "unknown_step"),
        (["name: l, type: for_loop, iterator: i, data_source: [1], steps: [{name: x, type: echo, value: '{{steps.l}}'}]"], "self_reference"),
        (["name: l, type: for_loop, iterator: i, data_source: [1], steps: [{name: x, type: echo, value: '{{steps.b}}'}]", B], "later_step"),
        ([A, f"{B}, depends_on: [a, a]"], "duplicate_dependency"),
        ([A, "name: l, type: for_loop, iterator: i, data_source: [1], steps: [{name: x, type: echo, depends_on: a}]"], "unknown_step"),
        ([A, f"{B}, depends_on: a, join: 2"], "invalid_join"),
    ],
)  # fmt: skip
def test_references_that_cannot_hold(fail: Fail, steps: list[str], code: str) -> None:
    assert [problem.code for problem in fail(melody(*steps))] == [code]


def test_join_counts_implied_edges(read: Read) -> None:
    definition = read(melody(A, B, f"{C}, depends_on: [a], value: '{{{{steps.b}}}}', join: 2"))
    assert definition.steps[2].join == 2


def test_bare_names(read: Read) -> None:
    definition = read(
        melody(
            A,
            "name: l, type: for_loop, iterator: item, data_source: a.list, steps: [{name: x, type: echo, value: '{{item.n}} {{known}} {{a.n}} {{free}}'}]",
            head="  mode: dag\n  variables: {known: 1}\n",
        )
    )
    steps = by_name(definition)
    assert edges(steps["l"]) == [("a", "success")]
    assert [(found.name, found.depth) for found in steps["x"].reads] == [("a", 0)]
    assert set(steps["x"].variables) == {"known", "free"}


SET_X = "type: set_variable, variables: {x: 1}"


def test_a_variable_waits_for_the_one_step_that_sets_it(read: Read) -> None:
    definition = read(
        melody(f"{A}, value: '{{{{x}}}}'", f"{B}, value: '{{{{state.x}}}}'", f"name: s, {SET_X}", head="  mode: dag\n")
    )
    assert [edges(step) for step in definition.steps] == [[("s", "success")], [("s", "success")], []]
    assert definition.steps[1].variables == ("x",)
    inner = "[{name: y, type: echo, value: '{{x}}'}]"
    loop = f"name: l, type: for_loop, iterator: i, data_source: [1], steps: {inner}"
    assert edges(read(melody(loop, f"name: s, {SET_X}", head="  mode: dag\n")).steps[0]) == [("s", "success")]


def test_several_setters_give_no_edge(read: Read) -> None:
    definition = read(
        melody(f"{A}, value: '{{{{x}}}}'", f"name: s, {SET_X}", f"name: t, {SET_X}", head="  mode: dag\n")
    )
    assert edges(definition.steps[0]) == []


def test_a_variable_never_makes_a_circle(read: Read) -> None:
    own = "name: s, type: set_variable, variables: {x: '{{x + 1}}'}"
    assert edges(read(melody(own, head="  mode: dag\n")).steps[0]) == []
    against = read(melody(f"{A}, value: '{{{{x}}}}'", f"name: s, {SET_X}, depends_on: a"))
    assert [edges(step) for step in against.steps] == [[], [("a", "success")]]
    crossed = read(
        melody(
            "name: s, type: set_variable, variables: {x: '{{y}}'}",
            "name: t, type: set_variable, variables: {y: '{{x}}'}",
            f"{A}, value: '{{{{x}}}}'",
            head="  mode: dag\n",
        )
    )
    assert [edges(step) for step in crossed.steps] == [[], [], [("s", "success")]]


def test_circles_are_told_with_their_way(fail: Fail) -> None:
    problems = fail(
        melody(
            f"{A}, depends_on: c",
            f"{B}, depends_on: a",
            f"{C}, value: '{{{{steps.b}}}}'",
            "name: d, type: echo, depends_on: a",
        )
    )
    assert [(problem.code, problem.message) for problem in problems] == [
        ("cycle", "These steps wait for each other in a circle: a -> b -> c -> a.")
    ]
    assert problems[0].pointer == "/workflow/steps/0/depends_on"


def test_each_circle_is_told_once(fail: Fail) -> None:
    steps = [f"name: s{n}, type: echo, depends_on: s{n ^ 1}" for n in range(6)]
    assert [problem.code for problem in fail(melody(*steps))] == ["cycle"] * 3


def test_a_long_circle_is_cut_in_the_message(fail: Fail) -> None:
    steps = [f"name: s{n}, type: echo, depends_on: s{(n - 1) % 500}" for n in range(500)]
    (problem,) = fail(melody(*steps))
    assert "more ..." in problem.message
    assert len(problem.message) < 200


def test_a_loop_inside_a_circle_is_seen(fail: Fail) -> None:
    loop = (
        "name: l, type: for_loop, iterator: i, data_source: [1], steps: [{name: x, type: echo, value: '{{steps.b}}'}]"
    )
    problems = fail(melody(loop, f"{B}, depends_on: l"))
    assert [problem.code for problem in problems] == ["cycle"]


def test_many_setters_and_readers_stay_quick(kinds: Mapping[str, StepKind]) -> None:
    count = 3000
    steps = [
        f"name: s{n}, type: set_variable, variables: {{v{n}: '{{{{v{(n + 1) % count}}}}}'}}, depends_on: {[f's{n - 1}'] if n else []}"
        for n in range(count)
    ]
    definition = load(melody(*steps), kinds)
    assert edges(definition.steps[0]) == []
