"""What a workflow's defaults give to its steps; and what they never change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.melodies.definition import CachePolicy, Definition, Problem, RetryPolicy, Step

Fail = Callable[[str], list[Problem]]
Read = Callable[[str], Definition]


def melody(defaults: str, *steps: str) -> str:
    lines = "".join(f"    - {{{step}}}\n" for step in steps)
    return f"workflow:\n  name: w\n  defaults: {{{defaults}}}\n  steps:\n{lines}"


def by_name(definition: Definition) -> dict[str, Step]:
    return {step.name: step for step in definition.walk()}


GEMINI = "name: g, type: gemini, prompt: x"
CLAUDE = "name: c, type: claude, prompt: x"
ECHO = "name: e, type: echo"


def test_gemini_steps_get_model_and_budget(read: Read) -> None:
    defaults = "gemini_model: flash, gemini_token_budget: {max_output_tokens: 512, temperature: 0.1}"
    own = "name: h, type: gemini, prompt: x, model: pro, token_budget: {temperature: 1}"
    first, second, echo = read(melody(defaults, GEMINI, own, ECHO)).steps
    assert first.params["model"] == "flash"
    assert first.params["token_budget"] == {"max_output_tokens": 512, "temperature": 0.1}
    assert (second.params["model"], second.params["token_budget"]) == ("pro", {"temperature": 1})
    assert echo.params == {}


def test_claude_options_are_merged_under_the_steps_own(read: Read) -> None:
    defaults = (
        "claude_options: {max_turns: 3, allowed_tools: [Read]}, claude_output_format: text, claude_model: opus,"
        " claude_fallback_model: haiku, claude_preset: analysis"
    )
    own = "name: d, type: claude, prompt: x, preset: chat, claude_options: {max_turns: 9, output_format: json}"
    first, second = read(melody(defaults, CLAUDE, own)).steps
    options = {
        "max_turns": 3,
        "allowed_tools": ["Read"],
        "output_format": "text",
        "model": "opus",
        "fallback_model": "haiku",
    }
    assert (first.params["claude_options"], first.params["preset"]) == (options, "analysis")
    assert second.params["claude_options"] == {**options, "max_turns": 9, "output_format": "json"}
    assert second.params["preset"] == "chat"


def test_a_model_in_the_default_options_goes_before_the_default_model(read: Read) -> None:
    (step,) = read(melody("claude_options: {model: sonnet}, claude_model: opus", CLAUDE)).steps
    assert step.params["claude_options"]["model"] == "sonnet"


def test_the_document_stays_as_it_was_written(read: Read) -> None:
    text = melody("claude_options: {max_turns: 3}, gemini_model: flash", CLAUDE, GEMINI)
    definition = read(text)
    assert definition.document["workflow"]["steps"] == [
        {"name": "c", "type": "claude", "prompt": "x"},
        {"name": "g", "type": "gemini", "prompt": "x"},
    ]


def test_derived_tasks_and_inner_steps_get_them_too(read: Read) -> None:
    tasks = "name: p, type: parallel, parallel_tasks: [{id: one, prompt: x}, {id: two, prompt: y, claude_options: {max_turns: 1}}]"
    loop = f"name: l, type: for_loop, iterator: i, data_source: [1], steps: [{{{CLAUDE}}}]"
    steps = by_name(read(melody("claude_options: {max_turns: 3}, claude_model: opus", tasks, loop)))
    assert steps["one"].params["claude_options"] == {"max_turns": 3, "model": "opus"}
    assert steps["two"].params["claude_options"] == {"max_turns": 1, "model": "opus"}
    assert steps["c"].params["claude_options"] == {"max_turns": 3, "model": "opus"}


def test_a_nested_workflow_has_defaults_of_its_own(read: Read) -> None:
    inner = f"{{defaults: {{gemini_model: inner}}, steps: [{{{GEMINI}}}]}}"
    steps = by_name(read(melody("gemini_model: outer", f"name: p, type: pipeline, pipeline: {inner}")))
    assert steps["g"].params["model"] == "inner"
    bare = by_name(read(melody("gemini_model: outer", f"name: p, type: pipeline, pipeline: {{steps: [{{{GEMINI}}}]}}")))
    assert "model" not in bare["g"].params


def test_timeouts_are_for_steps_that_do_something_themselves(read: Read) -> None:
    loop = f"name: l, type: for_loop, iterator: i, data_source: [1], steps: [{{{ECHO}}}]"
    own = "name: o, type: echo, timeout: 5"
    steps = by_name(read(melody("timeout_seconds: 60", loop, own, "name: w, type: wait, seconds: 1000")))
    assert {name: step.timeout_seconds for name, step in steps.items()} == {"l": None, "e": 60.0, "o": 5.0, "w": None}


def test_a_loop_may_have_a_timeout_of_its_own(read: Read) -> None:
    loop = f"name: l, type: for_loop, timeout: 7, iterator: i, data_source: [1], steps: [{{{ECHO}}}]"
    assert read(melody("", loop)).steps[0].timeout_seconds == 7.0


def test_retries(read: Read) -> None:
    loop = f"name: l, type: for_loop, iterator: i, data_source: [1], steps: [{{{ECHO}}}]"
    robust = "name: r, type: robust, prompt: x"
    steps = by_name(read(melody("retry_on_error: true", loop, robust, "name: n, type: echo, retry: false", CLAUDE)))
    assert {name: step.retry for name, step in steps.items()} == {
        "l": None, "e": RetryPolicy(), "r": None, "n": None, "c": RetryPolicy()
    }  # fmt: skip
    assert read(melody("retry: {max_retries: 1, backoff: linear}", ECHO)).steps[0].retry == RetryPolicy(1, "linear")


def test_results_of_models_are_cached(read: Read) -> None:
    own = "name: o, type: claude, prompt: x, cache: false"
    steps = by_name(read(melody("cache_results: true, cache_ttl: 60", CLAUDE, ECHO, own)))
    assert {name: step.cache for name, step in steps.items()} == {"c": CachePolicy(None, 60.0), "e": None, "o": None}
    assert read(melody("cache_ttl: 60", CLAUDE)).steps[0].cache is None


def test_templates_in_defaults_are_reads_of_every_step(read: Read) -> None:
    text = melody("claude_options: {system_prompt: 'About {{steps.e.topic}} and {{state.tone}}'}", ECHO, CLAUDE)
    step = read(text).steps[1]
    assert [read_.name for read_ in step.reads] == ["e"]
    assert step.variables == ("tone",)


def test_the_folder_for_files(read: Read) -> None:
    assert read(melody("output_dir: out", ECHO)).output_dir == "out"
    text = "workflow:\n  name: w\n  output_dir: there\n  steps: [{name: a, type: echo}]\n"
    assert read(text).output_dir == "there"


@pytest.mark.parametrize(
    ("defaults", "code", "pointer"),
    [
        ("gemini_model: 7", "wrong_type", "gemini_model"),
        ("claude_options: [1]", "wrong_type", "claude_options"),
        ("claude_optoins: {}", "unknown_field", "claude_optoins"),
        ("timeout_seconds: -1", "out_of_range", "timeout_seconds"),
        ("claude_options: {max_turns: many}", "invalid_value", "claude_options/max_turns"),
        ("claude_output_format: tetx", "invalid_value", "claude_output_format"),
        ("claude_options: {max_turn: 3}", "unknown_field", "claude_options/max_turn"),
        ("claude_options: {system_prompt: '{{ ( }}'}", "invalid_expression", "claude_options/system_prompt"),
        ("retry: {backoff: never}", "invalid_value", "retry/backoff"),
        ("cache_results: perhaps", "wrong_type", "cache_results"),
    ],
)
def test_what_is_wrong_is_said_where_it_was_written_and_once(
    fail: Fail, defaults: str, code: str, pointer: str
) -> None:
    second = "name: d, type: claude, prompt: x"
    (problem,) = fail(melody(defaults, CLAUDE, second))
    assert (problem.code, problem.pointer, problem.line) == (code, f"/workflow/defaults/{pointer}", 3)


def test_a_default_nobody_knows_is_kept(read: Read) -> None:
    definition = read(melody("tempo: allegro", ECHO))
    assert [(warning.pointer, warning.severity) for warning in definition.warnings] == [
        ("/workflow/defaults/tempo", "warning")
    ]
    assert definition.document["workflow"]["defaults"] == {"tempo": "allegro"}
