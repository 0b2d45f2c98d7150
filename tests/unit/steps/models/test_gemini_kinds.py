"""What gemini and gemini_instructor ask, and the shapes of their results."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.steps.models.stage import Asker, work_of
from workers.contract import StepContext, StepFailed
from workers.steps import gemini, gemini_instructor

Run = Callable[..., Any]
Document = Callable[..., None]

FUNCTIONS = {
    "rate": {
        "description": "Rate code",
        "parameters": {
            "type": "object",
            "properties": {"score": {"type": "integer"}, "content": {"type": "string"}, "cost": {"type": "number"}},
            "required": ["score"],
        },
    }
}


def test_the_result_of_gemini(run: Run) -> None:
    assert run("gemini", prompt="simple test") == {
        "content": "Mock Gemini response for simple test",
        "success": True,
        "cost": 0.002,
        "usage": {"input_tokens": 3, "output_tokens": 9, "cache_read_tokens": 0, "cache_write_tokens": 0},
        "model": "gemini-flash-lite-latest",
        "provider": "gemini",
        "mock": True,
        "stop_reason": "end_turn",
        "duration_ms": 0,
    }


def test_arguments_of_the_first_function_call_are_fields_of_the_result(run: Run, document: Document) -> None:
    document(gemini_functions=FUNCTIONS)
    result = run("gemini", prompt="Rate it", functions=["rate"])
    arguments = {
        "result": "mock_function_result",
        "status": "completed",
        "score": 1,
        "content": "Mock text",
        "cost": 0.5,
    }
    assert result["function_calls"] == [{"name": "rate", "arguments": arguments}]
    assert (result["score"], result["status"], result["content"], result["cost"]) == (
        1,
        "completed",
        "Mock text",
        0.002,
    )


def test_functions_may_be_written_in_the_step(context: StepContext, asker: Asker) -> None:
    ask = work_of(gemini.work, "gemini", context, asker)
    ask(prompt="x", functions=[{"name": "f", "description": "F", "parameters": {"when": "string", "n": "integer"}}])
    (tool,) = asker.last.tools
    assert (tool.name, tool.description) == ("f", "F")
    assert tool.parameters == {
        "type": "object",
        "properties": {"when": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["when", "n"],
    }
    ask(prompt="x", tools=[{"function_declarations": [{"name": "g"}]}, {"google_search": {}}])
    assert [(tool.name, tool.parameters) for tool in asker.last.tools] == [("g", {"type": "object", "properties": {}})]


def test_a_function_nobody_defined(run: Run, document: Document) -> None:
    document(gemini_functions=FUNCTIONS)
    with pytest.raises(StepFailed, match="'rait' is not defined; `gemini_functions` of the workflow has: rate"):
        run("gemini", prompt="x", functions=["rait"])


def test_budgets_and_timeouts(context: StepContext, asker: Asker) -> None:
    ask = work_of(gemini.work, "gemini", context, asker)
    budget = {"max_output_tokens": 24000, "temperature": 0, "top_p": 0.8, "top_k": 20, "max_input_tokens": 100}
    ask(prompt="x", token_budget=budget, model="gemini-2.5-pro", temperature=1, streaming={"enabled": True})
    asked = asker.last
    assert (asked.max_output_tokens, asked.temperature, asked.top_p, asked.top_k) == (24000, 0, 0.8, 20)
    assert (asked.model, asked.timeout_seconds, asked.stream) == ("gemini-2.5-pro", 300, True)
    ask(prompt="x", timeout_ms=1500)
    assert asker.last.timeout_seconds == 1.5


def test_the_result_of_gemini_instructor(run: Run) -> None:
    schema = {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "minItems": 2}}}
    result = run("gemini_instructor", prompt="x", schema=schema)
    assert result["items"] == result["data"]["items"]
    assert len(result["items"]) == 2
    assert json.loads(result["content"]) == result["data"]
    assert result["model"] == "gemini-2.5-flash"


def test_without_a_schema_the_usual_shape_and_settings(context: StepContext, asker: Asker, document: Document) -> None:
    document(gemini_functions=FUNCTIONS)
    ask = work_of(gemini_instructor.work, "gemini_instructor", context, asker)
    result = ask(prompt="x")
    assert set(result["data"]) == {"text", "analysis", "summary"}
    assert (asker.last.temperature, asker.last.max_output_tokens, asker.last.timeout_seconds) == (0.7, 2048, 120)
    called = ask(prompt="x", functions=["rate"])
    assert (called["function_calls"][0]["name"], asker.last.temperature, asker.last.output_schema) == (
        "rate",
        0.3,
        None,
    )


def test_strict_and_loose_validation(context: StepContext, asker: Asker) -> None:
    ask = work_of(gemini_instructor.work, "gemini_instructor", context, asker)
    asker.answers = ['{"n": "many"}', '{"n": "many"}', "not json", '{"n": 1}']
    with pytest.raises(StepFailed, match='n: "many" is not of type "integer"'):
        ask(prompt="x", schema={"n": "integer"})
    loose = ask(prompt="x", schema={"n": "integer"}, validation_mode="loose")
    assert (loose["n"], loose["validation_errors"]) == ("many", ['n: "many" is not of type "integer"'])
    assert ask(prompt="x", schema={"n": "integer"}, validation_mode="loose")["validation_errors"] == [
        "the answer is not JSON"
    ]
    assert ask(prompt="x", schema={"n": "integer"}, validation_mode="loose")["validation_errors"] == []
