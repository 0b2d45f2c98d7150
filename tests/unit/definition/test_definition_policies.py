"""The fields around a step's own: retries, caching, schemas, handlers of errors; and the limits of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.melodies.definition import CachePolicy, Definition, Problem, RetryPolicy, Step, WorkflowLimits

Fail = Callable[[str], list[Problem]]
Read = Callable[[str], Definition]


def step(fields: str) -> str:
    return f"workflow:\n  name: w\n  steps:\n    - {{name: a, type: echo, {fields}}}\n"


def head(fields: str) -> str:
    return f"workflow:\n  name: w\n  {fields}\n  steps:\n    - {{name: a, type: echo}}\n"


@pytest.fixture
def only(read: Read) -> Callable[[str], Step]:
    return lambda fields: read(step(fields)).steps[0]


@pytest.mark.parametrize(
    ("fields", "policy"),
    [
        ("retry: 4", RetryPolicy(4)),
        ("retry: true", RetryPolicy(3)),
        ("retry: false", None),
        ("retry: 0", None),
        ("retry: {}", RetryPolicy(3, "exponential", 1.0, 300.0, 0.0, (), None)),
        ("retry: {max_attempts: 5}", RetryPolicy(4)),
        ("retry: {max_attempts: 1}", None),
        ("retry: {max_retries: 2, backoff: constant, delay_seconds: 0, jitter: 0.2}", RetryPolicy(2, "constant", 0.0, 300.0, 0.2)),
        ("retry: {backoff: linear, base_delay_ms: 250, max_delay_seconds: 2}", RetryPolicy(3, "linear", 0.25, 2.0)),
        ("retry: {backoff_strategy: fixed, retry_conditions: [timeout], jitter: true}", RetryPolicy(3, "constant", jitter=0.5, retry_on=("timeout",))),
        ("retry: {delay_seconds: 900, budget_seconds: 60, retry_on: timeout}", RetryPolicy(3, delay_seconds=900.0, max_delay_seconds=900.0, retry_on=("timeout",), budget_seconds=60.0)),
        ("retry_on_error: true", RetryPolicy(3)),
        ("retry_on_error: true, max_retries: 1", RetryPolicy(1)),
        ("retry_on_error: false, max_retries: 1", None),
        ("max_retries: 2, retry_on: [rate_limit, timeout]", RetryPolicy(2, retry_on=("rate_limit", "timeout"))),
        ("max_retries: 0", None),
        ("value: 1", None),
    ],
)  # fmt: skip
def test_retry_in_all_its_spellings(only: Callable[[str], Step], fields: str, policy: RetryPolicy | None) -> None:
    assert only(fields).retry == policy


@pytest.mark.parametrize(
    ("fields", "policy"),
    [
        ("cache: true", CachePolicy()),
        ("cache: false", None),
        ("cache: {key: '{{inputs.x}}', ttl: 60}", CachePolicy("{{inputs.x}}", 60.0)),
        ("cache: {ttl_seconds: 0.5}", CachePolicy(None, 0.5)),
        ("cache: {enabled: false, ttl: 60}", None),
    ],
)
def test_cache(only: Callable[[str], Step], fields: str, policy: CachePolicy | None) -> None:
    assert only(fields).cache == policy


def test_the_other_common_fields(only: Callable[[str], Step]) -> None:
    found = only(
        "output_schema: {type: object}, error_output: why, variables: {n: '{{inputs.n}}'}, exclusive: printer,"
        " streaming: {enabled: true}"
    )
    assert (found.output_schema, found.error_output, found.exclusive, found.streaming) == (
        {"type": "object"},
        "why",
        "printer",
        True,
    )
    assert found.local_variables == {"n": "{{inputs.n}}"}
    assert found.params == {}
    assert only("output_schema: false").output_schema is False


@pytest.mark.parametrize(
    ("fields", "tolerates"),
    [
        ("on_error: continue", True),
        ("on_error: stop", False),
        ("on_error: continue, continue_on_error: false", False),
        ("continue_on_error: null", False),
    ],
)
def test_on_error_in_a_word(only: Callable[[str], Step], fields: str, tolerates: object) -> None:
    assert only(fields).continue_on_error is tolerates
    assert only(fields).bodies == ()


@pytest.mark.parametrize(
    ("fields", "code", "pointer", "words"),
    [
        ("retry: often", "wrong_type", "/retry", "a number of retries, or a mapping"),
        ("retry: 1.5", "invalid_value", "/retry", "whole number"),
        ("retry: 1000", "out_of_range", "/retry", "at most 100"),
        ("retry: {max_retrys: 2}", "unknown_field", "/retry/max_retrys", "not a field of `retry`"),
        ("retry: {max_retries: 2, max_attempts: 3}", "conflicting_fields", "/retry/max_attempts", "counts the first attempt"),
        ("retry: {backoff: quadratic}", "invalid_value", "/retry/backoff", "constant, linear or exponential"),
        ("retry: {jitter: 2}", "out_of_range", "/retry/jitter", "at most 1"),
        ("retry: {retry_on: [1]}", "wrong_type", "/retry/retry_on", "a list of texts"),
        ("retry: {budget_seconds: -1}", "out_of_range", "/retry/budget_seconds", "more than 0"),
        ("retry: 3, max_retries: 2", "conflicting_fields", "/max_retries", "put it into `retry`"),
        ("retry_on_error: sometimes", "wrong_type", "/retry_on_error", "true or false"),
        ("cache: forever", "wrong_type", "/cache", "{key, ttl}"),
        ("cache: {ttl: soon}", "wrong_type", "/cache/ttl", "a number"),
        ("cache: {tll: 3}", "unknown_field", "/cache/tll", "not a field of `cache`"),
        ("cache: {key: '{{ ( }}'}", "invalid_expression", "/cache/key", ""),
        ("output_schema: object", "wrong_type", "/output_schema", "JSON Schema"),
        ("output_schema: {type: strin}", "invalid_schema", "/output_schema/type", "string, number, integer"),
        ("output_schema: {properties: {a: {pattern: '('}}}", "invalid_schema", "/output_schema/properties/a/pattern", "regex"),
        ("output_schema: {$ref: 'http://127.0.0.1:9/x.json'}", "invalid_schema", "/output_schema", "only `#`"),
        ("error_output: 'two words'", "invalid_name", "/error_output", "names a variable"),
        ("variables: [1]", "wrong_type", "/variables", "a mapping"),
        ("variables: {x: '{{ a == }}'}", "invalid_expression", "/variables/x", ""),
        ("exclusive: ''", "missing_value", "/exclusive", "needs a name"),
        ("exclusive: '{{x}}'", "invalid_value", "/exclusive", "plain name"),
        ("streaming: fast", "wrong_type", "/streaming", "{enabled}"),
        ("on_error: contineu", "invalid_value", "/on_error", "continue or stop"),
        ("on_error: {name: b}", "wrong_type", "/on_error", "a list of steps"),
        ("compensate: []", "missing_steps", "/compensate", "at least one step"),
        ("on_error: [{name: b, type: echo}], error_handler: [{name: b, type: echo}]", "conflicting_fields", "/error_handler", "mean the same"),
        ("on_error: [{name: b, type: ecko}]", "unknown_type", "/on_error/0/type", "no step type"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_once(fail: Fail, fields: str, code: str, pointer: str, words: str) -> None:
    (problem,) = fail(step(fields))
    assert (problem.code, problem.pointer) == (code, f"/workflow/steps/0{pointer}"), problem
    assert words in problem.message


def test_the_word_that_was_meant(fail: Fail) -> None:
    assert fail(step("retry: {backoff: exponental}"))[0].suggestion == "exponential"
    assert fail(step("on_error: contineu"))[0].suggestion == "continue"


def test_limits_of_a_run(read: Read) -> None:
    written = (
        "resource_limits: {max_total_steps: 500, max_execution_time_s: 60, max_parallel_steps: 4, max_cost_usd: 2.5,"
        " max_nesting_depth: 6}\n  safety: {max_cost_usd: 1, max_nesting_depth: 8, max_recursion_time: 30,"
        " sandbox_mode: strict, allowed_commands: [ls]}\n  max_execution_time: 90"
    )
    expected = WorkflowLimits(
        max_total_steps=500,
        max_execution_time_s=60.0,
        max_parallel_steps=4,
        max_cost_usd=1.0,
        max_nesting_depth=6,
        max_recursion_time_s=30.0,
    )
    assert read(head(written)).limits == expected
    assert read(step("value: 1")).limits == WorkflowLimits()


@pytest.mark.parametrize(
    ("fields", "code", "pointer", "words"),
    [
        ("resource_limits: {max_total_steps: many}", "wrong_type", "/resource_limits/max_total_steps", "a number"),
        ("resource_limits: {max_total_steps: 0}", "out_of_range", "/resource_limits/max_total_steps", "more than 0"),
        ("resource_limits: {max_parallel_steps: 2.5}", "invalid_value", "/resource_limits/max_parallel_steps", "whole"),
        ("resource_limits: {max_totl_steps: 5}", "unknown_field", "/resource_limits/max_totl_steps", "resource_limits"),
        ("safety: {allow_network: perhaps}", "wrong_type", "/safety/allow_network", "true or false"),
        ("safety: {allowed_paths: {a: 1}}", "wrong_type", "/safety/allowed_paths", "a list of texts"),
        ("safety: {allowed_paths: src}", "wrong_type", "/safety/allowed_paths", "a list of texts, not text"),
        ("max_execution_time: soon", "wrong_type", "/max_execution_time", "a number"),
        ("continue_on_error: maybe", "wrong_type", "/continue_on_error", "true or false"),
        ("environment: {mode: prodution}", "invalid_value", "/environment/mode", "development, production or test"),
        ("environment: {cost_alerts: {threshold_usd: -1}}", "out_of_range", "/environment/cost_alerts/threshold_usd", ""),
        ("gemini_functions: {f: 1}", "wrong_type", "/gemini_functions/f", "`description` and `parameters`"),
        ("gemini_functions: {f: {parameters: {}}}", "missing_field", "/gemini_functions/f", "needs a `description`"),
        ("gemini_functions: {f: {description: d}}", "missing_field", "/gemini_functions/f", "needs `parameters`"),
        ("gemini_functions: {f: {description: d, parameters: []}}", "wrong_type", "/gemini_functions/f/parameters", "a mapping"),
    ],
)  # fmt: skip
def test_workflow_fields(fail: Fail, fields: str, code: str, pointer: str, words: str) -> None:
    (problem,) = fail(head(fields))
    assert (problem.code, problem.pointer) == (code, f"/workflow{pointer}"), problem
    assert words in problem.message


def test_a_step_that_tolerates_by_the_workflows_word(read: Read) -> None:
    def tolerance(fields: str, own: str) -> Any:
        text = f"workflow:\n  name: w\n  {fields}\n  steps:\n    - {{name: a, type: echo{own}}}\n"
        return read(text).steps[0].continue_on_error

    assert tolerance("continue_on_error: true", "") is True
    assert tolerance("defaults: {continue_on_error: true}", "") is True
    assert tolerance("continue_on_error: true", ", continue_on_error: false") is False
    assert tolerance("continue_on_error: true", ", on_error: stop") is False
