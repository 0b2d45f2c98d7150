"""The provider that costs nothing and knows nothing: the same prompt always gets the same answer.

Answers have the shape of real ones, so that melodies can be tried without a key. What a prompt can ask for:

| the prompt | the answer |
|---|---|
| is "simple test" | a short fixed text |
| is "error test" (Claude) or "This will fail" (Gemini) | fails, finally |
| holds "Python", "calculator" (Claude), "plan", "analyze" (Gemini) | a fixed text that fits |
| holds `[mock:rate_limit]` or another error code | fails with that code; `[mock:rate_limit 2]` only the first two attempts |
| holds `[mock:slow 500]` | takes 500 ms |
| anything else | "Mock response for: " and the beginning of the prompt |

A request with tools gets a call of the first one; one with an output schema gets a value that satisfies it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from workers.models.errors import ModelError, error_of
from workers.models.instance import instance_of
from workers.models.request import ModelAnswer, ModelRequest, ToolCall, Usage

PRESET_COSTS = {
    "development": Decimal("0.002"),
    "production": Decimal("0.001"),
    "analysis": Decimal("0.0015"),
    "chat": Decimal("0.0005"),
    "test": Decimal("0.0001"),
}
_PRESET_SUFFIXES = {
    "development": " [development preset: verbose, every tool]",
    "production": " [production preset: brief, read only]",
    "analysis": " [analysis preset: thorough, read only]",
    "chat": " [chat preset: conversational]",
    "test": " [test preset]",
}
_CLAUDE_COST = Decimal("0.001")
_GEMINI_COST = Decimal("0.002")
_DIRECTIVE = re.compile(r"\[mock:([a-z_]{1,20})(?: (\d{1,6}))?\]")
_SHOWN = 50
_MAX_DELAY_MS = 600_000


@dataclass(frozen=True, slots=True)
class _Said:
    text: str
    cost: Decimal


def answer(request: ModelRequest, *, retries: int = 0, responses: Mapping[str, Any] | None = None) -> ModelAnswer:
    """The answer to a request. `retries` is how many attempts have failed before; `responses` maps parts of a prompt to
    what is answered when they occur in it (the longest first; "" is in every prompt): a text, or a mapping with `text`,
    `cost`, or `success: false` and `error`."""
    prompt = request.last_prompt
    _trouble(prompt, retries)
    said = _registered(prompt, responses or {}) or (
        _gemini(prompt) if request.provider == "gemini" else _claude(prompt, request.preset)
    )
    calls = tuple(_tool_calls(request))
    structured = None if request.output_schema is None else instance_of(request.output_schema)
    text = said.text if request.output_schema is None else json.dumps(structured, ensure_ascii=False)
    return ModelAnswer(
        text=text,
        tool_calls=calls,
        usage=Usage(input_tokens=_tokens(_whole(request)), output_tokens=_tokens(text)),
        model=request.model,
        stop_reason="tool_use" if calls else "end_turn",
        cost_usd=said.cost,
        mock=True,
        structured=structured,
    )


def delay_ms(request: ModelRequest) -> int:
    """How long the prompt wants the answer to take."""
    slow = [int(number or 0) for what, number in _DIRECTIVE.findall(request.last_prompt) if what == "slow"]
    return min(max(slow, default=0), _MAX_DELAY_MS)


def _trouble(prompt: str, retries: int) -> None:
    for code, times in _DIRECTIVE.findall(prompt):
        if code != "slow" and (not times or retries < int(times)):
            raise error_of(code, f"The mock provider fails with {code}, as the prompt asks.")


def _registered(prompt: str, responses: Mapping[str, Any]) -> _Said | None:
    for pattern in sorted(responses, key=len, reverse=True):
        if pattern in prompt:
            return _spoken(responses[pattern])
    return None


def _spoken(response: Any) -> _Said:
    if not isinstance(response, Mapping):
        return _Said(response if isinstance(response, str) else json.dumps(response), _CLAUDE_COST)
    if response.get("success") is False:
        raise ModelError(str(response.get("error") or "Mock error"), code="api_error", final=True)
    text = response.get("text")
    return _Said(
        text if isinstance(text, str) else json.dumps(response), Decimal(str(response.get("cost", _CLAUDE_COST)))
    )


def _claude(prompt: str, preset: str | None) -> _Said:
    said = _plain_claude(prompt.strip())
    if preset is None:
        return said
    known = preset if preset in PRESET_COSTS else "development"
    return _Said(said.text + _PRESET_SUFFIXES[known], PRESET_COSTS[known])


def _plain_claude(prompt: str) -> _Said:
    if prompt == "simple test":
        return _Said("Mock response for simple test", _CLAUDE_COST)
    if prompt == "error test":
        raise ModelError("Mock error for testing", code="api_error", final=True)
    if "Python" in prompt:
        return _Said("Mock Python script:\n\n```python\nprint('Hello, World!')\n```", Decimal("0.002"))
    if "calculator" in prompt:
        return _Said(
            "Mock calculator:\n\n```python\ndef add(a, b):\n    return a + b\n```\n\nEach operation is a function.",
            Decimal("0.004"),
        )
    return _Said(f"Mock response for: {_beginning(prompt)}", _CLAUDE_COST)


def _gemini(prompt: str) -> _Said:
    plain = prompt.strip()
    if plain == "simple test":
        return _Said("Mock Gemini response for simple test", _GEMINI_COST)
    if plain == "This will fail":
        raise ModelError("Mock function calling error", code="api_error", final=True)
    if "plan" in prompt:
        plan = {"plan": "1. Look at the task. 2. Do it. 3. Check it.", "complexity": "medium"}
        return _Said(json.dumps(plan), _GEMINI_COST)
    if "analyze" in prompt.lower():
        return _Said(json.dumps({"analysis": "Mock analysis of what was given", "confidence": 0.9}), _GEMINI_COST)
    return _Said(f"Mock Gemini response for: {_beginning(plain)}", _GEMINI_COST)


def _beginning(prompt: str) -> str:
    return f"{prompt[:_SHOWN]}..."


def _tool_calls(request: ModelRequest) -> list[ToolCall]:
    if not request.tools:
        return []
    tool = request.tools[0]
    arguments: dict[str, Any] = {"result": "mock_function_result", "status": "completed"}
    declared = instance_of(tool.parameters) if tool.parameters else {}
    return [ToolCall(tool.name, arguments | declared if isinstance(declared, dict) else arguments)]


def _whole(request: ModelRequest) -> str:
    return request.system + "".join(message.content for message in request.messages)


def _tokens(text: str) -> int:
    return -(-len(text) // 4)
