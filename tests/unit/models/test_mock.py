"""The mock provider: the same prompt, the same answer, in the shape of a real one."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest

from workers.models import mock
from workers.models.errors import ModelError
from workers.models.request import Message, ModelAnswer, ModelRequest, Tool

SCHEMA = {"type": "object", "properties": {"score": {"type": "integer", "minimum": 3}}, "required": ["score"]}


def asked(prompt: str, *, gemini: bool = False, retries: int = 0, responses: Any = None, **more: Any) -> ModelAnswer:
    request = ModelRequest(
        provider="gemini" if gemini else "anthropic",
        model="gemini-2.5-flash" if gemini else "sonnet",
        messages=(Message("user", "before"), Message("assistant", "so"), Message("user", prompt)),
        **more,
    )
    return mock.answer(request, retries=retries, responses=responses)


@pytest.mark.parametrize(
    ("prompt", "gemini", "text", "cost"),
    [
        ("simple test", False, "Mock response for simple test", "0.001"),
        ("Write Python, please", False, "Mock Python script", "0.002"),
        ("a calculator", False, "Mock calculator", "0.004"),
        ("x" * 60, False, f"Mock response for: {'x' * 50}...", "0.001"),
        ("simple test", True, "Mock Gemini response for simple test", "0.002"),
        ("hello", True, "Mock Gemini response for: hello...", "0.002"),
    ],
)
def test_texts_and_costs(prompt: str, text: str, cost: str, *, gemini: bool) -> None:
    answer = asked(prompt, gemini=gemini)
    assert answer.text.startswith(text)
    assert answer.cost_usd == Decimal(cost)
    assert answer.mock
    assert answer.stop_reason == "end_turn"
    assert answer == asked(prompt, gemini=gemini)


def test_gemini_plans_and_analyzes_in_json() -> None:
    assert set(json.loads(asked("make a plan", gemini=True).text)) == {"plan", "complexity"}
    assert json.loads(asked("ANALYZE this", gemini=True).text)["confidence"] == 0.9


@pytest.mark.parametrize(
    ("prompt", "gemini", "message"),
    [("error test", False, "Mock error for testing"), ("This will fail", True, "Mock function calling error")],
)
def test_prompts_that_fail(prompt: str, message: str, *, gemini: bool) -> None:
    with pytest.raises(ModelError, match=message) as failed:
        asked(prompt, gemini=gemini)
    assert failed.value.final
    assert not failed.value.transient
    assert asked(f"what is an {prompt}?", gemini=not gemini).text


def test_trouble_as_the_prompt_asks() -> None:
    with pytest.raises(ModelError) as failed:
        asked("do it [mock:rate_limit 2]", retries=1)
    assert (failed.value.code, failed.value.transient) == ("rate_limit", True)
    assert asked("do it [mock:rate_limit 2]", retries=2).text
    with pytest.raises(ModelError) as refused:
        asked("[mock:refused]", retries=9)
    assert refused.value.final


def test_slowness_is_bounded() -> None:
    request = ModelRequest("gemini", "m", (Message("user", "[mock:slow 250] [mock:slow 999999]"),))
    assert mock.delay_ms(request) == 600_000
    assert mock.delay_ms(ModelRequest("gemini", "m", (Message("user", "slow"),))) == 0


def test_presets_have_their_price_and_suffix() -> None:
    plain = asked("hello").text
    for preset, cost in mock.PRESET_COSTS.items():
        answer = asked("hello", preset=preset)
        assert answer.cost_usd == cost
        assert answer.text.startswith(plain)
        assert preset in answer.text[len(plain) :]
    assert asked("hello", preset="whatever") == asked("hello", preset="development")


def test_registered_responses_win_longest_first() -> None:
    responses = {"": "anything", "hello": "short", "hello world": {"text": "long", "cost": 0.5}, "data": {"a": 1}}
    assert asked("say hello world", responses=responses).text == "long"
    assert asked("say hello world", responses=responses).cost_usd == Decimal("0.5")
    assert asked("hello you", responses=responses).text == "short"
    assert asked("else", responses=responses).text == "anything"
    assert json.loads(asked("data", responses=responses).text) == {"a": 1}
    with pytest.raises(ModelError, match="out of order"):
        asked("boom", responses={"boom": {"success": False, "error": "out of order"}})


def test_tools_are_called_with_valid_arguments() -> None:
    tools = (Tool("grade", "Grade it", SCHEMA), Tool("other"))
    (call,) = asked("grade this", gemini=True, tools=tools).tool_calls
    assert call.name == "grade"
    assert call.arguments == {"result": "mock_function_result", "status": "completed", "score": 3}
    assert asked("grade this", gemini=True, tools=tools).stop_reason == "tool_use"


def test_a_schema_gets_an_instance() -> None:
    answer = asked("score it", output_schema=SCHEMA)
    assert answer.structured == {"score": 3}
    assert json.loads(answer.text) == answer.structured
    jsonschema_rs.validate(SCHEMA, answer.structured)


def test_usage_counts_the_whole_conversation() -> None:
    answer = asked("x" * 400, system="y" * 400)
    assert answer.usage.input_tokens == (400 + 400 + len("beforeso")) // 4
    assert answer.usage.output_tokens == -(-len(answer.text) // 4)
