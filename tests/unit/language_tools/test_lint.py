from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from apps.melodies.definition import Problem, StepKind
from apps.melodies.definition.lint import WARNINGS, Report, lint

from .conftest import EXAMPLES, ROOT

Look = Callable[[str], list[Problem]]


@pytest.fixture
def look(kinds: Mapping[str, StepKind]) -> Look:
    """The warnings of a valid workflow, given without its name."""

    def warnings(text: str) -> list[Problem]:
        report = lint(f"workflow:\n  name: tested\n{text}", kinds)
        assert report.errors == ()
        assert all(warning.severity == "warning" and warning.line for warning in report.warnings)
        return list(report.warnings)

    return warnings


def told(warnings: list[Problem]) -> list[tuple[str, str]]:
    return [(warning.code, warning.pointer) for warning in warnings]


ECHO = "{name: a, type: test_echo}"

CASES: list[tuple[str, str, str]] = [
    # code, pointer, the document below `name`
    ("step_name", "/workflow/steps/0/name", "  steps: [{name: two words, type: test_echo}]"),
    ("step_name", "/workflow/steps/0/name", "  steps: [{name: 1st, type: test_echo}]"),
    ("version_format", "/workflow/version", f"  version: 1.0\n  steps: [{ECHO}]"),
    ("long_description", "/workflow/description", f"  description: {'x' * 501}\n  steps: [{ECHO}]"),
    ("unset_name", "/workflow/steps/0/value", "  steps: [{name: a, type: test_echo, value: '{{state.nowhere}}'}]"),
    ("unset_name", "/workflow/steps/0/condition", "  steps: [{name: a, type: test_echo, condition: approved}]"),
    ("unused_variable", "/workflow/variables/x", f"  variables: {{x: 1}}\n  steps: [{ECHO}]"),
    ("unused_variable", "/workflow/steps/0/variables/x", "  steps: [{name: a, type: set_variable, variables: {x: 1}}]"),
    ("constant_condition", "/workflow/steps/0/condition", "  steps: [{name: a, type: test_echo, condition: \"'a' == 'b'\"}]"),
    ("constant_condition", "/workflow/steps/0/condition", "  steps: [{name: a, type: test_echo, condition: [1 < 2]}]"),
    ("constant_condition", "/workflow/steps/0/break_condition",
     "  steps: [{name: l, type: for_loop, iterator: i, data_source: [1], break_condition: 2 > 1, steps: [{name: a, type: test_echo}]}]"),
    ("unreachable_step", "/workflow/steps/1", "  steps: [{name: s, type: end}, {name: a, type: test_echo}]"),
    ("unreachable_step", "/workflow/steps/1",
     "  steps: [{name: o, type: test_echo, enabled: false}, {name: a, type: test_echo, depends_on: o}]"),
    ("unreachable_step", "/workflow/steps/1",
     "  steps: [{name: o, type: test_echo, enabled: false}, {name: a, type: test_echo, depends_on: {step: o, on: failure}}]"),
    ("unreachable_step", "/workflow/steps/2",
     ("  steps: [{name: o, type: test_echo, enabled: false}, {name: p, type: test_echo}, "
     "{name: a, type: test_echo, depends_on: [p, {step: o, on: failure}]}]")),
    ("unreachable_step", "/workflow/steps/0/data_source",
     "  steps: [{name: l, type: for_loop, iterator: i, data_source: [], steps: [{name: a, type: test_echo}]}]"),
    ("many_iterations", "/workflow/steps/0/data_source",
     "  steps: [{name: l, type: for_loop, iterator: i, data_source: 'range(1, 2000)', steps: [{name: a, type: test_echo}]}]"),
    ("many_iterations", "/workflow/steps/0/max_iterations",
     "  steps: [{name: l, type: while_loop, condition: inputs.go, max_iterations: 1001, steps: [{name: a, type: test_echo}]}]"),
    ("many_parallel", "/workflow/steps/0/parallel_tasks",
     f"  steps: [{{name: p, type: parallel_claude, parallel_tasks: [{', '.join(f'{{id: t{n}, prompt: Go.}}' for n in range(11))}]}}]"),
    ("many_parallel", "/workflow/steps/0/max_parallel",
     ("  steps: [{name: l, type: for_loop, iterator: i, data_source: inputs.all, parallel: true, max_parallel: 20, "
     "steps: [{name: c, type: claude, prompt: Go.}]}]")),
    ("many_tokens", "/workflow", f"  steps: [{{name: c, type: claude, prompt: {'word ' * 50_000}}}]"),
    ("many_tokens", "/workflow",
     "  steps: [{name: l, type: for_loop, iterator: i, data_source: 'range(1, 60)', steps: [{name: c, type: claude, prompt: Go.}]}]"),
    ("shadowed_timeout", "/workflow/steps/0/timeout_seconds",
     "  steps: [{name: a, type: http, url: 'https://a.example', timeout_seconds: 90, total_timeout_seconds: 60}]"),
    ("shadowed_timeout", "/workflow/steps/0/heartbeat_timeout_seconds",
     "  steps: [{name: a, type: claude, prompt: Go., timeout_seconds: 30, heartbeat_timeout_seconds: 60}]"),
    ("no_effect", "/workflow/steps/0/heartbeat_timeout_seconds",
     "  steps: [{name: a, type: approval, heartbeat_timeout_seconds: 60}]"),
    ("secret", "/workflow/steps/0/value", f"  steps: [{{name: a, type: test_echo, value: sk-ant-{'a1' * 20}}}]"),
    ("secret", "/workflow/steps/0/value/api_key", "  steps: [{name: a, type: test_echo, value: {api_key: hunter2hunter2}}]"),
    ("secret", "/workflow/steps/0/value", "  steps: [{name: a, type: test_echo, value: 'postgres://me:hunter2@db/x'}]"),
    ("outdated_form", "/workflow/steps/0/on_error", "  steps: [{name: a, type: test_echo, on_error: continue}]"),
    ("outdated_form", "/workflow/steps/1/value",
     "  steps: [{name: a, type: test_echo}, {name: b, type: test_echo, value: '{{previous_response:a.x}}'}]"),
    ("not_carried_out", "/workflow/extends", f"  extends: base.yaml\n  steps: [{ECHO}]"),
    ("unknown_field", "/workflow/steps/0/colour", "  steps: [{name: a, type: test_echo, colour: red}]"),
    ("no_effect", "/workflow/steps/0/cancel_rest", "  steps: [{name: a, type: test_echo, cancel_rest: true}]"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "pointer", "text"), CASES, ids=[f"{case[0]}-{n}" for n, case in enumerate(CASES)])
def test_a_warning_says_what_and_where(look: Look, code: str, pointer: str, text: str) -> None:
    assert (code, pointer) in told(look(text))


def test_a_name_as_editors_want_it(kinds: Mapping[str, StepKind]) -> None:
    report = lint(f"workflow: {{name: My melody!, steps: [{ECHO}]}}", kinds)
    assert told(list(report.warnings)) == [("workflow_name", "/workflow/name")]


CLEAN = [
    f"  steps: [{ECHO}]",
    f'  version: "1.4.0"\n  steps: [{ECHO}]',
    "  variables: {x: 1}\n  steps: [{name: a, type: test_echo, value: '{{x}}'}]",
    "  variables: {x: 1}\n  steps: [{name: a, type: test_echo, condition: x > 1}]",
    "  variables: {x: 1}\n  steps: [{name: a, type: test_echo, value: '{{state}}'}]",
    "  steps: [{name: a, type: set_variable, scope: session, variables: {x: 1}}]",
    "  variables: {x: 1}\n  steps: [{name: a, type: pipeline, pipeline_file: b.yaml, config: {inherit_context: true}}]",
    "  steps: [{name: a, type: test_echo, condition: true}]",
    "  steps: [{name: a, type: test_echo, enabled: false}]",
    "  steps: [{name: a, type: test_echo, condition: environment.mode == 'test'}]",
    "  steps: [{name: a, type: test_echo, condition: now() > date('2020-01-01')}]",
    "  steps: [{name: a, type: test_echo, condition: '${DEBUG:-false}'}]",
    "  steps: [{name: a, type: test_echo}, {name: s, type: end, condition: inputs.x}, {name: b, type: test_echo}]",
    "  steps: [{name: o, type: test_echo, enabled: false}, {name: a, type: test_echo}]",
    "  steps: [{name: o, type: test_echo, enabled: false}, {name: a, type: test_echo, depends_on: {step: o, on: done}}]",
    (
        "  steps: [{name: o, type: test_echo, enabled: false}, {name: p, type: test_echo}, "
        "{name: a, type: test_echo, depends_on: [o, p]}]"
    ),
    (
        "  steps: [{name: o, type: test_echo, enabled: false}, {name: p, type: test_echo}, "
        "{name: a, type: test_echo, join: any, depends_on: [p, {step: o, on: failure}]}]"
    ),
    (
        "  steps: [{name: l, type: for_loop, iterator: i, data_source: 'range(1, 2000)', max_iterations: 10, "
        "steps: [{name: a, type: test_echo}]}]"
    ),
    (
        "  steps: [{name: l, type: for_loop, iterator: i, data_source: inputs.all, parallel: true, max_parallel: 100, "
        "steps: [{name: a, type: test_echo}]}]"
    ),
    "  steps: [{name: a, type: test_echo, value: {api_key: '{{inputs.key}}', token_count: 12345678}}]",
    "  steps: [{name: a, type: test_echo, value: {password: GITHUB_PASSWORD}}]",
    "  steps: [{name: a, type: test_echo, value: 'https://example.org:8080/a@b'}]",
]


@pytest.mark.parametrize("text", CLEAN, ids=range(len(CLEAN)))
def test_nothing_to_say(look: Look, text: str) -> None:
    assert told(look(text)) == []


def test_what_follows_the_end_of_a_run(look: Look) -> None:
    """In order, everything after it; in a graph, what waits for it."""
    order = look("  steps: [{name: s, type: end}, {name: a, type: test_echo}, {name: b, type: test_echo}]")
    assert told(order) == [("unreachable_step", "/workflow/steps/1"), ("unreachable_step", "/workflow/steps/2")]
    graph = look("  mode: dag\n  steps: [{name: s, type: end}, {name: a, type: test_echo}, "
                 "{name: b, type: test_echo, depends_on: {step: s, on: done}}]")  # fmt: skip
    assert told(graph) == [("unreachable_step", "/workflow/steps/2")]


def test_a_secret_is_not_repeated(look: Look) -> None:
    (warning,) = look("  steps: [{name: a, type: test_echo, value: ghp_0123456789012345678901234567890123456789}]")
    assert "ghp_" not in warning.message


def test_errors_and_warnings_together(kinds: Mapping[str, StepKind]) -> None:
    report = lint("workflow:\n  name: a b\n  steps:\n    - {name: x, type: test_eco, on_error: continue}\n", kinds)
    assert [problem.code for problem in report.errors] == ["unknown_type"]
    assert [warning.code for warning in report.warnings] == ["workflow_name", "outdated_form"]
    assert report.definition is None


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "workflow: 7", "workflow: {steps: 7}", b"\xff\xfe"])
def test_what_cannot_be_read(kinds: Mapping[str, StepKind], text: str | bytes) -> None:
    report = lint(text, kinds)
    assert isinstance(report, Report)
    assert report.errors
    assert report.warnings == ()


def test_the_codes_are_those_of_the_documentation() -> None:
    page = (ROOT / "docs" / "language.md").read_text()
    section = page[page.index("### melody lint") :]
    documented = dict(re.findall(r"^\| `([a-z_]+)` \| (.+?) \|$", section[: section.index("\n### ", 5)], re.MULTILINE))
    assert documented.keys() == WARNINGS.keys()
    assert {case[0] for case in CASES} | {"workflow_name"} == WARNINGS.keys()


def test_the_examples_set_an_example(kinds: Mapping[str, StepKind]) -> None:
    mistakes = {
        "unset_name",
        "unreachable_step",
        "unused_variable",
        "outdated_form",
        "secret",
        "not_carried_out",
        "no_effect",
    }
    for file in EXAMPLES:
        assert not mistakes & {warning.code for warning in lint(file.read_bytes(), kinds).warnings}, file


@pytest.mark.timeout(60)
def test_a_large_document_is_linted_in_little_time(kinds: Mapping[str, StepKind]) -> None:
    steps: list[dict[str, Any]] = [{"name": "s0", "type": "test_echo"}]
    for number in range(1, 10_000):
        step = {
            "name": f"s{number}",
            "type": "test_echo",
            "value": f"{{{{steps.s{number - 1}}}}}",
            "condition": "1 < 2",
        }
        steps.append(step)
    source = json.dumps({"workflow": {"name": "large", "steps": steps}})
    began = time.process_time()
    report = lint(source, kinds)
    assert time.process_time() - began < 20
    assert {warning.code for warning in report.warnings} == {"constant_condition"}
