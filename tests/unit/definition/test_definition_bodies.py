"""Steps inside steps: nested workflows, handlers of errors, derived tasks, loops that repeat."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.melodies.definition import Definition, Problem, Read, Step

Fail = Callable[[str], list[Problem]]
Load = Callable[[str], Definition]


def melody(*steps: str, head: str = "") -> str:
    lines = "".join(f"    - {{{step}}}\n" for step in steps)
    return f"workflow:\n  name: w\n{head}  steps:\n{lines}"


def by_name(definition: Definition) -> dict[str, Step]:
    return {step.name: step for step in definition.walk()}


def edges(step: Step) -> list[tuple[str, str]]:
    return [(edge.step, edge.on) for edge in step.edges]


A = "name: a, type: echo"
B = "name: b, type: echo"


def nested(*steps: str, fields: str = "") -> str:
    inner = ", ".join(f"{{{step}}}" for step in steps)
    return f"name: p, type: pipeline, pipeline: {{{fields}steps: [{inner}]}}"


def test_a_nested_workflow_is_a_namespace_of_its_own(read: Load) -> None:
    reads = f"{B}, value: '{{{{steps.a.x}}}} {{{{inputs.y}}}} {{{{state.v}}}} {{{{i}}}}'"
    text = melody(
        "name: l, type: for_loop, iterator: i, data_source: [1], steps: ["
        f"{{{nested(A, reads, fields='name: child, variables: {v: 1}, ')}}}]",
        head="  variables: {i: 1}\n",
    )
    steps = by_name(read(text))
    (body,) = steps["p"].bodies
    assert (body.field, body.isolated, body.label, body.variables) == ("pipeline", True, "child", {"v": 1})
    assert body.workflow == {"name": "child", "variables": {"v": 1}}
    assert steps["b"].reads == (Read("a", 2),)
    assert set(steps["b"].variables) == {"v", "i"}
    assert steps["p"].params["pipeline"] == {
        "name": "child",
        "variables": {"v": 1},
        "steps": [{"name": "a", "type": "echo"}, {"name": "b", "type": "echo"}],
    }


def test_a_nested_workflow_may_be_wrapped_and_may_be_a_graph(read: Load) -> None:
    inner = "{workflow: {name: child, connections: [{from: b, to: a}], steps: [{name: a, type: echo}, {name: b, type: echo}]}}"
    steps = by_name(read(melody(f"name: p, type: pipeline, pipeline: {inner}")))
    assert edges(steps["a"]) == [("b", "success")]
    assert steps["a"].pointer == "/workflow/steps/0/pipeline/workflow/steps/0"
    assert steps["p"].bodies[0].workflow["name"] == "child"


def test_a_step_that_names_a_file_needs_no_body(read: Load) -> None:
    (step,) = read(melody("name: p, type: pipeline, pipeline_file: other.yaml")).steps
    assert step.bodies == ()


@pytest.mark.parametrize(
    ("inner", "code", "pointer", "words"),
    [
        ("pipeline: other.yaml", "wrong_type", "/pipeline", "a mapping with `steps`"),
        ("pipeline: {workflow: [1]}", "wrong_type", "/pipeline/workflow", "a mapping"),
        ("pipeline: {name: x}", "missing_steps", "/pipeline", "needs `steps`"),
        ("pipeline: {steps: [{name: b, type: ecko}]}", "unknown_type", "/pipeline/steps/0/type", "no step type"),
        ("pipeline: {mode: order, steps: [{name: b, type: echo, depends_on: []}]}", "conflicting_fields", "/pipeline/mode", "mode: dag"),
        ("pipeline: {steps: [{name: b, type: echo, value: '{{steps.a}}'}]}", "unknown_step", "/pipeline/steps/0/value", "by the `inputs`"),
        ("pipeline: {steps: [{name: b, type: echo, value: '{{steps.zz}}'}]}", "unknown_step", "/pipeline/steps/0/value", "no step `zz`"),
        ("pipeline: {variabels: {x: 1}, steps: [{name: b, type: echo}]}", "unknown_field", "/pipeline/variabels", "not a field of a workflow"),
    ],
)  # fmt: skip
def test_nested_workflows_are_checked(fail: Fail, inner: str, code: str, pointer: str, words: str) -> None:
    (problem,) = fail(melody(A, f"name: p, type: pipeline, {inner}"))
    assert (problem.code, problem.pointer) == (code, f"/workflow/steps/1{pointer}"), problem
    assert words in problem.message


def test_variables_stay_inside(read: Load) -> None:
    setter = "name: s, type: set_variable, variables: {x: 1}"
    steps = by_name(read(melody(nested(setter), f"{A}, value: '{{{{state.x}}}}'", head="  mode: dag\n")))
    assert edges(steps["a"]) == []


def test_handlers_come_after_the_bodies(read: Load) -> None:
    loop = (
        "name: l, type: for_loop, iterator: i, data_source: [1], steps: [{name: x, type: echo}],"
        " compensate: [{name: undo, type: echo}], error_handler: [{name: tell, type: echo}]"
    )
    (step,) = read(melody(loop)).steps
    assert [(body.field, body.label, [inner.name for inner in body.steps]) for body in step.bodies] == [
        ("steps", "", ["x"]),
        ("on_error", "", ["tell"]),
        ("compensate", "", ["undo"]),
    ]


def test_what_handlers_see(read: Load) -> None:
    handled = (
        "name: b, type: echo, on_error: [{name: tell, type: echo, value: '{{error.code}} {{steps.a.x}}'}],"
        " compensate: [{name: undo, type: echo, value: '{{steps.b.id}} {{error.message}}'}]"
    )
    steps = by_name(read(melody(handled, A, head="  mode: dag\n")))
    assert steps["tell"].reads == (Read("a", 0),)
    assert steps["undo"].reads == (Read("b", 0),)
    assert (steps["tell"].variables, steps["undo"].variables) == ((), ())
    assert edges(steps["b"]) == [("a", "success")]


def test_a_failed_step_has_no_result_for_its_handler(fail: Fail) -> None:
    (problem,) = fail(melody(f"{A}, on_error: [{{name: t, type: echo, value: '{{{{steps.a.x}}}}'}}]"))
    assert problem.code == "self_reference"
    assert "{{error.message}}" in problem.message


def test_steps_of_a_handler_cannot_be_read_from_outside(fail: Fail) -> None:
    (problem,) = fail(melody(f"{A}, on_error: [{{name: t, type: echo}}]", "name: b, type: echo, value: '{{steps.t}}'"))
    assert problem.code == "unknown_step"


def test_a_kind_makes_steps_of_its_own_fields(read: Load) -> None:
    tasks = (
        "name: p, type: parallel, parallel_tasks: [{id: one, prompt: '{{steps.a}} {{task.n}}'},"
        " {id: two, prompt: [{type: previous_response, step: a}]}]"
    )
    steps = by_name(read(melody(tasks, A, head="  mode: dag\n")))
    assert [(body.field, body.label, body.isolated) for body in steps["p"].bodies] == [
        ("derived", "one", False),
        ("derived", "two", False),
    ]
    assert steps["one"].reads == steps["two"].reads == (Read("a", 0),)
    assert steps["one"].variables == ()
    assert edges(steps["p"]) == [("a", "success")]
    assert steps["two"].pointer == "/workflow/steps/0/parallel_tasks/1"


def test_problems_of_derived_steps_point_at_what_was_written(fail: Fail) -> None:
    tasks = "name: p, type: parallel, parallel_tasks: [{id: one, prompt: x}, {id: two, prompt: [{type: static}]}]"
    (problem,) = fail(melody(tasks))
    assert (problem.code, problem.pointer) == ("missing_field", "/workflow/steps/0/parallel_tasks/1/prompt/0")
    assert "`content`" in problem.message


WHILE = (
    "name: l, type: while_loop, condition: draft.score < 8, steps: [{{name: draft, type: echo, value: '{value}'}},"
    " {{name: review, type: echo, value: '{{{{steps.draft}}}}'}}]"
)


def test_a_pass_may_read_the_one_before(read: Load) -> None:
    steps = by_name(read(melody(WHILE.format(value="{{steps.review.hint}} {{steps.draft.text}}"))))
    assert set(steps["draft"].reads) == {Read("review", 1, previous_pass=True), Read("draft", 1, previous_pass=True)}
    assert steps["review"].reads == (Read("draft", 1),)
    assert steps["l"].condition is None
    assert steps["l"].params["condition"] == "draft.score < 8"
    assert steps["l"].reads == ()


def test_a_for_loop_has_no_pass_before(fail: Fail) -> None:
    loop = WHILE.format(value="{{steps.review}}").replace(
        "while_loop, condition: draft.score < 8", "for_loop, iterator: i, data_source: [1]"
    )
    assert [problem.code for problem in fail(melody(loop))] == ["later_step"]


def test_an_output_field_may_be_read_like_a_step(read: Load) -> None:
    first = "name: t, type: data_transform, output_field: by_tier, operations: []"
    steps = by_name(read(melody(first, f"{A}, value: '{{{{previous_response:by_tier.gold}}}}'")))
    assert steps["a"].reads == (Read("by_tier", 0, via="t", field=True),)
    graph = by_name(read(melody(f"{A}, value: '{{{{steps.by_tier}}}}'", first, head="  mode: dag\n")))
    assert edges(graph["a"]) == [("t", "success")]


def test_a_later_output_field_is_no_step(fail: Fail) -> None:
    later = "name: t, type: data_transform, output_field: by_tier, operations: []"
    assert [problem.code for problem in fail(melody(f"{A}, value: '{{{{steps.by_tier}}}}'", later))] == ["unknown_step"]


def test_what_is_evaluated_per_item_makes_edges_where_it_can(read: Load) -> None:
    transform = (
        "name: t, type: data_transform, operations: [{operation: filter, condition: 'total > steps.a.least and total < state.most"
        " and b exists'}]"
    )
    steps = by_name(read(melody(transform, A, B, head="  mode: dag\n")))
    assert set(edges(steps["t"])) == {("a", "success"), ("b", "success")}
    assert steps["t"].variables == ("most",)
    by_name(read(melody("name: t, type: data_transform, operations: [{operation: map, expression: '((not one'}]")))


def test_steps_named_without_being_read(read: Load, fail: Fail) -> None:
    cancel = "name: c, type: cancel, steps: [a, b], depends_on: []"
    assert edges(by_name(read(melody(A, B, cancel)))["c"]) == []
    (problem,) = fail(melody("name: alpha, type: echo", "name: c, type: cancel, steps: alhpa"))
    assert (problem.code, problem.pointer, problem.suggestion) == ("unknown_step", "/workflow/steps/1/steps", "alpha")


def test_local_variables_are_of_the_step_alone(read: Load) -> None:
    text = melody(A, f"{B}, variables: {{a: '{{{{steps.a.n}}}}', n: 1}}, value: '{{{{a}}}} {{{{n}}}} {{{{m}}}}'")
    (_, step) = read(text).steps
    assert step.reads == (Read("a", 0),)
    assert step.variables == ("m",)


def test_an_error_may_become_a_variable(read: Load) -> None:
    text = melody(f"{A}, error_output: why", f"{B}, value: '{{{{state.why}}}}'", head="  mode: dag\n")
    assert edges(by_name(read(text))["b"]) == [("a", "success")]


def test_functions_must_be_defined(read: Load, fail: Fail) -> None:
    head = "  gemini_functions: {rate: {description: d, parameters: {type: object}}}\n"
    gemini = "name: g, type: gemini, prompt: x, functions: [rate]"
    read(melody(gemini, nested(gemini.replace("name: g", "name: h")), head=head))
    (problem,) = fail(melody(gemini.replace("[rate]", "[rat]"), head=head))
    assert (problem.code, problem.pointer, problem.suggestion) == (
        "unknown_function",
        "/workflow/steps/0/functions/0",
        "rate",
    )
