"""What is Claude's own, through the real SDK."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.models.conftest import Wire
from tests.wire import Answer, StreamError
from workers.models.anthropic_api import STRUCTURED_TOOL
from workers.models.errors import ModelError
from workers.models.request import Message, ModelRequest, Tool, Usage

EPHEMERAL = {"type": "ephemeral"}


def body(claude: Wire, request: ModelRequest | None = None, **more: Any) -> Any:
    claude.call(request, **more)
    return claude.server.requests[-1].body


def test_what_is_sent(claude: Wire) -> None:
    claude.server.script(Answer("x"))
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    sent = body(claude, ModelRequest("anthropic", "claude-sonnet-5-5", turns, system="be kind"))
    assert sent["messages"] == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    assert sent["system"] == [{"type": "text", "text": "be kind"}]
    assert (sent["model"], sent["max_tokens"], sent["stream"]) == ("claude-sonnet-5-5", 100, True)
    assert not {"temperature", "tools", "tool_choice", "output_config", "thinking"} & set(sent)


def test_the_cache_is_asked_for(claude: Wire) -> None:
    claude.server.script(Answer("x", cache_read=500, cache_write=900))
    long = claude.request("x" * 5000, system="be kind", cache_prompt=True)
    sent = body(claude, long)
    assert sent["system"][0]["cache_control"] == EPHEMERAL
    assert sent["messages"][0]["content"][0]["cache_control"] == EPHEMERAL
    assert claude.call(long).usage == Usage(11, 7, 500, 900)
    assert body(claude, claude.request("short", cache_prompt=True))["messages"][0]["content"] == "short"


def test_temperature_goes_to_models_that_take_it_by_the_version_that_does(claude: Wire) -> None:
    claude.server.script(Answer("x"))
    request = claude.request(temperature=1.5, top_p=0.5, top_k=3)
    sent = body(claude, request, sampling=True)
    assert (sent["temperature"], sent["top_k"]) == (1.0, 3)
    assert "top_p" not in sent
    assert claude.server.requests[-1].headers["anthropic-version"] == "2023-06-01"
    assert not {"temperature", "top_p", "top_k"} & set(body(claude, request, sampling=False))
    assert claude.server.requests[-1].headers["anthropic-version"] != "2023-06-01"


def test_a_closed_schema_is_asked_for_strictly(claude: Wire) -> None:
    claude.server.script(Answer('{"n": 1}'))
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
    asked = body(claude, claude.request(output_schema=schema))["output_config"]["format"]
    assert asked["type"] == "json_schema"
    assert asked["schema"]["additionalProperties"] is False
    assert schema["properties"]["n"] == {"type": "integer", "minimum": 1}


@pytest.mark.parametrize(
    ("schema", "arguments", "value"),
    [
        ({"type": "object"}, {"any": [1]}, {"any": [1]}),
        ({"type": "object", "properties": {"a": {"type": "object"}}}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"type": "array", "items": {"type": "object"}}, {"value": [{"a": 1}]}, [{"a": 1}]),
        ({"minimum": 1}, {"value": 5}, 5),
    ],
)
def test_an_open_schema_is_asked_for_by_a_tool(claude: Wire, schema: Any, arguments: Any, value: Any) -> None:
    claude.server.script(Answer("Here:", calls=((STRUCTURED_TOOL, arguments),)))
    reply = claude.call(claude.request(output_schema=schema, tools=(Tool("other"),)))
    assert reply.structured == value
    assert reply.tool_calls == ()
    assert reply.stop_reason == "end_turn"
    sent = claude.server.requests[-1].body
    assert sent["tool_choice"] == {"type": "tool", "name": STRUCTURED_TOOL}
    assert [tool["name"] for tool in sent["tools"]] == ["other", STRUCTURED_TOOL]
    assert sent["thinking"] == {"type": "disabled"}


def test_a_refusal(claude: Wire) -> None:
    details = {"stop_details": {"type": "refusal", "category": "cyber", "explanation": "It is malware."}}
    claude.server.script(Answer("no", stop="refusal", details=details))
    with pytest.raises(ModelError, match="It is malware") as failed:
        claude.call()
    assert (failed.value.code, failed.value.final) == ("refused", True)


@pytest.mark.parametrize(
    ("kind", "code"),
    [("overloaded_error", "overloaded"), ("rate_limit_error", "rate_limit"), ("api_error", "api_error")],
)
def test_errors_in_a_stream_by_their_kind(claude: Wire, kind: str, code: str) -> None:
    claude.server.script(StreamError("Hel lo", kind=kind))
    with pytest.raises(ModelError) as failed:
        claude.call()
    assert failed.value.code == code
