"""From a model's answer to the result of a step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from workers.models.request import ModelRequest
from workers.steps.models.asking import Asked
from workers.steps.models.structured import parsed

MOCK_MOMENT = "2000-01-01T00:00:00+00:00"
"""Stands for "now" in results of the mock provider, so that they are always the same."""

_RECORDED = ("max_turns", "allowed_tools", "disallowed_tools", "permission_mode", "cwd", "output_format")
_EFFECTIVE = frozenset(
    {
        "model", "fallback_model", "system_prompt", "append_system_prompt", "max_tokens", "temperature", "top_p", "top_k",
        "cache_prompt", "timeout_ms", "timeout_seconds", "session_id", "resume_session", "retry_config", "async_streaming",
    }
)  # fmt: skip


def now(*, mock: bool) -> str:
    """The moment for a result's metadata."""
    return MOCK_MOMENT if mock else datetime.now(UTC).isoformat(timespec="milliseconds")


def _facts(asked: Asked, request: ModelRequest) -> dict[str, Any]:
    answer = asked.answer
    return {
        "success": True,
        "cost": float(answer.cost_usd),
        "usage": answer.usage.as_dict(),
        "model": answer.model,
        "provider": request.provider,
        "mock": answer.mock,
        "stop_reason": answer.stop_reason,
        "duration_ms": asked.duration_ms,
    }


def claude_result(
    asked: Asked, request: ModelRequest, options: Mapping[str, Any], *, value: Any = None
) -> dict[str, Any]:
    """`text`, `success` and `cost`, and how the answer came about.

    `value` is the answer's value when it had to satisfy a schema: it is `data`, and if it is a map its fields are fields
    of the result too. Without a schema, an answer that is JSON is `data` where `output_format` is json.
    """
    answer = asked.answer
    result = {"text": answer.text} | _facts(asked, request)
    metadata = options_told(options)
    if metadata:
        result["claude_metadata"] = metadata
    if request.output_schema is not None:
        return with_value(result, value)
    return _with_json(result, answer.text) if options.get("output_format") == "json" else result


def gemini_result(asked: Asked, request: ModelRequest, *, value: Any = None) -> dict[str, Any]:
    """`content`, `success` and `cost`; with function calls these, and the arguments of the first one as fields."""
    answer = asked.answer
    result = {"content": answer.text} | _facts(asked, request)
    if answer.tool_calls:
        result["function_calls"] = [
            {"name": call.name, "arguments": dict(call.arguments)} for call in answer.tool_calls
        ]
        result = _merged(result, answer.tool_calls[0].arguments, replaceable="content")
    if request.output_schema is not None and value is not None:
        return with_value(result, value)
    return _with_json(result, answer.text)


def _with_json(result: dict[str, Any], text: str) -> dict[str, Any]:
    data = parsed(text)
    return result if data is None else result | {"data": data}


def with_value(result: dict[str, Any], value: Any) -> dict[str, Any]:
    """The result with the value of a structured answer: whole as `data`, and field by field."""
    result = result | {"data": value}
    return _merged(result, value) if isinstance(value, Mapping) else result


def _merged(result: dict[str, Any], fields: Mapping[str, Any], *, replaceable: str | None = None) -> dict[str, Any]:
    """Fields beside those of the result, which keep their meaning, save the replaceable one."""
    return {key: item for key, item in fields.items() if key not in result or key == replaceable} | {
        key: item for key, item in result.items() if not (key == replaceable and key in fields)
    }


def options_told(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a step's options say that a call of the messages API has no use for: `recorded` with its value, and
    `without_effect` by name only, since the values may be long or confidential."""
    recorded = {name: options[name] for name in _RECORDED if options.get(name) is not None}
    known = _EFFECTIVE | set(recorded)
    rest = sorted(name for name, value in options.items() if name not in known and value not in (None, False))
    return {"recorded": recorded} | ({"without_effect": rest} if rest else {})
