"""What a document must say and may not say; all problems at once, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from apps.melodies.definition import Definition, InvalidDocument, Limits, Problem, StepKind, load, load_value, sha256

Fail = Callable[[str], list[Problem]]
Read = Callable[[str], Definition]


def step(fields: str, name: str = "a") -> str:
    """A melody of one step; `fields` are lines in flow style."""
    return f"workflow:\n  name: w\n  steps:\n    - {{name: {name}, {fields}}}\n"


def test_a_small_document(read: Read) -> None:
    definition = read(
        "workflow:\n  name: w\n  description: d\n  global_vars: {x: 1, y: 1}\n  variables: {x: 2}\n"
        "  steps:\n    - {name: a, type: echo, value: 1, description: first}\n    - {name: b, type: echo}\n"
    )
    assert (definition.name, definition.mode, definition.description) == ("w", "order", "d")
    assert definition.variables == {"x": 2, "y": 1}
    first, second = definition.steps
    assert (first.name, first.kind, first.pointer, first.params) == ("a", "echo", "/workflow/steps/0", {"value": 1})
    assert (first.description, first.edges) == ("first", ())
    assert [(edge.step, edge.on) for edge in second.edges] == [("a", "order")]
    assert definition.sha256 == sha256(definition.document)


EVERYTHING_WRONG = """\
workflow:
  nmae: broken
  descripton: d
  version: [1]
  steps:
    - name: a
      type: ecko
    - name: b
      type: echo
      valeu: 1
      seconds: [1]
    - name: b
      type: echo
      level: middle
      timeout: -1
      output_schema: {type: strin}
    - type: echo
      condition: "steps.nobody.x =="
    - name: e
      value: "{{ steps.later.x }} {{ steps.bb }}"
      type: echo
    - name: later
      type: echo
      value: "{{ steps.later }}"
      continue_on_error: perhaps
    - just text
steps: 1
"""


def test_all_problems_come_at_once_and_in_order(fail: Fail) -> None:
    found = [(problem.code, problem.line, problem.column, problem.suggestion) for problem in fail(EVERYTHING_WRONG)]
    assert found == [
        ("missing_name", 2, 3, None),
        ("unknown_field", 2, 3, "name"),
        ("unknown_field", 3, 3, "description"),
        ("wrong_type", 4, 12, None),
        ("unknown_type", 7, 13, "echo"),
        ("unknown_field", 10, 7, "value"),
        ("invalid_value", 11, 16, None),
        ("duplicate_name", 12, 13, None),
        ("invalid_value", 14, 14, None),
        ("out_of_range", 15, 16, None),
        ("invalid_schema", 16, 29, None),
        ("missing_name", 17, 7, None),
        ("invalid_expression", 18, 36, None),
        ("later_step", 20, 14, None),
        ("unknown_step", 20, 14, None),
        ("self_reference", 24, 14, None),
        ("wrong_type", 25, 26, None),
        ("wrong_type", 26, 7, None),
        ("unknown_field", 27, 1, None),
    ]


def test_the_exception_reads_well(kinds: Mapping[str, StepKind]) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load(step("type: ecko"), kinds)
    assert str(caught.value) == "line 4, column 23: There is no step type `ecko`. Did you mean 'echo'?"
    with pytest.raises(InvalidDocument) as caught:
        load(step("type: bash"), kinds)
    assert str(caught.value).startswith("line 4, column 23: There is no step type `bash`; known are cancel, claude, ")


def test_problems_of_reading_and_of_validating_come_together(fail: Fail) -> None:
    problems = fail("workflow:\n  name: w\n  name: v\n  steps:\n    - {name: a, type: nope}\n")
    assert [(problem.code, problem.line) for problem in problems] == [("duplicate_key", 3), ("unknown_type", 5)]


@pytest.mark.parametrize(
    ("text", "code", "pointer"),
    [
        ("[1]", "wrong_type", ""),
        ("workflow: 1", "wrong_type", "/workflow"),
        ("workflow: {name: w}", "missing_steps", "/workflow"),
        ("workflow: {name: w, steps: []}", "missing_steps", "/workflow/steps"),
        ("workflow: {name: w, steps: {a: 1}}", "wrong_type", "/workflow/steps"),
        ("workflow: {name: 12, steps: [{name: a, type: echo}]}", "wrong_type", "/workflow/name"),
        ("workflow: {name: '', steps: [{name: a, type: echo}]}", "missing_name", "/workflow/name"),
        ("workflow: {name: w, mode: dagg, steps: [{name: a, type: echo}]}", "invalid_mode", "/workflow/mode"),
        ("workflow: {name: w, tags: x, steps: [{name: a, type: echo}]}", "wrong_type", "/workflow/tags"),
        ("workflow: {name: w, checkpoint_enabled: on, steps: [{name: a, type: echo}]}", "wrong_type", "/workflow/checkpoint_enabled"),
        ("workflow: {name: w, variables: [1], steps: [{name: a, type: echo}]}", "wrong_type", "/workflow/variables"),
        ("workflow: {name: w, steps: [{name: a, type: echo}]}\nworkflows: 1", "unknown_field", "/workflows"),
        ("workflow: {name: w, steps: [{name: a}]}", "missing_type", "/workflow/steps/0"),
        ("workflow: {name: w, steps: [{name: a, type: 1}]}", "wrong_type", "/workflow/steps/0/type"),
        ('workflow: {name: w, steps: [{name: "a\\nb", type: echo}]}', "invalid_name", "/workflow/steps/0/name"),
        ("pipeline: {}", "missing_workflow", ""),
        ("worklfow: {}", "unknown_field", "/worklfow"),
        ("workflow: {name: w, steps: [{name: a, type: for_loop, iterator: i, data_source: x}]}", "missing_field", "/workflow/steps/0"),
        ("workflow: {name: w, steps: [{name: a, type: for_loop, iterator: i, data_source: x, steps: []}]}", "missing_steps", "/workflow/steps/0/steps"),
        ("workflow: {name: w, steps: [{name: a, type: for_loop, iterator: i, data_source: x, steps: 7}]}", "wrong_type", "/workflow/steps/0/steps"),
        ("workflow: {name: w, steps: [{name: a, type: switch, expression: x}]}", "missing_field", "/workflow/steps/0"),
        ("workflow: {name: w, steps: [{name: a, type: switch, expression: x, cases: []}]}", "wrong_type", "/workflow/steps/0/cases"),
        ("workflow: {name: w, steps: [{name: a, type: switch, expression: x, cases: {b: 1}}]}", "wrong_type", "/workflow/steps/0/cases/b"),
        ("workflow: {name: w, steps: [{name: a, type: switch, expression: x, cases: {default: []}}]}", "invalid_case", "/workflow/steps/0/cases/default"),
        ("workflow: {name: w, steps: [{name: a, type: switch, expression: x, mode: x, cases: {b: []}}]}", "invalid_mode", "/workflow/steps/0/mode"),
    ],
)  # fmt: skip
def test_the_frame(fail: Fail, text: str, code: str, pointer: str) -> None:
    problems = fail(text)
    assert (problems[0].code, problems[0].pointer) == (code, pointer), problems


def test_a_missing_workflow_key_is_explained_and_the_rest_still_read(fail: Fail) -> None:
    problems = fail("name: w\nsteps:\n  - {name: a, type: ecko}\n")
    assert [(problem.code, problem.pointer) for problem in problems] == [
        ("missing_workflow", ""),
        ("unknown_type", "/steps/0/type"),
    ]
    assert "indent everything below" in problems[0].message


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ("type: echo, condition: 1", "wrong_type", "/condition"),
        ("type: echo, condition: {xor: [a]}", "invalid_expression", "/condition"),
        ("type: echo, condition: {and: [a, 'b ==', {not: '(('}]}", "invalid_expression", "/condition/and/1"),
        ("type: echo, timeout: 1, timeout_seconds: 1", "conflicting_fields", "/timeout"),
        ("type: echo, timeout_seconds: .5e99", "out_of_range", "/timeout_seconds"),
        ("type: echo, timeout: soon", "wrong_type", "/timeout"),
        ("type: echo, enabled: maybe", "wrong_type", "/enabled"),
        ("type: echo, output_to_file: ''", "missing_value", "/output_to_file"),
        ("type: echo, output_to_file: '{{ ( }}'", "invalid_expression", "/output_to_file"),
        ("type: echo, join: most", "invalid_join", "/join"),
        ("type: echo, join: 0", "invalid_join", "/join"),
        ("type: echo, join: 1", "invalid_join", "/join"),
        ("type: echo, depends_on: 7", "wrong_type", "/depends_on"),
        ("type: echo, depends_on: [{on: failure}]", "missing_field", "/depends_on/0"),
        ("type: echo, depends_on: [{step: a, on: faliure}]", "invalid_outcome", "/depends_on/0/on"),
        ("type: echo, depends_on: [{stepp: a, step: a}]", "unknown_field", "/depends_on/0/stepp"),
        ("type: echo, depends_on: a", "self_reference", "/depends_on"),
        ("type: echo, depends_on: [bb]", "unknown_step", "/depends_on/0"),
        ("type: bash, command: x", "unknown_type", "/type"),
        ("type: '{{x}}'", "unknown_type", "/type"),
        ("type: echo, value: '{{ steps.x. }}'", "invalid_expression", "/value"),
        ("type: for_loop, iterator: i, data_source: '((', steps: [{name: b, type: echo}]", "invalid_expression", "/data_source"),
        ("type: for_loop, iterator: i, data_source: x, break_condition: 'a ==', steps: [{name: b, type: echo}]", "invalid_expression", "/break_condition"),
        ("type: for_loop, iterator: i, data_source: x, steps: [{name: b, type: ecko}]", "unknown_type", "/steps/0/type"),
        ("type: data_transform, operations: [{operation: join, right_source: steps.zz}]", "unknown_step", "/operations/0/right_source"),
        ("type: data_transform, operations: [{operation: join, rigth_source: x}]", "unknown_field", "/operations/0/rigth_source"),
        ("type: data_transform, operations: [{}]", "missing_field", "/operations/0"),
    ],
)  # fmt: skip
def test_steps(fail: Fail, fields: str, code: str, pointer: str) -> None:
    problems = fail(step(fields))
    assert (code, f"/workflow/steps/0{pointer}") in [(problem.code, problem.pointer) for problem in problems], problems
    assert all(problem.line == 4 for problem in problems)


def test_each_leaf_of_a_condition_is_reported(fail: Fail) -> None:
    problems = fail(step("type: echo, condition: {and: [a, 'b ==', {not: '(('}]}"))
    assert [problem.pointer.removeprefix("/workflow/steps/0") for problem in problems] == [
        "/condition/and/1",
        "/condition/and/2/not",
    ]


def test_suggestions(fail: Fail) -> None:
    assert fail(step("type: echo, contineu_on_error: true"))[0].suggestion == "continue_on_error"
    assert (
        fail(step("type: data_transform, operations: [{operation: join, rigth_source: x}]"))[0].suggestion
        == "right_source"
    )
    assert fail(step("type: Echo"))[0].suggestion == "echo"
    assert fail(step("type: xyzzy"))[0].suggestion is None
    two = (
        "workflow: {name: w, steps: [{name: load_all, type: echo}, {name: b, type: echo, value: '{{steps.load_al}}'}]}"
    )
    assert fail(two)[0].suggestion == "load_all"


def test_common_fields_are_taken_apart(read: Read) -> None:
    text = step(
        "type: echo, value: 1, role: brain, continue_on_error: true, output_to_file: out.md, timeout: 5, condition: 'x > 1'"
    )
    (only,) = read(text).steps
    assert only.params == {"value": 1}
    assert (only.continue_on_error, only.output_to_file, only.timeout_seconds, only.condition) == (
        True,
        "out.md",
        5.0,
        "x > 1",
    )


def test_a_disabled_step_never_runs(read: Read) -> None:
    assert read(step("type: echo, enabled: false, condition: 'x > 1'")).steps[0].condition is False
    assert read(step("type: echo, enabled: true")).steps[0].condition is None


def test_a_kinds_own_field_wins_over_a_common_one(read: Read) -> None:
    (only,) = read(step("type: set_variable, variables: {x: 1}")).steps
    assert (only.params, only.local_variables) == ({"variables": {"x": 1}}, {})


def test_literals_are_not_templates(read: Read) -> None:
    read(step("type: data_transform, operations: [{operation: filter, condition: 'a == {{ (('}]"))


def test_names_with_blanks_are_fine(read: Read) -> None:
    assert read(step("type: echo", name="'Write the report'")).steps[0].name == "Write the report"


def test_decorative_fields_are_kept(read: Read) -> None:
    definition = read(
        "workflow: {name: w, version: 1.0, author: me, $if: x, agents: {}, steps: [{name: a, type: echo}]}"
    )
    assert definition.document["workflow"]["$if"] == "x"


def test_bodies(read: Read) -> None:
    text = step(
        "type: switch, expression: x, cases: {long: [{name: b, type: echo}], 1: [{name: b, type: echo}], c: []},"
        " default: [{name: d, type: echo, value: 1}]"
    )
    (switch,) = read(text).steps
    # In the order in which a jsonb column keeps keys, so that the number of a body is the same before and after storing.
    assert [(body.label, [inner.name for inner in body.steps]) for body in switch.bodies] == [
        ("1", ["b"]), ("c", []), ("long", ["b"]), ("default", ["d"])
    ]  # fmt: skip
    assert switch.params == {"expression": "x"}
    assert switch.bodies[3].steps[0].pointer == "/workflow/steps/0/default/0"


def test_a_model_that_asks_for_its_body_gets_an_outline(read: Read) -> None:
    text = step("type: for_loop, iterator: i, data_source: x, steps: [{name: b, type: echo, value: 1}]")
    assert read(text).steps[0].params["steps"] == [{"name": "b", "type": "echo"}]


def test_columns_inside_text(fail: Fail) -> None:
    (plain,) = fail("workflow:\n  name: w\n  steps:\n    - name: a\n      type: echo\n      condition: a == == b\n")
    (quoted,) = fail('workflow:\n  name: w\n  steps:\n    - name: a\n      type: echo\n      condition: "a == == b"\n')
    (escaped,) = fail(
        'workflow:\n  name: w\n  steps:\n    - name: a\n      type: echo\n      condition: "a == \\x3d= b"\n'
    )
    assert (plain.column, quoted.column, escaped.column) == (23, 24, 18)


def test_json_sources_have_places_too(fail: Fail) -> None:
    (problem,) = fail('{"workflow": {"name": "w",\n "steps": [{"name": "a", "type": "echo", "valeu": 1}]}}')
    assert (problem.code, problem.line, problem.column, problem.pointer) == (
        "unknown_field",
        2,
        42,
        "/workflow/steps/0/valeu",
    )


def test_values_without_source_have_pointers_only(kinds: Mapping[str, StepKind]) -> None:
    value: dict[str, Any] = {"workflow": {"name": "w", "steps": [{"name": "a", "type": "echo"}]}}
    assert load_value(value, kinds).name == "w"
    value["workflow"]["steps"][0].update(valeu=float("nan"), value="\0")
    with pytest.raises(InvalidDocument) as caught:
        load_value(value, kinds)
    assert {(problem.code, problem.pointer, problem.line) for problem in caught.value.problems} == {
        ("invalid_character", "/workflow/steps/0/value", None),
        ("invalid_number", "/workflow/steps/0/valeu", None),
        ("unknown_field", "/workflow/steps/0/valeu", None),
    }


def test_problems_inside_an_alias_point_at_the_alias(fail: Fail) -> None:
    problems = fail(
        "workflow:\n  name: w\n  metadata: &m {value: '{{ ( }}'}\n  steps:\n    - name: a\n      type: echo\n      value: *m\n"
    )
    assert [(problem.code, problem.line, problem.column) for problem in problems] == [("invalid_expression", 7, 14)]


def test_thousands_of_problems_are_counted_not_listed(kinds: Mapping[str, StepKind]) -> None:
    steps = "".join(f"    - {{name: s{n}, type: echo, value: '{{{{steps.x{n}}}}}'}}\n" for n in range(3000))
    with pytest.raises(InvalidDocument) as caught:
        load(f"workflow:\n  name: w\n  steps:\n{steps}", kinds, limits=Limits(max_problems=50))
    assert len(caught.value.problems) == 51
    assert caught.value.problems[-1].code == "too_many_problems"
    assert "2950" in caught.value.problems[-1].message


def test_ten_thousand_steps_stay_quick(kinds: Mapping[str, StepKind]) -> None:
    steps = "".join(
        f"    - {{name: s{n}, type: echo, value: '{{{{steps.s{n - 1}.x}}}}', depends_on: [s{n - 1}]}}\n"
        for n in range(1, 10_000)
    )
    definition = load(f"workflow:\n  name: w\n  steps:\n    - {{name: s0, type: echo}}\n{steps}", kinds)
    assert len(definition.steps) == 10_000
