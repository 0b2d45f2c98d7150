"""What is Gemini's own, through the real SDK."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.models.conftest import Wire
from tests.wire import Answer, Status
from workers.models.errors import ModelError
from workers.models.request import Message, ModelRequest, Tool, Usage


def test_what_is_sent(gemini: Wire) -> None:
    gemini.server.script(Answer("x"))
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    gemini.call(
        ModelRequest("gemini", "gemini-2.5-flash", turns, system="be kind", temperature=0.3, top_p=0.9, top_k=5)
    )
    received = gemini.server.requests[-1]
    assert "/models/gemini-2.5-flash:streamGenerateContent" in received.path
    assert [(turn["role"], turn["parts"][0]["text"]) for turn in received.body["contents"]] == [
        ("user", "a"),
        ("model", "b"),
        ("user", "c"),
    ]
    assert received.body["systemInstruction"]["parts"][0]["text"] == "be kind"
    assert received.body["generationConfig"] == {"maxOutputTokens": 100, "temperature": 0.3, "topP": 0.9, "topK": 5}


def test_a_schema_is_asked_for(gemini: Wire) -> None:
    gemini.server.script(Answer("[]"))
    schema = {"type": "array", "items": {"type": "string"}}
    gemini.call(gemini.request(output_schema=schema))
    config = gemini.server.requests[-1].body["generationConfig"]
    assert (config["responseMimeType"], config["responseJsonSchema"]) == ("application/json", schema)


def test_functions_come_before_a_schema(gemini: Wire) -> None:
    gemini.server.script(Answer("", calls=(("f", {"a": 1}),)))
    reply = gemini.call(gemini.request(output_schema={"type": "object"}, tools=(Tool("f"),)))
    assert reply.structured is None
    assert [call.name for call in reply.tool_calls] == ["f"]
    assert "responseMimeType" not in gemini.server.requests[-1].body["generationConfig"]


def test_thoughts_cost_output_and_the_cache_is_part_of_the_prompt(gemini: Wire) -> None:
    gemini.server.script(Answer("x", input_tokens=100, output_tokens=20, thoughts=300, cache_read=40))
    assert gemini.call().usage == Usage(100, 320, 40, 0)


@pytest.mark.parametrize(
    "answer",
    [Answer("", details={"promptFeedback": {"blockReason": "SAFETY"}}), Answer("x", stop="PROHIBITED_CONTENT")],
    ids=["prompt", "answer"],
)
def test_refusals(gemini: Wire, answer: Answer) -> None:
    gemini.server.script(answer)
    with pytest.raises(ModelError, match="Gemini refused") as failed:
        gemini.call()
    assert (failed.value.code, failed.value.final) == ("refused", True)


@pytest.mark.parametrize(("delay", "seconds"), [("13s", 13.0), ("1.5s", 1.5), ("soon", None), ("1e99s", None)])
def test_the_delay_in_the_details_of_a_quota_error(gemini: Wire, delay: str, seconds: float | None) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}, "noise"]
    gemini.server.script(Status(429, details=details))
    with pytest.raises(ModelError) as failed:
        gemini.call()
    assert failed.value.retry_after == seconds


def test_a_wrong_key_is_no_bad_request(gemini: Wire) -> None:
    details: Any = [{"reason": "API_KEY_INVALID"}]
    gemini.server.script(Status(400, "API key not valid", details=details))
    with pytest.raises(ModelError) as failed:
        gemini.call()
    assert (failed.value.code, failed.value.final) == ("auth", True)
