"""The fields of the kinds that ask models: what is accepted, and what the messages for the rest say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.melodies.definition import validation
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.problems import InvalidDocument
from workers.steps.prompts.references import of_step

KINDS = (
    "claude", "claude_smart", "claude_session", "claude_extract", "claude_batch", "claude_robust", "parallel_claude",
    "gemini", "gemini_instructor",
)  # fmt: skip


def load(*steps: dict[str, Any]) -> Any:
    return validation.load(json.dumps({"workflow": {"name": "w", "steps": list(steps)}}), known_kinds())


def refused(**step: Any) -> list[tuple[str, str]]:
    """`(pointer within the step, message)` of the problems of a document with one step."""
    with pytest.raises(InvalidDocument) as caught:
        load({"name": "s", "type": "claude", **step})
    return [
        (problem.pointer.removeprefix("/workflow/steps/0"), problem.message)
        for problem in caught.value.problems
        if not getattr(problem, "warning", False)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_calls_run_on_their_own_queue(kind: str) -> None:
    assert known_kinds()[kind].queue == "calls"


@pytest.mark.parametrize(
    ("part", "pointer", "said"),
    [
        ({"type": "static"}, "/prompt/0", "`content` is required"),
        ({"type": "file"}, "/prompt/0", "`path` is required"),
        ({"type": "previous_response"}, "/prompt/0", "`step` is required"),
        ({"type": "session_context"}, "/prompt/0", "`session_id` is required"),
        (
            {"type": "song", "content": "x"},
            "/prompt/0",
            "each part of a prompt is a mapping with a `type`: static, file",
        ),
        ({"content": "x"}, "/prompt", "each part of a prompt is a mapping with a `type`: static, file"),
        ("text", "/prompt", "each part of a prompt is a mapping with a `type`: static, file"),
        ({"type": "static", "content": None}, "/prompt/0", "a static part needs `content`: the text itself"),
        ({"type": "file", "path": "a", "inject_as": "two words"}, "/prompt/0/inject_as", "pattern"),
        (
            {"type": "session_context", "session_id": "s", "include_last_n": 0},
            "/prompt/0/include_last_n",
            "greater than",
        ),
        ({"type": "claude_continue", "new_prompt": "x"}, "", "outside claude_session needs a `session_id`"),
    ],
)
def test_a_part_that_is_not_right(part: Any, pointer: str, said: str) -> None:
    ((where, message),) = refused(prompt=[part])
    assert where == pointer
    assert said in message


@pytest.mark.parametrize("prompt", [[], "", "   ", 3, {"type": "static", "content": "x"}])
def test_a_prompt_is_a_text_or_a_list_of_parts(prompt: Any) -> None:
    ((where, message),) = refused(prompt=prompt)
    assert (where, "a prompt is a text or a list of parts" in message) == ("/prompt", True)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("claude_batch", "parallel_claude")])
def test_a_prompt_is_required(kind: str) -> None:
    ((where, message),) = refused(type=kind)
    assert (where, message.startswith("`prompt` is required")) == ("", True)


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"max_turns": 0}, "max_turns"),
        ({"verbose": "yes please"}, "verbose"),
        ({"allowed_tools": "Read"}, "allowed_tools"),
        ({"output_format": "xml"}, "output_format"),
        ({"timeout_ms": -1}, "timeout_ms"),
        ({"permission_mode": "root"}, "permission_mode"),
        ({"stream_handler": "radio"}, "stream_handler"),
        ({"retry_config": {"max_retries": -1}}, "retry_config/max_retries"),
        ({"system_prompt": ["a"]}, "system_prompt"),
    ],
)
def test_options_of_the_wrong_type(options: dict[str, Any], pointer: str) -> None:
    assert [where for where, _ in refused(prompt="x", claude_options=options)] == [f"/claude_options/{pointer}"]


def test_everything_the_language_knows_is_accepted() -> None:
    options = {
        "max_turns": "{{state.turns}}", "output_format": "stream-json", "verbose": False, "allowed_tools": ["LS"],
        "disallowed_tools": [], "system_prompt": "s", "append_system_prompt": "a", "cwd": ".", "model": "opus",
        "fallback_model": "sonnet", "session_id": "x", "resume_session": True, "debug_mode": True,
        "telemetry_enabled": True, "cost_tracking": True, "timeout_ms": 1, "permission_mode": "plan",
        "permission_prompt_tool": "t", "mcp_config": {}, "print": False, "async_streaming": True,
        "stream_handler": "file", "stream_buffer_size": 10, "stream_handler_opts": {"a": 1}, "mcp_servers": {},
        "hooks": {}, "agents": {}, "agent": "x", "fork_session": False, "add_dir": ["a"], "strict_mcp_config": True,
        "enable_skills": True, "brand_new_option": 1, "retry_config": {"retry_on": ["timeout"]},
    }  # fmt: skip
    file = {
        "type": "file", "path": "a", "variables": {"A": 1}, "inject_as": "A", "encoding": "utf-8", "summary": True,
        "max_summary_length": 10, "summary_focus": "x", "transform": "csv_to_table", "component": "c", "note": "kept",
    }  # fmt: skip
    previous = {
        "type": "previous_response", "step": "a", "extract": "x[0].y", "strict": False, "summary": True,
        "extract_with": "content_extractor", "format": "text", "post_processing": ["extract_links"],
        "include_metadata": True, "summary_style": "s", "max_length": 5, "transform": "json_to_markdown",
        "inject_as": "B", "condition": "{{state.turns > 1}}",
    }  # fmt: skip
    turn = {"type": "claude_continue", "new_prompt": "more"}
    context = {"type": "session_context", "session_id": "s", "include_last_n": 3, "filter": "role == 'user'"}
    definition = load(
        {"name": "a", "type": "gemini", "prompt": "x", "token_budget": {"max_output_tokens": 24000, "new": 1}},
        {"name": "b", "type": "claude", "prompt": [file, previous, turn, context], "claude_options": options},
        {"name": "c", "type": "claude_session", "prompt": [turn], "session_config": {"session_name": "s", "more": 1}},
    )
    step = definition.steps[1]
    assert [(read.name, read.depth) for read in step.reads] == [("a", 0)]


def test_a_step_a_prompt_reads_must_be_there_and_run_before() -> None:
    part = [{"type": "previous_response", "step": "nowhere"}]
    ((where, message),) = refused(prompt=part)
    assert (where, message) == ("/prompt/0/step", "There is no step `nowhere`.")
    ((where, message),) = refused(type="parallel_claude", parallel_tasks=[{"id": "a", "prompt": part}])
    assert (where, message) == ("/parallel_tasks/0/prompt/0/step", "There is no step `nowhere`.")


def test_problems_of_tasks_point_into_the_task() -> None:
    task = {"id": "a", "prompt": [{"type": "static"}], "claude_options": {"max_turns": -1}}
    found = refused(type="parallel_claude", parallel_tasks=[task])
    assert sorted(where for where, _ in found) == [
        "/parallel_tasks/0/claude_options/max_turns",
        "/parallel_tasks/0/prompt/0",
    ]
    assert [where for where, _ in refused(type="claude_batch", tasks=[{"prompt": [{"type": "file"}]}])] == [
        "/tasks/0/prompt/0"
    ]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"type": "parallel_claude"}, "`parallel_tasks` is missing"),
        ({"type": "parallel_claude", "parallel_tasks": []}, "`parallel_tasks` is missing"),
        ({"type": "parallel_claude", "parallel_tasks": [{"id": "a"}]}, "`prompt` is required"),
        ({"type": "parallel_claude", "parallel_tasks": [{"id": "a", "prompt": "x"}] * 2}, "two tasks have the id 'a'"),
        ({"type": "claude_batch"}, "give `tasks`, or a `prompt`"),
        ({"type": "claude_batch", "tasks": [{"id": "a"}]}, "has neither `prompt` nor `file`"),
        ({"type": "claude_batch", "prompt": "x", "batch_config": {"max_parallel": 0}}, "greater than or equal to 1"),
        ({"type": "claude_smart", "prompt": "x", "preset": "turbo"}, "'development', 'production'"),
        ({"type": "gemini", "prompt": "x", "token_budget": {"temperature": 3}}, "less than or equal to 2"),
        ({"type": "gemini_instructor", "prompt": "x", "schema": {"type": "object", "properties": {"a": {"pattern": "("}}}},
         "is neither a JSON Schema nor an outline"),
        ({"type": "gemini_instructor", "prompt": "x", "validation_mode": "so-so"}, "'strict' or 'loose'"),
        ({"type": "claude_extract", "prompt": "x", "extraction_config": {"format": "song"}}, "'text', 'json'"),
    ],
)  # fmt: skip
def test_other_mistakes(step: dict[str, Any], said: str) -> None:
    messages = [message for _, message in refused(**step)]
    assert any(said in message for message in messages), messages


def test_steps_named_by_templates_are_left_out() -> None:
    parts = [
        {"type": "previous_response", "step": "a"},
        {"type": "previous_response", "step": "{{state.x}}"},
        {"type": "previous_response", "step": 3},
        "text",
    ]
    assert of_step({"prompt": parts}) == [("a", "/prompt/0/step")]
    assert of_step({"prompt": "text"}) == []
