"""What claude, claude_smart, claude_session and claude_extract ask, and the shapes of their results."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.steps.models.stage import Asker, Memory, work_of
from workers.contract import Again, StepContext, StepFailed, WaitFor, runnable
from workers.models.errors import PauseForBudget, error_of
from workers.steps import claude, claude_extract, claude_session, claude_smart
from workers.steps.models import presets
from workers.steps.models.asking import attempt, once_approved

Run = Callable[..., Any]
Document = Callable[..., None]

FACTS = {
    "success": True,
    "cost": 0.001,
    "provider": "anthropic",
    "mock": True,
    "stop_reason": "end_turn",
    "duration_ms": 0,
}


def without(result: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key not in names}


# -- claude --------------------------------------------------------------------------------------------------------
def test_the_result_of_a_plain_question(run: Run) -> None:
    assert run("claude", prompt="simple test") == {
        "text": "Mock response for simple test",
        **FACTS,
        "usage": {"input_tokens": 3, "output_tokens": 8, "cache_read_tokens": 0, "cache_write_tokens": 0},
        "model": "haiku",
        "claude_metadata": {"recorded": {"output_format": "json"}},
    }


def test_a_mocked_result_is_always_the_same(run: Run) -> None:
    prompt = [{"type": "static", "content": "Write a calculator"}]
    assert run("claude", prompt=prompt) == run("claude", prompt=prompt)


def test_options_become_a_request(context: StepContext, asker: Asker) -> None:
    options = {
        "model": "opus",
        "fallback_model": "sonnet",
        "system_prompt": "You are terse.",
        "append_system_prompt": "Answer in German.",
        "max_tokens": 100,
        "temperature": 0.2,
        "timeout_ms": 1500,
        "cache_prompt": True,
        "async_streaming": True,
        "stream_handler": "buffer",
    }
    work_of(claude.work, "claude", context, asker)(prompt="hi", claude_options=options)
    asked = asker.last
    assert (asked.model, asked.fallback_model, asked.max_output_tokens, asked.temperature) == (
        "opus",
        "sonnet",
        100,
        0.2,
    )
    assert asked.system == "You are terse.\n\nAnswer in German."
    assert (asked.timeout_seconds, asked.cache_prompt, asked.stream, asked.preset) == (1.5, True, True, None)


def test_what_a_single_call_has_no_use_for_is_told_and_its_secrets_are_not(context: StepContext, asker: Asker) -> None:
    options = {
        "max_turns": 3,
        "allowed_tools": ["Read"],
        "cwd": "./workspace/a",
        "verbose": True,
        "debug_mode": False,
        "mcp_servers": {"x": {"headers": {"Authorization": "Bearer s3cret"}}},
        "something_new": "s3cret",
        "output_format": "stream-json",
    }
    result = work_of(claude.work, "claude", context, asker)(prompt="hi", claude_options=options)
    assert result["claude_metadata"] == {
        "recorded": {"max_turns": 3, "allowed_tools": ["Read"], "cwd": "./workspace/a", "output_format": "stream-json"},
        "without_effect": ["mcp_servers", "something_new", "verbose"],
    }
    assert "s3cret" not in json.dumps(result)
    assert asker.last.stream


def test_settings_may_stand_in_other_places(context: StepContext, asker: Asker) -> None:
    ask = work_of(claude.work, "claude", context, asker)
    ask(prompt="hi", config={"model": "claude-3-opus", "max_tokens": 9, "generation_config": {"top_p": 0.5}})
    assert (asker.last.model, asker.last.max_output_tokens, asker.last.top_p) == ("claude-3-opus", 9, 0.5)
    ask(prompt="hi", options={"model": "haiku", "timeout_ms": 10}, claude_options={"model": "opus"}, temperature=1)
    assert (asker.last.model, asker.last.timeout_seconds, asker.last.temperature) == ("opus", 0.01, 1)


def test_an_answer_that_is_json_is_data_too(context: StepContext, asker: Asker) -> None:
    ask = work_of(claude.work, "claude", context, asker)
    asker.answers = ['{"score": 7}', "```json\n[1]\n```", "7", '{"score": 7}', '{"a": NaN}']
    assert ask(prompt="x")["data"] == {"score": 7}
    assert ask(prompt="x")["data"] == [1]
    assert "data" not in ask(prompt="x")
    assert "data" not in ask(prompt="x", claude_options={"output_format": "text"})
    assert "data" not in ask(prompt="x")


SCHEMA = {
    "type": "object",
    "required": ["score", "usage"],
    "properties": {"score": {"type": "integer", "minimum": 3}, "usage": {"type": "string"}},
    "additionalProperties": False,
}


def test_an_output_schema_makes_the_answers_fields_fields_of_the_result(run: Run) -> None:
    result = run("claude", prompt="x", output_schema=SCHEMA)
    assert result["score"] == 3
    assert result["data"] == {"score": 3, "usage": "Mock text"}
    assert result["usage"]["input_tokens"] == 1
    assert json.loads(result["text"]) == result["data"]


def test_an_answer_of_another_shape_fails_the_step_and_says_where(context: StepContext, asker: Asker) -> None:
    ask = work_of(claude.work, "claude", context, asker)
    asker.answers = ['{"score": 1, "extra": 1}', "no json"]
    with pytest.raises(StepFailed, match=r"score: 1 is less than the minimum of 3") as caught:
        ask(prompt="x", output_schema=SCHEMA)
    assert caught.value.code == "output_schema"
    assert not caught.value.final
    with pytest.raises(StepFailed, match="the answer is not JSON: 'no json'"):
        ask(prompt="x", output_schema=SCHEMA)


def test_a_prompt_that_says_nothing(run: Run) -> None:
    with pytest.raises(StepFailed, match="the prompt is empty"):
        run("claude", prompt=[{"type": "static", "content": "x", "condition": "false"}])


# -- failures and budgets ------------------------------------------------------------------------------------------
def test_the_steps_own_retry_config_tries_again(context: StepContext) -> None:
    options = {"retry_config": {"max_retries": 2, "backoff_strategy": "linear", "retry_on": ["overloaded"]}}
    found = runnable("claude")
    params = found.kind.params.model_validate({"prompt": "[mock:overloaded]", "claude_options": options})
    first = found.run(params, context)
    assert isinstance(first, Again)
    assert (first.delay, first.error["code"]) == (1.0, "overloaded")
    second = found.run(params, replace(context, carry=first.carry))
    assert isinstance(second, Again)
    assert second.delay == 2.0
    with pytest.raises(StepFailed, match="overloaded") as caught:
        found.run(params, replace(context, carry=second.carry))
    assert not caught.value.transient


def test_without_rules_of_its_own_the_engine_decides(run: Run) -> None:
    with pytest.raises(StepFailed) as caught:
        run("claude", prompt="[mock:rate_limit]")
    assert caught.value.transient


def test_a_paused_budget_waits_for_an_admin_and_goes_on(context: StepContext) -> None:
    overrides: list[bool] = []

    def work(params: Any, step: StepContext, ask: Any) -> Any:
        overrides.append(step.carry is not None)
        if len(overrides) == 1:
            raise PauseForBudget("5 USD a day are spent", budget="daily")
        return {"carry": step.carry}

    context.carry = {"error_history": [{"attempt": 1}]}
    waiting = attempt(work, None, context)
    assert isinstance(waiting, WaitFor)
    assert (waiting.reason, waiting.name, waiting.role, waiting.quorum) == ("approval", "Budget daily", "admin", 1)
    assert waiting.details["message"] == "5 USD a day are spent"
    resume = once_approved(work)
    again = replace(context, carry=dict(waiting.details))
    assert resume(None, again, {"decisions": [{"decision": "approve"}]}) == {
        "carry": {"error_history": [{"attempt": 1}]}
    }


@pytest.mark.parametrize(
    ("happened", "code", "said"),
    [
        ({"decisions": [{"decision": "reject", "comment": "too dear"}]}, "budget_exceeded", "too dear"),
        ({"decisions": [], "timed_out": True}, "approval_timeout", "Nobody decided in time: spent"),
    ],
)
def test_a_refused_budget_fails_the_step(context: StepContext, happened: Any, code: str, said: str) -> None:
    context.carry = {"message": "spent"}
    with pytest.raises(StepFailed, match=said) as caught:
        once_approved(claude.work)(None, context, happened)
    assert (caught.value.code, caught.value.final) == (code, True)


# -- claude_smart --------------------------------------------------------------------------------------------------
def test_the_result_of_claude_smart(run: Run) -> None:
    result = run("claude_smart", prompt="simple test", preset="analysis")
    assert result["claude_smart_metadata"] == {
        "preset_applied": "analysis",
        "environment_aware": True,
        "optimization_applied": True,
    }
    assert (result["text"].startswith("Mock response for simple test"), result["cost"]) == (True, 0.0015)
    assert result["model"] == "opus"


@pytest.mark.parametrize(
    ("fields", "step", "expected"),
    [
        ({}, {}, "development"),
        ({"environment": {"mode": "production"}}, {}, "production"),
        ({"environment": {"mode": "production"}}, {"environment_aware": False}, "development"),
        ({"environment": {"mode": "production"}, "defaults": {"claude_preset": "chat"}}, {}, "chat"),
        ({"defaults": {"claude_preset": "chat"}}, {"preset": "analysis"}, "analysis"),
    ],
)
def test_which_preset_is_used(
    context: StepContext, asker: Asker, document: Document, fields: Any, step: Any, expected: str
) -> None:
    document(**fields)
    result = work_of(claude_smart.work, "claude_smart", context, asker)(prompt="x", **step)
    assert result["claude_smart_metadata"]["preset_applied"] == expected
    assert asker.last.preset == expected


def test_a_preset_default_nobody_knows_is_told(run: Run, document: Document) -> None:
    document(defaults={"claude_preset": "turbo"})
    with pytest.raises(StepFailed, match=r"defaults\.claude_preset is 'turbo'; there is only: development"):
        run("claude_smart", prompt="x")


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("production", ["Read"]),
        ("analysis", ["Read", "Glob", "Grep"]),
        ("chat", []),
        ("test", ["Read"]),
        ("development", [*presets.TOOLS, "Delete"]),
    ],
)
def test_only_development_lets_a_step_widen_its_tools(run: Run, preset: str, expected: list[str]) -> None:
    result = run("claude_smart", prompt="x", preset=preset, claude_options={"allowed_tools": ["Delete", "Read"]})
    assert result["claude_metadata"]["recorded"].get("allowed_tools") == expected


def test_the_steps_options_win_over_the_presets(context: StepContext, asker: Asker) -> None:
    ask = work_of(claude_smart.work, "claude_smart", context, asker)
    options = {"model": "haiku", "append_system_prompt": "Mine.", "retry_config": {"max_retries": 9}}
    ask(prompt="x", preset="production", claude_options=options)
    asked = asker.last
    assert (asked.model, asked.fallback_model, asked.timeout_seconds, asked.system) == ("haiku", "sonnet", 120, "Mine.")
    merged = presets.merged(presets.PRESETS["production"], options)
    assert merged["retry_config"] == {"max_retries": 9, "backoff_strategy": "linear", "retry_conditions": ["timeout"]}


def test_a_plain_step_may_start_from_a_preset(context: StepContext, asker: Asker, document: Document) -> None:
    ask = work_of(claude.work, "claude", context, asker)
    document(defaults={"claude_preset": "analysis"})
    ask(prompt="x")
    assert (asker.last.preset, asker.last.model) == (None, "haiku")
    ask(prompt="x", base_preset="auto")
    assert (asker.last.preset, asker.last.model) == ("analysis", "opus")


# -- claude_session ------------------------------------------------------------------------------------------------
def test_a_conversation_over_several_steps(context: StepContext, asker: Asker, memory: Memory) -> None:
    asker.answers = ["8", "You asked for 5 + 3."]
    config = {"session_name": "tutor", "checkpoint_frequency": 2, "description": "Maths"}
    steps = [replace(context, name=f"s{n}", task_id=f"t{n}", engine=memory, files=[]) for n in (1, 2)]
    ask = [work_of(claude_session.work, "claude_session", step, asker) for step in steps]
    first = ask[0](prompt="What is 5 + 3?", session_config=config)
    second = ask[1](prompt=[{"type": "claude_continue", "new_prompt": "What did I ask?"}], session_config=config)
    assert [(message.role, message.content) for message in asker.last.messages] == [
        ("user", "What is 5 + 3?"),
        ("assistant", "8"),
        ("user", "What did I ask?"),
    ]
    session_id = first["session_id"]
    assert second["claude_session_metadata"] == {
        "session_id": session_id,
        "session_name": "tutor",
        "session_persisted": False,
        "checkpoint_frequency": 2,
        "continue_on_restart": False,
        "interactions": 2,
    }
    record = memory.kept["tutor", False]
    assert {
        key: record[key] for key in ("session_id", "status", "max_turns", "checkpoint_interval", "description")
    } == {
        "session_id": session_id,
        "status": "active",
        "max_turns": 50,
        "checkpoint_interval": 2,
        "description": "Maths",
    }
    assert record["checkpoint"]["last_response"] == "You asked for 5 + 3."
    assert [item["step"] for item in record["interactions"]] == ["s1", "s2"]
    assert steps[0].files == []
    assert [file.name for file in steps[1].files] == ["sessions/tutor.json"]
    assert json.loads(steps[1].files[0].data)["interactions"] == record["interactions"]


def test_a_second_attempt_of_a_turn_replaces_the_first(context: StepContext, asker: Asker, memory: Memory) -> None:
    ask = work_of(claude_session.work, "claude_session", replace(context, engine=memory), asker)
    ask(prompt="hello", session_config={"session_name": "s"})
    result = ask(prompt="hello", session_config={"session_name": "s"})
    assert len(asker.last.messages) == 1
    assert result["claude_session_metadata"]["interactions"] == 1
    assert len(memory.kept["s", False]["interactions"]) == 1


def test_persistent_sessions_and_beginning_anew(context: StepContext, asker: Asker, memory: Memory) -> None:
    def ask(task: str, **config: Any) -> Any:
        step = replace(context, task_id=task, engine=memory)
        return work_of(claude_session.work, "claude_session", step, asker)(prompt=task, session_config=config)

    ask("a", session_name="s", persist=True)
    ask("b", session_name="s", continue_on_restart=True)
    assert len(asker.last.messages) == 3
    ask("c", session_name="s", persist=True, continue_session=False)
    assert len(asker.last.messages) == 1
    assert [item["prompt"] for item in memory.kept["s", True]["interactions"]] == ["c"]
    assert ask("d")["claude_session_metadata"]["session_name"] == "it"


def test_a_session_has_an_end(context: StepContext, asker: Asker, memory: Memory) -> None:
    def ask(task: str) -> Any:
        step = replace(context, task_id=task, engine=memory)
        return work_of(claude_session.work, "claude_session", step, asker)(prompt="x", session_config={"max_turns": 2})

    ask("a")
    ask("b")
    with pytest.raises(StepFailed, match=r"'it' has had 2 turns, as many as it may; raise session_config.max_turns"):
        ask("c")


def test_a_plain_step_goes_on_with_a_session(context: StepContext, asker: Asker, memory: Memory) -> None:
    memory.save_session("s", {"session_id": "s@1", "session_name": "s", "persist": False, "interactions": [
        {"task": "t0", "step": "a", "prompt": "q", "response": "a"}]}, persistent=False)  # fmt: skip
    step = replace(context, engine=memory)
    work_of(claude.work, "claude", step, asker)(prompt="more", claude_options={"session_id": "s"})
    assert [message.content for message in asker.last.messages] == ["q", "a", "more"]
    assert (asker.last.session_id, asker.last.session_name) == ("s@1", "s")
    assert [item["prompt"] for item in memory.kept["s", False]["interactions"]] == ["q", "more"]


def test_a_failed_turn_leaves_the_session_as_it_was(context: StepContext, asker: Asker, memory: Memory) -> None:
    asker.answers = [error_of("overloaded", "busy")]
    with pytest.raises(StepFailed):
        work_of(claude_session.work, "claude_session", replace(context, engine=memory), asker)(prompt="x")
    assert memory.kept == {}


# -- claude_extract ------------------------------------------------------------------------------------------------
def test_the_result_of_claude_extract(run: Run) -> None:
    config = {"format": "json", "include_metadata": True, "post_processing": ["trim", "validate"]}
    result = run("claude_extract", prompt="simple test", preset="chat", extraction_config=config)
    text = result["text"]
    assert json.loads(text)["format"] == "json"
    assert without(result, "text", "usage", "claude_metadata", "data") == {
        **FACTS,
        "cost": 0.0005,
        "model": "haiku",
        "extraction_applied": True,
        "extraction_metadata": {
            "format": "json",
            "use_content_extractor": True,
            "post_processing_applied": ["trim"],
            "extraction_timestamp": "2000-01-01T00:00:00+00:00",
            "original_length": len(json.loads(text)["content"]),
            "processed_length": len(text),
            "step_name": "it",
        },
    }


def test_unknown_operations_are_a_warning(run: Run, context: StepContext) -> None:
    run("claude_extract", prompt="x", extraction_config={"post_processing": ["dance"]})
    assert ("post_processing_unknown", {"operations": ["dance"]}) in context.events


def test_json_is_taken_out_of_the_words_around_it(context: StepContext, asker: Asker) -> None:
    ask = work_of(claude_extract.work, "claude_extract", context, asker)
    said = 'Here it is:\n```json\n{"a": 1}\n```\nEnjoy.'
    asker.answers = [said, said]
    result = ask(prompt="x", extraction_config={"output_format": "json"})
    assert (result["text"], result["data"]) == ('{"a": 1}', {"a": 1})
    raw = ask(prompt="x", extraction_config={"format": "json", "use_content_extractor": False})
    assert json.loads(raw["text"]) == {"content": said, "format": "json"}


def test_an_outline_is_a_schema(context: StepContext, asker: Asker) -> None:
    outline = {"report": {"summary": "string", "type": "string", "findings": "array", "items": [{"action": "string"}]}}
    result = work_of(claude_extract.work, "claude_extract", context, asker)(prompt="x", schema=outline)
    assert asker.last.output_schema == {
        "type": "object",
        "properties": {
            "report": {
                "type": "object",
                "properties": {
                    "summary": {"type": "string"},
                    "type": {"type": "string"},
                    "findings": {"type": "array"},
                    "items": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"action": {"type": "string"}},
                            "required": ["action"],
                        },
                    },
                },
                "required": ["summary", "type", "findings", "items"],
            }
        },
        "required": ["report"],
    }
    assert result["report"] == result["data"]["report"]
    assert result["report"]["summary"] == "Mock text"
